"""Draws people in scenery under sun and sky, with all labels of every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.camera import Camera
from training.synthetic.light import Light
from training.synthetic.mesh import Mesh
from training.synthetic.rasterizer import rasterize
from training.synthetic.scenery import Scenery, SceneryView, view_scenery
from training.synthetic.shadow_map import shadow_map, sun_reaches
from training.synthetic.texture import (
    linear_from_srgb,
    noise_at,
    texel,
    value_noise,
)

FloatArray = NDArray[np.float64]

NOISE = value_noise()


@dataclass(frozen=True)
class Rendering:
    """A picture and what every pixel shows."""

    image: NDArray[np.float32]  # (H, W, 3) linear RGB, 1 = white
    person: NDArray[np.int32]  # (H, W) index into the rendered people, -1 = none
    part: NDArray[np.uint8]  # (H, W) LIP label of that person
    depth: NDArray[np.float32]  # (H, W) metres along the view axis


_NEAR_REACH, _FAR_REACH = 0.05, 0.16  # metres at which creases and neighbours take light away


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
def _lit(
    color: NDArray,
    normal: NDArray,
    view: NDArray,
    gloss: float,
    shade: float,
    openness: float,
    light: NDArray,
    out: NDArray,
) -> None:
    """Light a surface; ``light`` holds sun direction, sun, sky and bounce colours as rows."""
    facing = normal[0] * light[0, 0] + normal[1] * light[0, 1] + normal[2] * light[0, 2]
    diffuse = max(0.0, 0.9 * facing + 0.1) * shade
    # The sky is brighter around the sun, behind clouds as well.
    openness *= 0.5 + max(0.0, 0.5 + 0.5 * facing) ** 1.5
    up = 0.5 + 0.5 * normal[2]
    shine = 0.0
    if gloss > 0.0:
        hx = light[0, 0] - view[0]
        hy = light[0, 1] - view[1]
        hz = light[0, 2] - view[2]
        length = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
        half = max(0.0, (normal[0] * hx + normal[1] * hy + normal[2] * hz) / length)
        shine = gloss * half**24 * shade
    for k in range(3):
        ambient = (up * light[2, k] + (1 - up) * light[3, k]) * openness
        out[k] = color[k] * (ambient + diffuse * light[1, k]) + shine * light[1, k]


@njit(cache=True, error_model='numpy', fastmath=True)
def _shade(
    camera: NDArray,
    focal_center: NDArray,
    position: NDArray,
    scenery_material: NDArray,
    scenery_normal: NDArray,
    scenery_color: NDArray,
    scenery_rows: NDArray,
    sky: NDArray,
    depth: NDArray,
    face_index: NDArray,
    weights: NDArray,
    vertices: NDArray,
    normals: NDArray,
    uvs: NDArray,
    faces: NDArray,
    face_material: NDArray,
    face_part: NDArray,
    face_person: NDArray,
    rows: NDArray,
    light: NDArray,
    map_frame: NDArray,
    map_origin: NDArray,
    cells_per_metre: float,
    height_map: NDArray,
    feet: NDArray,
    noise: NDArray,
    image: NDArray,
    person: NDArray,
    part: NDArray,
) -> None:
    height, width = depth.shape
    color = np.empty(3)
    out = np.empty(3)
    n = np.empty(3)
    view = np.empty(3)
    point = np.empty(3)
    for y in range(height):
        for x in range(width):
            lx = (x + 0.5 - focal_center[2]) / focal_center[0]
            ly = (y + 0.5 - focal_center[3]) / focal_center[1]
            length = np.sqrt(lx * lx + ly * ly + 1)
            z = depth[y, x]
            for k in range(3):
                d = camera[0, k] * lx + camera[1, k] * ly + camera[2, k]
                point[k] = position[k] + z * d
                view[k] = d / length
            f = face_index[y, x]
            if f < 0:
                m = scenery_material[y, x]
                person[y, x] = -1
                part[y, x] = 0
                if m < 0:
                    # Brighter towards the horizon.
                    glow = 1.0 - 0.5 * min(1.0, max(0.0, view[2]))
                    for k in range(3):
                        image[y, x, k] = sky[k] * glow
                    continue
                for k in range(3):
                    n[k] = scenery_normal[y, x, k]
                openness = 1.0
                if m == 0:
                    for i in range(feet.shape[0]):
                        ex, ey = point[0] - feet[i, 0], point[1] - feet[i, 1]
                        distance = (ex * ex + ey * ey) / (feet[i, 2] * feet[i, 2])
                        if distance < 9.0:
                            openness *= 1 - 0.55 * np.exp(-distance)
                shade = sun_reaches(
                    point, map_frame, map_origin, cells_per_metre, height_map, 0.02
                )
                for k in range(3):
                    color[k] = scenery_color[y, x, k]
                _lit(color, n, view, scenery_rows[m, 10], shade, openness, light, out)
                haze = min(0.35, z / 250.0)
                for k in range(3):
                    image[y, x, k] = out[k] * (1 - haze) + 0.7 * sky[k] * haze
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            wb, wc = weights[y, x, 0], weights[y, x, 1]
            wa = 1 - wb - wc
            u = wa * uvs[a, 0] + wb * uvs[b, 0] + wc * uvs[c, 0]
            v = wa * uvs[a, 1] + wb * uvs[b, 1] + wc * uvs[c, 1]
            row = rows[face_material[f]]
            toward = 0.0
            for k in range(3):
                n[k] = wa * normals[a, k] + wb * normals[b, k] + wc * normals[c, k]
                toward += n[k] * view[k]
            inside = 1.0
            if toward > 0.15:
                # The inner side of an open garment.
                inside = 0.6
                for k in range(3):
                    n[k] = -n[k]
            folds = row[9]
            crease = 0.0
            if folds > 0.0:
                for k in range(3):
                    fold = noise_at(noise, 0.45 * u + row[12] + 0.31 * k, 0.85 * v + 0.23 * k)
                    fine = noise_at(noise, 1.3 * u + 0.17 * k, 1.1 * v + row[12] + 0.41 * k)
                    n[k] += folds * (2.2 * (fold - 0.5) + 0.8 * (fine - 0.5))
                # Wrinkles run aslant, as cloth is pulled; their valleys are dark.
                wave = noise_at(noise, 0.55 * u + 0.3 * v + row[12], 0.75 * v - 0.2 * u)
                crease = folds * max(0.0, 1.0 - 9.0 * abs(wave - 0.5))
            length = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9
            for k in range(3):
                n[k] /= length
            texel(row, u, v, 0.0, noise, color)
            shade = sun_reaches(point, map_frame, map_origin, cells_per_metre, height_map, 0.06)
            # Less sky is seen from low down, between the legs and from surfaces that look down.
            openness = inside * (0.75 + 0.25 * min(1.0, max(0.0, point[2]))) * (1 - 0.45 * crease)
            openness *= _openness(depth, y, x, focal_center[1])
            _lit(color, n, view, row[10], shade, openness, light, out)
            for k in range(3):
                image[y, x, k] = out[k]
            person[y, x] = face_person[f]
            part[y, x] = face_part[f]


def render(
    people: Sequence[Mesh],
    scenery: Scenery,
    camera: Camera,
    light: Light,
    size_hw: tuple[int, int],
    scenery_view: SceneryView | None = None,
) -> Rendering:
    """
    Draw a picture.

    :param people: meshes in the world.
    :param scenery: what stands around them.
    :param camera: of the picture.
    :param light: sun and sky.
    :param size_hw: of the picture.
    :param scenery_view: what this camera sees of the scenery, if it is known already.
    """
    view = scenery_view or view_scenery(scenery, camera, size_hw, NOISE)
    depth = view.depth.copy()
    face_index = np.full(size_hw, -1, np.int32)
    weights = np.zeros((*size_hw, 2), np.float32)
    vertex_start, face_start, material_start = 0, 0, 0
    faces, materials, persons = [], [], []
    for index, mesh in enumerate(people):
        points = camera.project(mesh.vertices)
        rasterize(points, mesh.faces, face_start, depth, face_index, weights)
        faces.append(mesh.faces + vertex_start)
        materials.append(mesh.face_material + material_start)
        persons.append(np.full(len(mesh.faces), index, np.int32))
        vertex_start += len(mesh.vertices)
        face_start += len(mesh.faces)
        material_start += len(mesh.materials)

    def joined(pieces: list[NDArray], empty: tuple[int, ...], dtype: type) -> NDArray:
        return np.concatenate(pieces) if pieces else np.zeros(empty, dtype)

    feet = [(*mesh.vertices[:, :2].mean(axis=0), 0.32) for mesh in people]
    image = np.empty((*size_hw, 3), np.float32)
    person = np.empty(size_hw, np.int32)
    part = np.empty(size_hw, np.uint8)
    map_frame, map_origin, scale, height_map = shadow_map(people, light)
    _shade(
        np.ascontiguousarray(camera.rotation),
        np.array([*camera.focal_xy, *camera.center_xy]),
        camera.position,
        view.material,
        view.normal,
        view.color,
        scenery.materials,
        linear_from_srgb(scenery.sky) * (light.sky.mean() + 0.35 * light.sun.mean()),
        depth,
        face_index,
        weights,
        joined([mesh.vertices for mesh in people], (0, 3), np.float32),
        joined([mesh.normals for mesh in people], (0, 3), np.float32),
        joined([mesh.uv for mesh in people], (0, 2), np.float32),
        joined(faces, (0, 3), np.int32),
        joined(materials, (0,), np.int32),
        joined([mesh.face_part for mesh in people], (0,), np.uint8),
        joined(persons, (0,), np.int32),
        joined([mesh.materials for mesh in people], (0, 13), np.float32),
        np.stack([light.sun_direction, light.sun, light.sky, light.bounce]),
        map_frame,
        map_origin,
        scale,
        height_map,
        np.array(feet, float).reshape(-1, 3),
        NOISE,
        image,
        person,
        part,
    )
    return Rendering(image, person, part, depth)
