"""Who stands in front of whom."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def covered_fraction(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> FloatArray:
    """
    How much of each box the one most covering nearer person hides.

    Of two people on one floor the one whose box ends lower stands nearer.

    :param boxes_xyxy: (N, 4).
    :param others_xyxy: (M, 4) boxes of people who are seen; those not nearer hide nobody.
    :returns: (N,) in [0, 1].
    """
    common = _overlap(boxes_xyxy, others_xyxy, axis=0)
    common *= _overlap(boxes_xyxy, others_xyxy, axis=1)
    common *= others_xyxy[:, 3] > boxes_xyxy[:, None, 3]  # only who is nearer hides
    return common.max(axis=1, initial=0.0) / _area(boxes_xyxy)


def _overlap(boxes_xyxy: FloatArray, others_xyxy: FloatArray, axis: int) -> FloatArray:
    """Length (N, M) that boxes share with others along an axis, px."""
    low = np.maximum(boxes_xyxy[:, axis, None], others_xyxy[:, axis])
    high = np.minimum(boxes_xyxy[:, axis + 2, None], others_xyxy[:, axis + 2])
    return np.maximum(np.subtract(high, low, out=high), 0.0, out=high)


def inside_fraction(boxes_xyxy: FloatArray, image_size: tuple[int, int]) -> FloatArray:
    """
    How much of each box lies inside the image.

    :param boxes_xyxy: (N, 4).
    :param image_size: width and height, px.
    :returns: (N,) in [0, 1].
    """
    inside = boxes_xyxy.clip(0.0, (*image_size, *image_size))
    return _area(inside) / _area(boxes_xyxy)


def _area(boxes_xyxy: FloatArray) -> FloatArray:
    """Area (N,) of boxes, px^2."""
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])
