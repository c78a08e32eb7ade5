"""Triangle meshes swept from elliptic tubes."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.texture import Material

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Tube:
    """Rings of elliptic cross-section: R centres, two unit axes and two radii each (metres)."""

    centers: FloatArray  # (R, 3)
    axis_x: FloatArray  # (R, 3) towards the front
    axis_y: FloatArray  # (R, 3) towards the left
    radius_x: FloatArray  # (R,)
    radius_y: FloatArray  # (R,)

    def inflated(self, amount: float | FloatArray) -> 'Tube':
        """Grow both radii by ``amount`` metres: cloth lying on this surface."""
        return replace(self, radius_x=self.radius_x + amount, radius_y=self.radius_y + amount)

    def point(self, ring: int, angle: float) -> FloatArray:
        """Point of the surface at an angle from the front, towards the left, radians."""
        x = np.cos(angle) * self.radius_x[ring] * self.axis_x[ring]
        return self.centers[ring] + x + np.sin(angle) * self.radius_y[ring] * self.axis_y[ring]


@dataclass(frozen=True)
class Mesh:
    """Triangles with surface coordinates, a material and a part label each."""

    vertices: NDArray[np.float32]  # (V, 3) metres
    normals: NDArray[np.float32]  # (V, 3) unit length
    uv: NDArray[np.float32]  # (V, 2)
    faces: NDArray[np.int32]  # (F, 3)
    face_material: NDArray[np.int32]  # (F,) row of materials
    face_part: NDArray[np.uint8]  # (F,) index into LIP_PARTS
    materials: NDArray[np.float32]  # (M, C) see Material.row

    def placed(self, yaw: float, position_xy: tuple[float, float]) -> 'Mesh':
        """Turn about the vertical axis, then move on the ground."""
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
        vertices = self.vertices @ turn.T
        vertices[:, 0] += np.float32(position_xy[0])
        vertices[:, 1] += np.float32(position_xy[1])
        return replace(self, vertices=vertices, normals=self.normals @ turn.T)


@njit(cache=True, error_model='numpy', fastmath=True)
def _sweep(
    centers: FloatArray,
    axis_x: FloatArray,
    axis_y: FloatArray,
    radius_x: FloatArray,
    radius_y: FloatArray,
    angles: FloatArray,
    roundness: float,
) -> tuple[NDArray, NDArray]:
    rings, segments = len(centers), len(angles)
    grid = np.empty((rings, segments, 3))
    for j in range(segments):
        c = np.cos(angles[j])
        s = np.sin(angles[j])
        x = np.sign(c) * abs(c) ** roundness
        y = np.sign(s) * abs(s) ** roundness
        for i in range(rings):
            for k in range(3):
                across = x * radius_x[i] * axis_x[i, k] + y * radius_y[i] * axis_y[i, k]
                grid[i, j, k] = centers[i, k] + across
    closed = abs(angles[-1] - angles[0] - 2 * np.pi) < 1e-6
    normals = np.empty((rings, segments, 3))
    for i in range(rings):
        i0 = max(i - 1, 0)
        i1 = min(i + 1, rings - 1)
        for j in range(segments):
            j0 = j - 1
            j1 = j + 1
            if j0 < 0:
                j0 = segments - 2 if closed else 0
            if j1 >= segments:
                j1 = 1 if closed else segments - 1
            ax = grid[i, j1, 0] - grid[i, j0, 0]
            ay = grid[i, j1, 1] - grid[i, j0, 1]
            az = grid[i, j1, 2] - grid[i, j0, 2]
            bx = grid[i1, j, 0] - grid[i0, j, 0]
            by = grid[i1, j, 1] - grid[i0, j, 1]
            bz = grid[i1, j, 2] - grid[i0, j, 2]
            nx = ay * bz - az * by
            ny = az * bx - ax * bz
            nz = ax * by - ay * bx
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
            outward = (
                nx * (grid[i, j, 0] - centers[i, 0])
                + ny * (grid[i, j, 1] - centers[i, 1])
                + nz * (grid[i, j, 2] - centers[i, 2])
            )
            if outward < 0:
                length = -length
            normals[i, j, 0] = nx / length
            normals[i, j, 1] = ny / length
            normals[i, j, 2] = nz / length
    return grid, normals


@lru_cache
def _grid_corners(rings: int, segments: int) -> NDArray[np.int64]:
    """Vertex indices of the quads of a grid: (rings - 1, segments, 4)."""
    index = np.arange(rings * (segments + 1)).reshape(rings, segments + 1)
    return np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1)


@lru_cache
def _angles(arc: tuple[float, float], segments: int) -> FloatArray:
    return np.linspace(arc[0], arc[1], segments + 1)


FULL_CIRCLE = (-np.pi, np.pi)  # the seam is at the back


class MeshBuilder:
    """Collects the pieces of one person or thing."""

    def __init__(self) -> None:
        self._pieces: list[tuple[NDArray, ...]] = []
        self._materials: dict[Material, int] = {}
        self._vertex_count = 0

    def add(
        self,
        tube: Tube,
        material: Material,
        part: int,
        *,
        segments: int = 14,
        arc: tuple[float, float] = FULL_CIRCLE,
        roundness: float = 1.0,
        u_radius: float | None = None,
        v: FloatArray | None = None,
        keep: NDArray[np.bool_] | None = None,
    ) -> None:
        """
        Add the surface of a tube.

        :param tube: of R rings.
        :param material: of its surface.
        :param part: label, index into LIP_PARTS.
        :param segments: of the circumference.
        :param arc: angles covered, radians from the front towards the left.
        :param roundness: exponent of the cross-section: 1 ellipse, towards 0 a box.
        :param u_radius: metres of u per radian; the largest radius by default.
        :param v: (R,) surface coordinate of the rings; metres from the last ring by default.
        :param keep: (R - 1, segments) faces to draw; all by default.
        """
        angles = _angles(arc, segments)
        grid, normals = _sweep(
            tube.centers,
            tube.axis_x,
            tube.axis_y,
            tube.radius_x,
            tube.radius_y,
            angles,
            roundness,
        )
        rings = len(tube.centers)
        if v is None:
            steps = np.linalg.norm(np.diff(tube.centers, axis=0), axis=1)
            v = np.concatenate([[0.0], np.cumsum(steps)])
        if u_radius is None:
            u_radius = float(max(tube.radius_x.max(), tube.radius_y.max()))
        uv = np.empty((rings, segments + 1, 2), np.float32)
        uv[..., 0] = angles * u_radius
        uv[..., 1] = v[:, None]
        corners = _grid_corners(rings, segments)
        quads = corners.reshape(-1, 4) if keep is None else corners[keep]
        faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        material_index = self._materials.setdefault(material, len(self._materials))
        self._pieces.append(
            (
                grid.reshape(-1, 3),
                normals.reshape(-1, 3),
                uv.reshape(-1, 2),
                faces + self._vertex_count,
                np.full(len(faces), material_index),
                np.full(len(faces), part),
            )
        )
        self._vertex_count += grid.shape[0] * grid.shape[1]

    def build(self) -> Mesh:
        """Join the pieces."""
        columns = [np.concatenate(column) for column in zip(*self._pieces, strict=True)]
        return Mesh(
            vertices=columns[0].astype(np.float32),
            normals=columns[1].astype(np.float32),
            uv=columns[2].astype(np.float32),
            faces=columns[3].astype(np.int32),
            face_material=columns[4].astype(np.int32),
            face_part=columns[5].astype(np.uint8),
            materials=np.stack([material.row() for material in self._materials]),
        )
