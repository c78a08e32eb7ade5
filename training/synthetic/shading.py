"""Lights what the pixels of a picture see: sky, scenery or people."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.pinhole import Pinhole, direction, on_image_plane
from training.synthetic.shadow_map import ShadowMap, sun_reaches
from training.synthetic.texture import noise_at, texel

_NEAR_REACH, _FAR_REACH = 0.05, 0.16  # metres at which creases and neighbours take light away

_Vector = tuple[float, float, float]

# A call that hands on all these arrays for every pixel would take half of the time.
_inlined = njit(cache=True, error_model='numpy', fastmath=True, forceinline=True)


class SceneryPixels(NamedTuple):
    """What every pixel would see without people."""

    material: NDArray  # (H, W) row of materials, -1 = sky
    normal: NDArray  # (H, W, 3)
    color: NDArray  # (H, W, 3) without light
    materials: NDArray  # rows of ``Material.row``
    sky: NDArray  # (3,) colour at the horizon


class PeopleMesh(NamedTuple):
    """Triangles of all people, see ``Mesh``."""

    normals: NDArray  # (V, 3)
    uv: NDArray  # (V, 2)
    faces: NDArray  # (F, 3)
    face_material: NDArray  # (F,)
    face_part: NDArray  # (F,)
    face_person: NDArray  # (F,)
    materials: NDArray  # (M, C)


class Raster(NamedTuple):
    """Where every pixel sees the people, see ``rasterize``."""

    depth: NDArray  # (H, W) metres along the view axis
    face: NDArray  # (H, W) -1 = nobody
    weights: NDArray  # (H, W, 2)


class Lighting(NamedTuple):
    """What lights surfaces and what keeps light away."""

    colors: NDArray  # (4, 3) direction of the sun, colours of sun, sky and bounce
    shadows: ShadowMap
    feet: NDArray  # (P, 3) x, y and reach on the ground of those who darken it, metres


class Picture(NamedTuple):
    """Written by :func:`shade`, see ``Rendering``."""

    image: NDArray  # (H, W, 3)
    person: NDArray  # (H, W)
    part: NDArray  # (H, W)


class _Spot(NamedTuple):
    """Place that a pixel sees."""

    point: _Vector  # metres
    sight: _Vector  # unit, from the camera


@njit(cache=True, error_model='numpy', fastmath=True)
def _spot(camera: Pinhole, y: int, x: int, z: float) -> _Spot:
    """Find what a pixel sees ``z`` metres along the view axis."""
    lx, ly = on_image_plane(camera, x, y)
    dx, dy, dz = direction(camera, lx, ly)
    length = np.sqrt(lx * lx + ly * ly + 1)
    position = camera.position
    point = (position[0] + z * dx, position[1] + z * dy, position[2] + z * dz)
    return _Spot(point, (dx / length, dy / length, dz / length))


@njit(cache=True, error_model='numpy', fastmath=True)
def _openness(depth: NDArray, y: int, x: int, focal: float) -> float:
    """Share of the sky that creases and things close by leave, from the depth around a pixel."""
    height, width = depth.shape
    z = depth[y, x]
    closed = 0.0
    for ring in range(2):
        reach = _NEAR_REACH if ring == 0 else _FAR_REACH
        radius = min(40.0, max(1.0, reach * focal / z))
        for k in range(4):
            dx = round(radius * np.cos(0.7854 * k + 0.4 * ring))
            dy = round(radius * np.sin(0.7854 * k + 0.4 * ring))
            hollow = 0.0
            for sign in (-1, 1):
                sx = min(width - 1, max(0, x + sign * dx))
                sy = min(height - 1, max(0, y + sign * dy))
                nearer = z - depth[sy, sx]
                # What is much nearer hangs freely before the surface, what is farther is open.
                if nearer < 4 * reach:
                    hollow += min(reach, max(-reach, nearer))
            closed += min(1.0, max(0.0, hollow / reach))
    return 1.0 - 0.75 * min(1.0, closed / 5.0)


@njit(cache=True, error_model='numpy', fastmath=True)
def _light(
    normal: _Vector,
    sight: _Vector,
    gloss: float,
    sun: float,
    openness: float,
    light: NDArray,
    color: NDArray,
) -> None:
    """
    Light a surface.

    :param normal: of the surface, unit.
    :param sight: from the camera to it, unit.
    :param gloss: of the material.
    :param sun: share of the sun that reaches it.
    :param openness: share of the sky, likewise.
    :param light: ``Lighting.colors``.
    :param color: (3,) without light; written, with light.
    """
    facing = normal[0] * light[0, 0] + normal[1] * light[0, 1] + normal[2] * light[0, 2]
    diffuse = max(0.0, 0.9 * facing + 0.1) * sun
    # The sky is brighter around the sun, behind clouds as well.
    openness *= 0.5 + max(0.0, 0.5 + 0.5 * facing) ** 1.5
    up = 0.5 + 0.5 * normal[2]
    shine = 0.0
    if gloss > 0.0:
        hx = light[0, 0] - sight[0]
        hy = light[0, 1] - sight[1]
        hz = light[0, 2] - sight[2]
        length = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
        half = max(0.0, (normal[0] * hx + normal[1] * hy + normal[2] * hz) / length)
        shine = gloss * half**24 * sun
    for k in range(3):
        ambient = (up * light[2, k] + (1 - up) * light[3, k]) * openness
        color[k] = color[k] * (ambient + diffuse * light[1, k]) + shine * light[1, k]


@njit(cache=True, error_model='numpy', fastmath=True)
def _ground_openness(point: _Vector, feet: NDArray) -> float:
    """Share of the sky that people leave to the ground around their feet."""
    openness = 1.0
    for i in range(feet.shape[0]):
        ex, ey = point[0] - feet[i, 0], point[1] - feet[i, 1]
        distance = (ex * ex + ey * ey) / (feet[i, 2] * feet[i, 2])
        if distance < 9.0:
            openness *= 1 - 0.55 * np.exp(-distance)
    return openness


@_inlined
def _shade_scenery(
    scenery: SceneryPixels, lighting: Lighting, y: int, x: int, spot: _Spot, color: NDArray
) -> None:
    """Write the light that comes from what a pixel sees of the scenery."""
    m = scenery.material[y, x]
    normal = (
        np.float64(scenery.normal[y, x, 0]),
        np.float64(scenery.normal[y, x, 1]),
        np.float64(scenery.normal[y, x, 2]),
    )
    for k in range(3):
        color[k] = scenery.color[y, x, k]
    openness = 1.0
    if m == 0:
        openness = _ground_openness(spot.point, lighting.feet)
    sun = sun_reaches(spot.point, lighting.shadows, 0.02)
    _light(normal, spot.sight, scenery.materials[m, 10], sun, openness, lighting.colors, color)


@_inlined
def _fold(
    row: NDArray, u: float, v: float, noise: NDArray, normal: _Vector
) -> tuple[_Vector, float]:
    """Bend the normal of cloth as its folds do, and tell how deep in a wrinkle the place is."""
    folds = row[9]
    if folds <= 0.0:
        return normal, 0.0
    bent = (
        normal[0] + _bend(row, u, v, noise, 0),
        normal[1] + _bend(row, u, v, noise, 1),
        normal[2] + _bend(row, u, v, noise, 2),
    )
    # Wrinkles run aslant, as cloth is pulled; their valleys are dark.
    wave = noise_at(noise, 0.55 * u + 0.3 * v + row[12], 0.75 * v - 0.2 * u)
    return bent, folds * max(0.0, 1.0 - 9.0 * abs(wave - 0.5))


@_inlined
def _bend(row: NDArray, u: float, v: float, noise: NDArray, k: int) -> float:
    fold = noise_at(noise, 0.45 * u + row[12] + 0.31 * k, 0.85 * v + 0.23 * k)
    fine = noise_at(noise, 1.3 * u + 0.17 * k, 1.1 * v + row[12] + 0.41 * k)
    return row[9] * (2.2 * (fold - 0.5) + 0.8 * (fine - 0.5))


@_inlined
def _shade_person(
    people: PeopleMesh,
    raster: Raster,
    lighting: Lighting,
    noise: NDArray,
    y: int,
    x: int,
    openness: float,
    spot: _Spot,
    color: NDArray,
) -> None:
    """
    Write the light that comes from what a pixel sees of a person.

    :param openness: share of the sky that what is around leaves.
    """
    face = raster.face[y, x]
    a, b, c = people.faces[face, 0], people.faces[face, 1], people.faces[face, 2]
    wb, wc = raster.weights[y, x, 0], raster.weights[y, x, 1]
    wa = 1 - wb - wc
    uv, normals = people.uv, people.normals
    u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
    v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
    nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0]
    ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
    nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2]
    inside = 1.0
    sight = spot.sight
    if nx * sight[0] + ny * sight[1] + nz * sight[2] > 0.15:
        # The inner side of an open garment.
        inside = 0.6
        nx, ny, nz = -nx, -ny, -nz
    row = people.materials[people.face_material[face]]
    (nx, ny, nz), crease = _fold(row, u, v, noise, (nx, ny, nz))
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    normal = (nx / length, ny / length, nz / length)
    texel(row, u, v, 0.0, noise, color)
    sun = sun_reaches(spot.point, lighting.shadows, 0.06)
    # Less sky is seen from low down, between the legs and from surfaces that look down.
    openness *= inside * (0.75 + 0.25 * min(1.0, max(0.0, spot.point[2]))) * (1 - 0.45 * crease)
    _light(normal, sight, row[10], sun, openness, lighting.colors, color)


@njit(cache=True, error_model='numpy', fastmath=True)
def shade(
    camera: Pinhole,
    scenery: SceneryPixels,
    people: PeopleMesh,
    raster: Raster,
    lighting: Lighting,
    noise: NDArray,
    picture: Picture,
) -> None:
    """
    Write image and labels of every pixel.

    :param noise: from ``value_noise``; makes folds and patterns.
    :param picture: written.
    """
    height, width = raster.depth.shape
    sky, image = scenery.sky, picture.image
    color = np.empty(3)
    for y in range(height):
        for x in range(width):
            z = raster.depth[y, x]
            spot = _spot(camera, y, x, z)
            face = raster.face[y, x]
            picture.person[y, x] = people.face_person[face] if face >= 0 else -1
            picture.part[y, x] = people.face_part[face] if face >= 0 else 0
            if face >= 0:
                openness = _openness(raster.depth, y, x, camera.focal_center[1])
                _shade_person(people, raster, lighting, noise, y, x, openness, spot, color)
                for k in range(3):
                    image[y, x, k] = color[k]
            elif scenery.material[y, x] >= 0:
                _shade_scenery(scenery, lighting, y, x, spot, color)
                haze = min(0.35, z / 250.0)
                for k in range(3):
                    image[y, x, k] = color[k] * (1 - haze) + 0.7 * sky[k] * haze
            else:
                # Brighter towards the horizon.
                glow = 1.0 - 0.5 * min(1.0, max(0.0, spot.sight[2]))
                for k in range(3):
                    image[y, x, k] = sky[k] * glow
