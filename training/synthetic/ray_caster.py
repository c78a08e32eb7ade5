"""Casts a ray per pixel at a ground plane, boxes, cylinders and bushes."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.pinhole import Pinhole, direction, on_image_plane
from training.synthetic.texture import noise_at, texel

_NEAR, _FAR = 0.05, 300.0  # metres; things that are nearer are not seen, what is farther is sky

# A call for every shape and pixel would take a third of the time.
_inlined = njit(cache=True, error_model='numpy', fastmath=True, forceinline=True)


class Shapes(NamedTuple):
    """Tables of what rays can hit beside the ground."""

    boxes: NDArray  # (N, 7) rows of ``Box.numbers``
    cylinders: NDArray  # (M, 5) rows of ``Cylinder.numbers``
    bushes: NDArray  # (K, 6) rows of ``Bush.numbers``
    columns: NDArray  # (N + M + K, 2) range of picture columns in which each can be seen


class Surfaces(NamedTuple):
    """What every pixel sees."""

    depth: NDArray  # (H, W) metres along the view axis
    material: NDArray  # (H, W) 0 ground, then boxes, cylinders, bushes; -1 sky
    normal: NDArray  # (H, W, 3)
    uv: NDArray  # (H, W, 2) place on the surface, metres


class _Ray(NamedTuple):
    """From the camera, one metre along the view axis at a time."""

    x: float
    y: float
    z: float
    dx: float
    dy: float
    dz: float


class _Hit(NamedTuple):
    """Where a ray meets a surface; a miss is as far as the sky."""

    distance: float
    nx: float
    ny: float
    nz: float
    u: float
    v: float


@_inlined
def _miss() -> _Hit:
    return _Hit(_FAR, 0.0, 0.0, 1.0, 0.0, 0.0)


@_inlined
def _hit_ground(ray: _Ray) -> _Hit:
    if ray.dz >= -1e-6:
        return _miss()
    t = -ray.z / ray.dz
    return _Hit(t, 0.0, 0.0, 1.0, ray.x + t * ray.dx, ray.y + t * ray.dy)


@_inlined
def _hit_box(box: NDArray, ray: _Ray, before: float) -> _Hit:
    """Meet a box, which is between pairs of planes, if it is nearer than ``before``."""
    c, s = np.cos(box[6]), np.sin(box[6])
    rx, ry = ray.x - box[0], ray.y - box[1]
    ox, oy = c * rx + s * ry, -s * rx + c * ry
    ex, ey = c * ray.dx + s * ray.dy, -s * ray.dx + c * ray.dy
    near, far, side = _NEAR, before, -1
    for axis in range(3):
        if axis == 0:
            o, e, low, high = ox, ex, -box[4], box[4]
        elif axis == 1:
            o, e, low, high = oy, ey, -box[5], box[5]
        else:
            o, e, low, high = ray.z, ray.dz, box[2], box[3]
        if abs(e) < 1e-9:
            e = 1e-9
        t0, t1 = (low - o) / e, (high - o) / e
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > near:
            near, side = t0, axis
        far = min(far, t1)
    if side < 0 or near >= far:
        return _miss()
    hx, hy, hz = ox + near * ex, oy + near * ey, ray.z + near * ray.dz
    if side == 0:
        sign = -1.0 if ex > 0 else 1.0
        return _Hit(near, sign * c, sign * s, 0.0, hy, hz)
    if side == 1:
        sign = -1.0 if ey > 0 else 1.0
        return _Hit(near, -sign * s, sign * c, 0.0, hx, hz)
    return _Hit(near, 0.0, 0.0, (-1.0 if ray.dz > 0 else 1.0), hx, hy)


@_inlined
def _hit_cylinder(cylinder: NDArray, ray: _Ray) -> _Hit:
    rx, ry = ray.x - cylinder[0], ray.y - cylinder[1]
    a = ray.dx * ray.dx + ray.dy * ray.dy
    b = rx * ray.dx + ry * ray.dy
    root = b * b - a * (rx * rx + ry * ry - cylinder[2] ** 2)
    if root <= 0:
        return _miss()
    t = (-b - np.sqrt(root)) / a
    z = ray.z + t * ray.dz
    if t <= _NEAR or z <= cylinder[3] or z >= cylinder[4]:
        return _miss()
    nx = (rx + t * ray.dx) / cylinder[2]
    ny = (ry + t * ray.dy) / cylinder[2]
    return _Hit(t, nx, ny, 0.0, np.arctan2(ny, nx) * cylinder[2], z)


@_inlined
def _hit_bush(bush: NDArray, number: int, ray: _Ray, before: float, noise: NDArray) -> _Hit:
    """Meet a leaf of a bush, if it is nearer than ``before``; its number shifts the holes."""
    rx, ry, rz = (
        (ray.x - bush[0]) / bush[3],
        (ray.y - bush[1]) / bush[3],
        (ray.z - bush[2]) / bush[4],
    )
    ex, ey, ez = ray.dx / bush[3], ray.dy / bush[3], ray.dz / bush[4]
    a = ex * ex + ey * ey + ez * ez
    b = rx * ex + ry * ey + rz * ez
    root = b * b - a * (rx * rx + ry * ry + rz * rz - 1)
    if root <= 0:
        return _miss()
    t = (-b - np.sqrt(root)) / a
    if t < _NEAR or t >= before or ray.z + t * ray.dz < 0:
        return _miss()
    nx, ny, nz = rx + t * ex, ry + t * ey, rz + t * ez
    # Leaves are laid on along the axis that the surface faces most.
    wx, wy, wz = nx * bush[3], ny * bush[3], nz * bush[4]
    if abs(nx) > abs(ny) and abs(nx) > abs(nz):
        u, v = wy, wz
    elif abs(ny) > abs(nz):
        u, v = wx, wz
    else:
        u, v = wx, wy
    # They get sparser towards the outline.
    rim = 1.0 - np.sqrt(root / a)
    if noise_at(noise, 0.7 * u + number * 0.37, 0.7 * v) < bush[5] + 0.3 * rim - 0.15:
        return _miss()
    return _Hit(t, nx, ny, nz, u, v)


@_inlined
def _first_hit(ray: _Ray, column: int, shapes: Shapes, noise: NDArray) -> tuple[_Hit, int]:
    """Find what a ray of a picture column meets first, and its material, see ``Surfaces``."""
    first, found = _miss(), -1
    hit = _hit_ground(ray)
    if hit.distance < first.distance:
        first, found = hit, 0
    thing = 0
    for i in range(len(shapes.boxes)):
        if shapes.columns[thing, 0] <= column < shapes.columns[thing, 1]:
            hit = _hit_box(shapes.boxes[i], ray, first.distance)
            if hit.distance < first.distance:
                first, found = hit, 1 + thing
        thing += 1
    for i in range(len(shapes.cylinders)):
        if shapes.columns[thing, 0] <= column < shapes.columns[thing, 1]:
            hit = _hit_cylinder(shapes.cylinders[i], ray)
            if hit.distance < first.distance:
                first, found = hit, 1 + thing
        thing += 1
    for i in range(len(shapes.bushes)):
        if shapes.columns[thing, 0] <= column < shapes.columns[thing, 1]:
            hit = _hit_bush(shapes.bushes[i], i, ray, first.distance, noise)
            if hit.distance < first.distance:
                first, found = hit, 1 + thing
        thing += 1
    return first, found


@njit(cache=True, error_model='numpy', fastmath=True)
def cast_rays(camera: Pinhole, shapes: Shapes, noise: NDArray, seen: Surfaces) -> None:
    """
    Find what every pixel sees.

    :param shapes: what stands on the ground.
    :param noise: from ``value_noise``; makes the holes of bushes.
    :param seen: written.
    """
    position = camera.position
    height, width = seen.depth.shape
    for row in range(height):
        for column in range(width):
            lx, ly = on_image_plane(camera, column, row)
            dx, dy, dz = direction(camera, lx, ly)
            ray = _Ray(position[0], position[1], position[2], dx, dy, dz)
            hit, found = _first_hit(ray, column, shapes, noise)
            seen.depth[row, column] = hit.distance
            seen.material[row, column] = found
            seen.normal[row, column, 0] = hit.nx
            seen.normal[row, column, 1] = hit.ny
            seen.normal[row, column, 2] = hit.nz
            seen.uv[row, column, 0] = hit.u
            seen.uv[row, column, 1] = hit.v


@njit(cache=True, error_model='numpy', fastmath=True)
def paint(
    camera: Pinhole, materials: NDArray, noise: NDArray, seen: Surfaces, color: NDArray
) -> None:
    """
    Write the colour of every pixel, and bend its normal where the material has folds.

    :param materials: rows of ``Material.row``.
    :param color: (H, W, 3) written but where there is sky.
    """
    height, width = seen.depth.shape
    for y in range(height):
        for x in range(width):
            m = seen.material[y, x]
            if m < 0:
                continue
            material = materials[m]
            lx, ly = on_image_plane(camera, x, y)
            dx, dy, dz = direction(camera, lx, ly)
            slant = (
                dx * seen.normal[y, x, 0] + dy * seen.normal[y, x, 1] + dz * seen.normal[y, x, 2]
            )
            pixel = seen.depth[y, x] / camera.focal_center[0] / max(0.1, abs(slant))
            u, v = seen.uv[y, x, 0], seen.uv[y, x, 1]
            texel(material, u, v, pixel, noise, color[y, x])
            if material[9] > 0.0:
                for k in range(3):
                    fold = noise_at(noise, u + 0.31 * k, v + 0.17 * k)
                    seen.normal[y, x, k] += material[9] * (fold - 0.5)
