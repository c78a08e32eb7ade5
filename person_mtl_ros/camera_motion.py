"""
How the camera moved from one image to the next, seen in what does not walk.

Corners are followed by pyramidal Lucas-Kanade optical flow (Bouguet 2000) on a small gray image,
boxes of people left out, and RANSAC finds the similarity (shift, turn, zoom) that most of them
share. Where odometry tells how the camera turned, the corners are looked for where the turn puts
them, and the similarity is what the turn leaves: its perspective is in no similarity, and a fast
turn moves the image further than the flow follows.

Coordinates are continuous, as in ``crops``: pixel k covers [k, k + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.camera_geometry import FloatArray, affine_of_homography, projected
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
MAX_SIDE_RATIO, MAX_TURN_RAD = 1.3, 0.4  # from image to image; more is a mismatch


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
        self,
        image_bgr: UInt8Array,
        boxes_xyxy: Sequence[Float32Array],
        turn: FloatArray | None = None,
    ) -> Float32Array | None:
        """
        Motion since the image of the last call.

        :param image_bgr: (h, w, 3) uint8.
        :param boxes_xyxy: boxes (4,) of the people in it, pixels.
        :param turn: (3, 3) homography, pixels of the last image -> of this one, that a turn of
            the camera makes, if it is known; one that the image contradicts is left out.
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
        small = _small_from_image(scale)
        if turn is not None:
            turn = small @ turn @ np.linalg.inv(small)
            motion = _common_motion(*_followed(last, gray, background, turn), gray.shape[1])
            if motion is not None:
                moved = np.linalg.inv(small) @ motion @ turn @ small
                return affine_of_homography(moved, self._last.size)
        motion = _common_motion(*_followed(last, gray, background, np.eye(3)), gray.shape[1])
        if motion is None:
            return None
        return (np.linalg.inv(small) @ motion @ small)[:2].astype(np.float32)


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
    last: _View, gray: UInt8Array, background: UInt8Array, turn: FloatArray
) -> tuple[Float32Array, Float32Array]:
    """
    Where corners of the last image are in this one, people left out.

    :param turn: homography (3, 3), small pixels of the last image -> of this one.
    :returns: places (K, 2) that the turn gives them, and those where they are found.
    """
    expected = projected(turn, last.corners[:, 0]).astype(np.float32)
    is_kept = _is_inside(expected, gray)
    corners, expected = last.corners[is_kept], expected[is_kept]
    if not len(corners):
        return expected, expected
    places, is_found, _ = cv2.calcOpticalFlowPyrLK(
        last.gray,
        gray,
        corners,
        expected[:, None].copy(),
        winSize=(WINDOW, WINDOW),
        maxLevel=LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    found = np.asarray(places[:, 0], np.float32)
    is_kept = (is_found[:, 0] == 1) & _is_inside(found, gray)
    column, row = np.rint(found[is_kept]).astype(int).T
    is_kept[is_kept] = background[row, column] > 0
    return expected[is_kept], found[is_kept]


def _is_inside(places: Float32Array, gray: UInt8Array) -> NDArray[np.bool_]:
    """Whether each place (N, 2), pixel centres at whole numbers, is in the image; NaN is not."""
    far_side = np.array(gray.shape[::-1]) - 0.5
    return np.asarray(((places >= -0.5) & (places < far_side)).all(axis=1))


def _common_motion(before: Float32Array, after: Float32Array, width: int) -> FloatArray | None:
    """Similarity (3, 3) that most corners (K, 2) share, small pixels; None without one."""
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
        and 1 / MAX_SIDE_RATIO <= zoom <= MAX_SIDE_RATIO
        and abs(turn) <= MAX_TURN_RAD
    )
    return np.vstack([affine, (0.0, 0.0, 1.0)]) if is_plausible else None


def _small_from_image(scale: float) -> FloatArray:
    """Pixels of the original -> of the small image, where pixel centres are whole numbers."""
    return np.array([[scale, 0.0, -0.5], [0.0, scale, -0.5], [0.0, 0.0, 1.0]])
