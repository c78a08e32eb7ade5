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
    low = np.maximum(boxes_xyxy[:, None, :2], others_xyxy[None, :, :2])
    high = np.minimum(boxes_xyxy[:, None, 2:], others_xyxy[None, :, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=2)
    own = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    is_nearer = others_xyxy[None, :, 3] > boxes_xyxy[:, None, 3]
    return np.where(is_nearer, common / own[:, None], 0.0).max(axis=1, initial=0.0)


def inside_fraction(boxes_xyxy: FloatArray, image_size: tuple[int, int]) -> FloatArray:
    """
    How much of each box lies inside the image.

    :param boxes_xyxy: (N, 4).
    :param image_size: width and height, px.
    :returns: (N,) in [0, 1].
    """
    limit = np.tile(np.asarray(image_size, np.float64), 2)
    inside = np.clip(boxes_xyxy, 0.0, limit)
    area = (inside[:, 2:] - inside[:, :2]).prod(axis=1)
    return area / (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
