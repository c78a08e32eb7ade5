"""
How the camera moved from one image to the next, seen in what does not walk.

Corners are followed by pyramidal Lucas-Kanade optical flow (Bouguet 2000) on a small gray image,
boxes of people left out, and RANSAC finds the similarity (shift, turn, zoom) that most of them
share. Coordinates are continuous, as in ``crops``: pixel k covers [k, k + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import Float32Array, UInt8Array

MAX_CORNERS = 160
CORNER_QUALITY = 0.02  # weakest corner accepted, as share of the strongest
CORNER_DISTANCE = 9  # small pixels between corners: spreads them over the image
BOX_MARGIN = 0.1  # of the box, left out as well: arms, bags, shadows
WINDOW, LEVELS = 13, 3  # follows up to about WINDOW / 2 * 2**LEVELS small pixels
INLIER_DISTANCE = 1.0  # small pixels between a followed corner and where the camera puts it
MIN_INLIERS = 12
MIN_INLIER_SHARE = 0.4  # of the corners followed: fewer may be a bus that passes
MIN_SPREAD = 0.1  # standard deviation of the inliers' places, share of the image's width
MAX_ZOOM, MAX_TURN = 1.3, 0.4  # side ratio and radians from image to image; more is a mismatch


@dataclass(frozen=True)
class CameraMotionParams:
    """Parameters of the camera's motion between images."""

    camera_motion: bool = parameter(
        True, 'estimate how the camera moves, so that the tracker can move its predictions'
    )
    camera_motion_width: int = parameter(
        320,
        'width of the image it is estimated on; more costs time',
        'pixels',
        64,
        4096,
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


class _View(NamedTuple):
    """What is kept of an image to compare the next one with."""

    size: tuple[int, int]  # of the original image
    gray: UInt8Array  # small
    corners: Float32Array  # (K, 1, 2) small pixels


class CameraMotionEstimator:
    """Compares each image with the one before."""

    def __init__(self, params: CameraMotionParams | None = None) -> None:
        self._params = params or CameraMotionParams()
        self._last: _View | None = None

    def reset(self) -> None:
        """Forget the last image."""
        self._last = None

    def estimate(
        self, image_bgr: UInt8Array, boxes_xyxy: Sequence[Float32Array]
    ) -> Float32Array | None:
        """
        Motion since the image of the last call.

        :param image_bgr: (h, w, 3) uint8.
        :param boxes_xyxy: boxes (4,) of the people in it, pixels.
        :returns: (2, 3) affine that maps a point of the last image to this one, pixels; None when
            it is not known: no last image of this size, too little texture, no common motion.
        """
        height, width = image_bgr.shape[:2]
        scale = min(1.0, self._params.camera_motion_width / width)
        gray = _small_gray(image_bgr, scale)
        background = _background(gray.shape, np.reshape(boxes_xyxy, (-1, 4)) * scale)
        last, self._last = self._last, _View((width, height), gray, _corners(gray, background))
        if last is None or last.size != self._last.size or len(last.corners) < MIN_INLIERS:
            return None
        affine = _common_motion(*_followed(last, gray, background), gray.shape[1])
        return None if affine is None else _in_image_pixels(affine, scale)


def _small_gray(image_bgr: UInt8Array, scale: float) -> UInt8Array:
    height, width = image_bgr.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    gray = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _background(shape: tuple[int, ...], boxes_xyxy: NDArray[np.floating]) -> UInt8Array:
    """Mask (h, w), 255 where nobody is."""
    mask = np.full(shape, 255, np.uint8)
    margin = BOX_MARGIN * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2])
    low = np.floor(boxes_xyxy[:, :2] - margin)
    high = np.ceil(boxes_xyxy[:, 2:] + margin)
    limit = np.tile(shape[::-1], 2)
    for x0, y0, x1, y1 in np.clip(np.hstack([low, high]), 0, limit).astype(int):
        mask[y0:y1, x0:x1] = 0
    return mask


def _corners(gray: UInt8Array, background: UInt8Array) -> Float32Array:
    corners = cv2.goodFeaturesToTrack(
        gray, MAX_CORNERS, CORNER_QUALITY, CORNER_DISTANCE, mask=background
    )
    return np.zeros((0, 1, 2), np.float32) if corners is None else np.asarray(corners, np.float32)


def _followed(
    last: _View, gray: UInt8Array, background: UInt8Array
) -> tuple[Float32Array, Float32Array]:
    """Places (K, 2) of the same corners in the last image and in this one, people left out."""
    places, is_found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        last.gray, gray, last.corners, None, winSize=(WINDOW, WINDOW), maxLevel=LEVELS
    )
    pixel = np.rint(places[:, 0]).astype(int)
    is_kept = (is_found[:, 0] == 1) & (pixel >= 0).all(axis=1) & (pixel < gray.shape[::-1]).all(1)
    is_kept[is_kept] = background[pixel[is_kept, 1], pixel[is_kept, 0]] > 0
    return last.corners[is_kept, 0], places[is_kept, 0]


def _common_motion(
    before: Float32Array, after: Float32Array, width: int
) -> NDArray[np.float64] | None:
    """Similarity (2, 3) that most corners (K, 2) share, small pixels; None without one."""
    if len(before) < MIN_INLIERS:
        return None
    affine, inliers = cv2.estimateAffinePartial2D(
        before, after, method=cv2.RANSAC, ransacReprojThreshold=INLIER_DISTANCE
    )
    if affine is None:
        return None
    agreeing = after[inliers[:, 0] == 1]
    zoom, turn = np.hypot(affine[0, 0], affine[1, 0]), np.arctan2(affine[1, 0], affine[0, 0])
    is_plausible = (
        len(agreeing) >= max(MIN_INLIERS, MIN_INLIER_SHARE * len(before))
        and np.hypot(*agreeing.std(axis=0)) >= MIN_SPREAD * width
        and 1 / MAX_ZOOM <= zoom <= MAX_ZOOM
        and abs(turn) <= MAX_TURN
    )
    return np.asarray(affine, np.float64) if is_plausible else None


def _in_image_pixels(affine: NDArray[np.float64], scale: float) -> Float32Array:
    """Affine between small images, pixel centres at whole numbers, as one of the originals."""
    linear, shift = affine[:, :2], affine[:, 2]
    shift = (shift + 0.5 - linear @ (0.5, 0.5)) / scale
    return np.column_stack([linear, shift]).astype(np.float32)
