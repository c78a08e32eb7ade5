"""Everything around people: ground, boxes, pillars and bushes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training.synthetic.camera import Camera
from training.synthetic.color import Color
from training.synthetic.pinhole import pinhole_of
from training.synthetic.ray_caster import Shapes, Surfaces, cast_rays, paint
from training.synthetic.texture import Material

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """Upright box: wall, car, bench. Metres and radians."""

    center_xy: tuple[float, float]
    bottom: float
    top: float
    half_length: float  # along its x axis
    half_width: float
    yaw: float
    material: Material

    def numbers(self) -> tuple[float, ...]:
        """Row of the table that the ray caster reads."""
        return (
            *self.center_xy,
            self.bottom,
            self.top,
            self.half_length,
            self.half_width,
            self.yaw,
        )


@dataclass(frozen=True)
class Cylinder:
    """Upright cylinder without ends: pillar, post, tree trunk. Metres."""

    center_xy: tuple[float, float]
    radius: float
    bottom: float
    top: float
    material: Material

    def numbers(self) -> tuple[float, ...]:
        """Row of the table that the ray caster reads."""
        return (*self.center_xy, self.radius, self.bottom, self.top)


@dataclass(frozen=True)
class Bush:
    """Ellipsoid of leaves with holes: bush or crown of a tree. Metres."""

    center: tuple[float, float, float]
    radius: float
    half_height: float
    holes: float  # noise below it is a hole; 0.5 leaves half of the surface
    material: Material

    def numbers(self) -> tuple[float, ...]:
        """Row of the table that the ray caster reads."""
        return (*self.center, self.radius, self.half_height, self.holes)


Piece = Box | Cylinder | Bush


@dataclass(frozen=True)
class Scenery:
    """Everything that is not a person."""

    ground: Material
    pieces: tuple[Piece, ...] = ()
    sky: Color = (0.75, 0.82, 0.9)

    def extended(self, pieces: Iterable[Piece]) -> 'Scenery':
        """Add pieces."""
        return replace(self, pieces=(*self.pieces, *pieces))

    def moved(self, x: float, y: float) -> 'Scenery':
        """Shift all pieces on the ground, metres."""

        def moved(piece: Piece) -> Piece:
            if isinstance(piece, Bush):
                center = piece.center
                return replace(piece, center=(center[0] + x, center[1] + y, center[2]))
            return replace(piece, center_xy=(piece.center_xy[0] + x, piece.center_xy[1] + y))

        return replace(self, pieces=tuple(moved(piece) for piece in self.pieces))

    @property
    def boxes(self) -> list[Box]:
        """The boxes among the pieces."""
        return [piece for piece in self.pieces if isinstance(piece, Box)]

    @property
    def cylinders(self) -> list[Cylinder]:
        """The cylinders among the pieces."""
        return [piece for piece in self.pieces if isinstance(piece, Cylinder)]

    @property
    def bushes(self) -> list[Bush]:
        """The bushes among the pieces."""
        return [piece for piece in self.pieces if isinstance(piece, Bush)]

    @cached_property
    def materials(self) -> NDArray[np.float32]:
        """Material of the ground, the boxes, the cylinders and the bushes, see Material.row."""
        ordered: list[Piece] = [*self.boxes, *self.cylinders, *self.bushes]
        return np.stack([self.ground.row(), *(piece.material.row() for piece in ordered)])

    def shapes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Numbers of boxes (N, 7), cylinders (M, 5) and bushes (K, 6)."""

        def table(pieces: Sequence[Piece], width: int) -> FloatArray:
            return np.array([piece.numbers() for piece in pieces], float).reshape(-1, width)

        return table(self.boxes, 7), table(self.cylinders, 5), table(self.bushes, 6)


@dataclass(frozen=True)
class SceneryView:
    """What a camera sees of the scenery, per pixel."""

    depth: NDArray[np.float32]  # (H, W) metres along the view axis
    material: NDArray[np.int32]  # (H, W) row of Scenery.materials, -1 = sky
    normal: NDArray[np.float32]  # (H, W, 3)
    color: NDArray[np.float32]  # (H, W, 3) linear RGB before any light


def _column_ranges(corners: FloatArray, camera: Camera, width: int) -> NDArray[np.int64]:
    """
    Picture columns in which things can be seen.

    :param corners: (N, 8, 3) of boxes around the things, metres.
    :returns: (N, 2) first column and the one after the last.
    """
    points = camera.project(corners.reshape(-1, 3)).reshape(-1, 8, 3)
    low, high = points[..., 0].min(axis=1), points[..., 0].max(axis=1)
    is_in_front = points[..., 2].min(axis=1) > 0.05
    ranges = np.stack([np.floor(low), np.ceil(high) + 1], axis=1)
    ranges[~is_in_front] = (0, width)
    return np.clip(ranges, 0, width).astype(np.int64)


def _corners(boxes: FloatArray, cylinders: FloatArray, bushes: FloatArray) -> FloatArray:
    """Corners of boxes around all shapes, upright and not turned: (N, 8, 3)."""
    reach = np.hypot(boxes[:, 4], boxes[:, 5])
    x = np.concatenate([boxes[:, 0], cylinders[:, 0], bushes[:, 0]])
    y = np.concatenate([boxes[:, 1], cylinders[:, 1], bushes[:, 1]])
    half = np.concatenate([reach, cylinders[:, 2], bushes[:, 3]])
    low = np.concatenate([boxes[:, 2], cylinders[:, 3], bushes[:, 2] - bushes[:, 4]])
    high = np.concatenate([boxes[:, 3], cylinders[:, 4], bushes[:, 2] + bushes[:, 4]])
    signs = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (0, 1)])
    return np.stack(
        [
            x[:, None] + signs[:, 0] * half[:, None],
            y[:, None] + signs[:, 1] * half[:, None],
            np.where(signs[:, 2] == 0, low[:, None], high[:, None]),
        ],
        axis=2,
    )


def view_scenery(
    scenery: Scenery, camera: Camera, size_hw: tuple[int, int], noise: NDArray
) -> SceneryView:
    """Look at the scenery; see :class:`SceneryView`."""
    seen = Surfaces(
        depth=np.empty(size_hw, np.float32),
        material=np.empty(size_hw, np.int32),
        normal=np.empty((*size_hw, 3), np.float32),
        uv=np.empty((*size_hw, 2), np.float32),
    )
    color = np.zeros((*size_hw, 3), np.float32)
    pinhole = pinhole_of(camera)
    tables = scenery.shapes()
    columns = _column_ranges(_corners(*tables), camera, size_hw[1])
    cast_rays(pinhole, Shapes(*tables, columns), noise, seen)
    paint(pinhole, scenery.materials, noise, seen, color)
    return SceneryView(seen.depth, seen.material, seen.normal, color)
