"""
How the camera moved, from the images and from odometry.

The images come first: they show what travel and turn do together. Odometry, which knows the turn
alone, tells them where to look, and stands in where they tell nothing: too little texture, dark,
blurred by a fast turn.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from person_mtl_ros.camera_geometry import FloatArray, affine_of_homography
from person_mtl_ros.camera_motion import CameraMotionEstimator, CameraMotionParams
from person_mtl_ros.odometry import CameraOdometry
from person_mtl_ros.structures import Float32Array, UInt8Array

# In the middle of the image, share of its width: more is not the travel that odometry leaves out.
MAX_DIFFERENCE = 0.1


class CameraMotion(NamedTuple):
    """Motion from one image to the next."""

    affine: Float32Array | None  # (2, 3) pixels of the last image -> of this one; None = unknown
    odometry: str  # what became of it: used, or why not; empty where there is none


class CameraMotionFusion:
    """
    Compares each image with the one before, with the help of odometry if there is some.

    :param params: how images are compared.
    :param odometry: None does without.
    """

    def __init__(
        self, params: CameraMotionParams | None = None, odometry: CameraOdometry | None = None
    ) -> None:
        self._estimator = CameraMotionEstimator(params)
        self._odometry = odometry
        self._last: tuple[float, tuple[int, int]] | None = None  # stamp and size of the image

    def reset(self) -> None:
        """Forget the last image."""
        self._estimator.reset()
        self._last = None

    def estimate(
        self, stamp_sec: float, image_bgr: UInt8Array, boxes_xyxy: Sequence[Float32Array]
    ) -> CameraMotion:
        """
        Motion since the image of the last call.

        :param stamp_sec: when the image was taken.
        :param image_bgr: (h, w, 3) uint8.
        :param boxes_xyxy: boxes (4,) of the people in it, pixels.
        """
        size = (image_bgr.shape[1], image_bgr.shape[0])
        turn, fault = self._turn(stamp_sec, size)
        self._last = stamp_sec, size
        seen = self._estimator.estimate(image_bgr, boxes_xyxy, turn)
        if turn is None:
            return CameraMotion(seen, fault and f'refused: {fault}')
        told = affine_of_homography(turn, size)
        if seen is None:
            return CameraMotion(told, 'refused: turned too far' if told is None else 'used alone')
        if told is None or _difference(seen, told, size) > MAX_DIFFERENCE * size[0]:
            return CameraMotion(seen, 'refused: contradicts the image')
        return CameraMotion(seen, 'used with the image')

    def _turn(self, stamp_sec: float, size: tuple[int, int]) -> tuple[FloatArray | None, str]:
        if self._odometry is None or self._last is None or self._last[1] != size:
            return None, ''
        return self._odometry.turn(self._last[0], stamp_sec, size)


def _difference(first: Float32Array, second: Float32Array, size: tuple[int, int]) -> float:
    """Pixels between where two affines put the middle of the image."""
    return float(np.hypot(*((first - second) @ (size[0] / 2, size[1] / 2, 1.0))))
