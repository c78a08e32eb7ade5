"""Casts a ray per pixel at a ground plane, boxes, cylinders and bushes."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.texture import noise_at, texel

_FAR = 300.0  # metres; what is farther is sky


@njit(cache=True, error_model='numpy', fastmath=True)
def cast_rays(
    origin: NDArray,
    rays: NDArray,
    focal_center: NDArray,
    boxes: NDArray,
    cylinders: NDArray,
    bushes: NDArray,
    columns: NDArray,
    noise: NDArray,
    depth: NDArray,
    material: NDArray,
    normal: NDArray,
    uv: NDArray,
) -> None:
    """
    Find what every pixel sees and write depth, material row, normal and surface coordinates.

    :param origin: (3,) of the camera, metres.
    :param rays: (3, 3) image x, image y and view axis in the world, as rows.
    :param focal_center: focal lengths and principal point, pixels: fx, fy, cx, cy.
    :param boxes: (N, 7) rows of ``Box.numbers``.
    :param cylinders: (M, 5) rows of ``Cylinder.numbers``.
    :param bushes: (K, 6) rows of ``Bush.numbers``.
    :param columns: (N + M + K, 2) range of picture columns in which each can be seen.
    :param noise: from ``value_noise``; makes the holes of bushes.
    :param depth: (H, W) written, metres along the view axis.
    :param material: (H, W) written: 0 ground, then boxes, cylinders, bushes; -1 sky.
    :param normal: (H, W, 3) written.
    :param uv: (H, W, 2) written, metres.
    """
    height, width = depth.shape
    for row in range(height):
        for column in range(width):
            lx = (column + 0.5 - focal_center[2]) / focal_center[0]
            ly = (row + 0.5 - focal_center[3]) / focal_center[1]
            dx = rays[0, 0] * lx + rays[1, 0] * ly + rays[2, 0]
            dy = rays[0, 1] * lx + rays[1, 1] * ly + rays[2, 1]
            dz = rays[0, 2] * lx + rays[1, 2] * ly + rays[2, 2]
            best = _FAR
            found = -1
            nx, ny, nz, u, v = 0.0, 0.0, 1.0, 0.0, 0.0
            if dz < -1e-6:
                t = -origin[2] / dz
                if t < best:
                    best, found = t, 0
                    u, v = origin[0] + t * dx, origin[1] + t * dy
            for i in range(boxes.shape[0]):
                if column < columns[i, 0] or column >= columns[i, 1]:
                    continue
                c, s = np.cos(boxes[i, 6]), np.sin(boxes[i, 6])
                rx, ry = origin[0] - boxes[i, 0], origin[1] - boxes[i, 1]
                ox, oy = c * rx + s * ry, -s * rx + c * ry
                ex, ey = c * dx + s * dy, -s * dx + c * dy
                near, far, side = 0.05, best, -1
                for axis in range(3):
                    if axis == 0:
                        o, e, low, high = ox, ex, -boxes[i, 4], boxes[i, 4]
                    elif axis == 1:
                        o, e, low, high = oy, ey, -boxes[i, 5], boxes[i, 5]
                    else:
                        o, e, low, high = origin[2], dz, boxes[i, 2], boxes[i, 3]
                    if abs(e) < 1e-9:
                        e = 1e-9
                    t0, t1 = (low - o) / e, (high - o) / e
                    if t0 > t1:
                        t0, t1 = t1, t0
                    if t0 > near:
                        near, side = t0, axis
                    far = min(far, t1)
                if side < 0 or near >= far:
                    continue
                best, found = near, 1 + i
                hx, hy = ox + near * ex, oy + near * ey
                hz = origin[2] + near * dz
                if side == 0:
                    sign = -1.0 if ex > 0 else 1.0
                    nx, ny, nz, u, v = sign * c, sign * s, 0.0, hy, hz
                elif side == 1:
                    sign = -1.0 if ey > 0 else 1.0
                    nx, ny, nz, u, v = -sign * s, sign * c, 0.0, hx, hz
                else:
                    nx, ny, nz, u, v = 0.0, 0.0, (-1.0 if dz > 0 else 1.0), hx, hy
            for i in range(cylinders.shape[0]):
                thing = boxes.shape[0] + i
                if column < columns[thing, 0] or column >= columns[thing, 1]:
                    continue
                rx, ry = origin[0] - cylinders[i, 0], origin[1] - cylinders[i, 1]
                a = dx * dx + dy * dy
                b = rx * dx + ry * dy
                root = b * b - a * (rx * rx + ry * ry - cylinders[i, 2] ** 2)
                if root <= 0:
                    continue
                t = (-b - np.sqrt(root)) / a
                z = origin[2] + t * dz
                if 0.05 < t < best and cylinders[i, 3] < z < cylinders[i, 4]:
                    best, found = t, 1 + thing
                    nx = (rx + t * dx) / cylinders[i, 2]
                    ny = (ry + t * dy) / cylinders[i, 2]
                    nz = 0.0
                    u, v = np.arctan2(ny, nx) * cylinders[i, 2], z
            for i in range(bushes.shape[0]):
                thing = boxes.shape[0] + cylinders.shape[0] + i
                if column < columns[thing, 0] or column >= columns[thing, 1]:
                    continue
                rx = (origin[0] - bushes[i, 0]) / bushes[i, 3]
                ry = (origin[1] - bushes[i, 1]) / bushes[i, 3]
                rz = (origin[2] - bushes[i, 2]) / bushes[i, 4]
                ex, ey, ez = dx / bushes[i, 3], dy / bushes[i, 3], dz / bushes[i, 4]
                a = ex * ex + ey * ey + ez * ez
                b = rx * ex + ry * ey + rz * ez
                root = b * b - a * (rx * rx + ry * ry + rz * rz - 1)
                if root <= 0:
                    continue
                t = (-b - np.sqrt(root)) / a
                if t < 0.05 or t >= best or origin[2] + t * dz < 0:
                    continue
                px, py, pz = rx + t * ex, ry + t * ey, rz + t * ez
                # Leaves are laid on along the axis that the surface faces most.
                wx, wy, wz = px * bushes[i, 3], py * bushes[i, 3], pz * bushes[i, 4]
                if abs(px) > abs(py) and abs(px) > abs(pz):
                    pu, pv = wy, wz
                elif abs(py) > abs(pz):
                    pu, pv = wx, wz
                else:
                    pu, pv = wx, wy
                # They get sparser towards the outline.
                rim = 1.0 - np.sqrt(root / a)
                if (
                    noise_at(noise, 0.7 * pu + i * 0.37, 0.7 * pv)
                    < bushes[i, 5] + 0.3 * rim - 0.15
                ):
                    continue
                best = t
                found = 1 + thing
                nx, ny, nz, u, v = px, py, pz, pu, pv
            depth[row, column] = best
            material[row, column] = found
            normal[row, column, 0] = nx
            normal[row, column, 1] = ny
            normal[row, column, 2] = nz
            uv[row, column, 0] = u
            uv[row, column, 1] = v


@njit(cache=True, error_model='numpy', fastmath=True)
def paint(
    rotation: NDArray,
    focal_center: NDArray,
    rows: NDArray,
    noise: NDArray,
    depth: NDArray,
    material: NDArray,
    uv: NDArray,
    normal: NDArray,
    color: NDArray,
) -> None:
    """Write the colour of every pixel, and bend its normal where the material has folds."""
    for y in range(depth.shape[0]):
        ly = (y + 0.5 - focal_center[3]) / focal_center[1]
        for x in range(depth.shape[1]):
            m = material[y, x]
            if m < 0:
                continue
            row = rows[m]
            lx = (x + 0.5 - focal_center[2]) / focal_center[0]
            slant = 0.0
            for k in range(3):
                ray = rotation[0, k] * lx + rotation[1, k] * ly + rotation[2, k]
                slant += ray * normal[y, x, k]
            pixel = depth[y, x] / focal_center[0] / max(0.1, abs(slant))
            u, v = uv[y, x, 0], uv[y, x, 1]
            texel(row, u, v, pixel, noise, color[y, x])
            if row[9] > 0.0:
                for k in range(3):
                    normal[y, x, k] += row[9] * (noise_at(noise, u + 0.31 * k, v + 0.17 * k) - 0.5)
