"""
The camera as compiled functions know it.

After an edit numba's cache must go, as after one of ``texture``.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.camera import Camera


class Pinhole(NamedTuple):
    """Arrays of a :class:`Camera`."""

    position: NDArray  # (3,) metres
    rotation: NDArray  # (3, 3) rows are the image axes x, y and the view axis in the world
    focal_center: NDArray  # (4,) focal lengths and principal point, pixels: fx, fy, cx, cy


def pinhole_of(camera: Camera) -> Pinhole:
    """Turn a camera into arrays."""
    return Pinhole(
        camera.position,
        np.ascontiguousarray(camera.rotation),
        np.array([*camera.focal_xy, *camera.center_xy]),
    )


@njit(cache=True, error_model='numpy', fastmath=True)
def on_image_plane(camera: Pinhole, x: int, y: int) -> tuple[float, float]:
    """Place of the centre of a pixel on the plane a metre before the camera, metres."""
    lx = (x + 0.5 - camera.focal_center[2]) / camera.focal_center[0]
    ly = (y + 0.5 - camera.focal_center[3]) / camera.focal_center[1]
    return lx, ly


@njit(cache=True, error_model='numpy', fastmath=True)
def direction(camera: Pinhole, lx: float, ly: float) -> tuple[float, float, float]:
    """From the camera to a place on that plane, in the world."""
    axes = camera.rotation
    dx = axes[0, 0] * lx + axes[1, 0] * ly + axes[2, 0]
    dy = axes[0, 1] * lx + axes[1, 1] * ly + axes[2, 1]
    dz = axes[0, 2] * lx + axes[1, 2] * ly + axes[2, 2]
    return dx, dy, dz
