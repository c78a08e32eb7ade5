"""
What a turn of the camera does to the image, whatever the distance of what it shows.

Pinhole camera without distortion; x to the right, y down, z ahead (the optical frame of REP 103).
Pixel coordinates are continuous, as in ``crops``: pixel k covers [k, k + 1).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array

FloatArray = NDArray[np.float64]

# Points (81, 2) at which a homography is compared with its affine, shares of the image's sides.
GRID = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, 9)] * 2), axis=-1).reshape(-1, 2)
MIN_COMMON_VIEW = 0.25  # share of them that must be in both images
SIZE_TOLERANCE = 0.02  # between the two sides' scales of an image that was resized


class PinholeCamera(NamedTuple):
    """Intrinsic parameters, pixels."""

    focal_xy: tuple[float, float]
    center_xy: tuple[float, float]
    size: tuple[float, float]  # width and height of the image they hold for

    def matrix(self, size: tuple[int, int]) -> FloatArray | None:
        """
        Camera matrix K (3, 3) for the image resized to a width and height.

        :returns: None if that has another ratio of the sides.
        """
        scale_x, scale_y = size[0] / self.size[0], size[1] / self.size[1]
        if abs(scale_x / scale_y - 1) > SIZE_TOLERANCE:
            return None
        (focal_x, focal_y), (x, y) = self.focal_xy, self.center_xy
        return np.array(
            [
                [scale_x * focal_x, 0.0, scale_x * x],
                [0.0, scale_y * focal_y, scale_y * y],
                [0.0, 0.0, 1.0],
            ]
        )


def pinhole_from_message(info: Any) -> tuple[PinholeCamera | None, str]:
    """
    Camera of a ``sensor_msgs/CameraInfo``; its distortion is left out.

    :param info: its ``k`` counts from the centre of the first pixel and holds for the full
        resolution, of which ``roi`` may be cut out.
    :returns: the camera, or None and the reason.
    """
    focal_x, _, x, _, focal_y, y, *_ = (float(value) for value in info.k)
    size = np.array([info.roi.width or info.width, info.roi.height or info.height], float)
    corner = (info.roi.x_offset, info.roi.y_offset)
    if not np.isfinite([focal_x, focal_y, x, y]).all() or min(focal_x, focal_y) <= 0:
        return None, 'camera not calibrated'
    if not size.all():
        return None, 'camera info without size'
    center = (x + 0.5 - corner[0], y + 0.5 - corner[1])
    return PinholeCamera((focal_x, focal_y), center, (size[0], size[1])), ''


def turn_homography(matrix: FloatArray, rotation: FloatArray) -> FloatArray:
    """
    Where a turn of the camera moves the points of the image: K R K^-1.

    Exact for points at any distance, as long as the camera turns about its own centre (Hartley &
    Zisserman, Multiple View Geometry, 2nd ed., section 8.4.2).

    :param matrix: camera matrix K (3, 3).
    :param rotation: R (3, 3), from the optical frame before to the one after.
    :returns: homography (3, 3), pixels before -> pixels after.
    """
    return matrix @ rotation @ np.linalg.inv(matrix)


def projected(homography: FloatArray, points: NDArray[np.floating]) -> FloatArray:
    """Points (N, 2) moved by a homography; NaN where they end behind the camera."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    depth = np.where(moved[:, 2:] > 0, moved[:, 2:], np.nan)
    return np.asarray(moved[:, :2] / depth)


def affine_of_homography(homography: FloatArray, size: tuple[int, int]) -> Float32Array | None:
    """
    Affine closest to a homography where both images show the same: least squares on a grid.

    A camera that pans by a small angle a moves a point at x, y from the centre by
    f a (1 + (x/f)^2) along the row and by a x y / f off it; an affine knows only shift, scale and
    shear. Per degree of turn it leaves, as root mean square over a 4:3 image, 0.2 % of the width
    for a lens that sees 60 degrees and 0.4 % for one of 90; in the corners up to four times that.
    The first-order expansion about the centre leaves a quarter more for small turns, twice as
    much for 20 degrees. A turn about the optical axis is exact.

    :param homography: (3, 3) of :func:`turn_homography`, pixels.
    :param size: width and height of the image.
    :returns: (2, 3) affine, pixels; None if the two images have less than a quarter in common.
    """
    before = GRID * size
    after = projected(homography, before)
    is_common = ((after >= 0) & (after <= size)).all(axis=1)  # NaN is not
    if is_common.mean() < MIN_COMMON_VIEW:
        return None
    before, after = before[is_common], after[is_common]
    middle = before.mean(axis=0)
    linear, *_ = np.linalg.lstsq(before - middle, after - after.mean(axis=0), rcond=None)
    return np.column_stack([linear.T, after.mean(axis=0) - linear.T @ middle]).astype(np.float32)
