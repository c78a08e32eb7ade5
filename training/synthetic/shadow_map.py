"""Shadows that people cast on the ground and on each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.light import Light
from training.synthetic.mesh import Mesh
from training.synthetic.rasterizer import rasterize_height
from training.synthetic.rotation import cross, normalized

FloatArray = NDArray[np.float64]

_CELLS = 160  # per side for few people, four times as many for a crowd


class ShadowMap(NamedTuple):
    """Height towards the sun of everything that casts a shadow, on a square grid."""

    axes: FloatArray  # (3, 3) rows are those of the grid and the direction of the sun, unit
    origin: FloatArray  # (2,) of the grid along its axes, metres
    cells_per_metre: float
    height: NDArray[np.float32]  # (cells, cells) metres


def shadow_map(people: Sequence[Mesh], light: Light) -> ShadowMap:
    """Look at people from the sun."""
    toward = light.sun_direction
    across = normalized(cross(toward, np.array([0.31, 0.95, 0.05])))
    axes = np.stack([across, cross(toward, across), toward])
    cells = _CELLS if len(people) < 4 else 4 * _CELLS
    height = np.full((cells, cells), -np.inf, np.float32)
    if not people or light.sun.max() <= 0:
        return ShadowMap(axes, np.zeros(2), 1.0, height)
    seen = [mesh.vertices @ axes.T.astype(np.float32) for mesh in people]
    low = np.min([points.min(axis=0) for points in seen], axis=0)[:2] - 0.05
    high = np.max([points.max(axis=0) for points in seen], axis=0)[:2] + 0.05
    scale = float(cells / (high - low).max())
    for mesh, points in zip(people, seen, strict=True):
        points[:, :2] = (points[:, :2] - low) * scale
        rasterize_height(points, mesh.faces, height)
    return ShadowMap(axes, low.astype(float), scale, height)


@njit(cache=True, error_model='numpy', fastmath=True)
def sun_reaches(point: tuple[float, float, float], shadows: ShadowMap, bias: float) -> float:
    """
    Share of the sun that reaches a point: 4 neighbouring cells of the map are averaged.

    :param point: metres.
    :param bias: metres that something must be above the point to cast a shadow on it.
    """
    axes, origin, height = shadows.axes, shadows.origin, shadows.height
    x = (
        point[0] * axes[0, 0] + point[1] * axes[0, 1] + point[2] * axes[0, 2] - origin[0]
    ) * shadows.cells_per_metre - 0.5
    y = (
        point[0] * axes[1, 0] + point[1] * axes[1, 1] + point[2] * axes[1, 2] - origin[1]
    ) * shadows.cells_per_metre - 0.5
    z = point[0] * axes[2, 0] + point[1] * axes[2, 1] + point[2] * axes[2, 2]
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    if x0 < 0 or y0 < 0 or x0 + 1 >= height.shape[1] or y0 + 1 >= height.shape[0]:
        return 1.0
    fx, fy = x - x0, y - y0
    lit = 0.0
    if height[y0, x0] < z + bias:
        lit += (1 - fx) * (1 - fy)
    if height[y0, x0 + 1] < z + bias:
        lit += fx * (1 - fy)
    if height[y0 + 1, x0] < z + bias:
        lit += (1 - fx) * fy
    if height[y0 + 1, x0 + 1] < z + bias:
        lit += fx * fy
    return lit
