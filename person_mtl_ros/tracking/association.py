"""
Which detection continues which track.

Every pair gets a log-likelihood ratio: "this detection is that person" against "it is somebody
unexpected". Motion and appearance are independent witnesses, so their ratios add.
Shapes: N tracks, M detections.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

FloatArray = NDArray[np.float64]


def motion_log_ratio(
    expected: FloatArray,
    expected_covariance: FloatArray,
    boxes_cxcywh: FloatArray,
    unexpected_density: float,
) -> FloatArray:
    """
    Evidence of position and size.

    The likelihood of Reid's multiple-hypothesis tracking (1979, eq. 16) over the density of
    detections that belong to no track. A track not seen for long is vague: its likelihood is low
    everywhere and the ratio falls below zero by itself, without a gate of its own.

    :param expected: (N, 4) predicted cxcywh, px.
    :param expected_covariance: (N, 4, 4).
    :param boxes_cxcywh: (M, 4) detections.
    :param unexpected_density: detections of nobody known, per height^4 of centre and size,
        in heights of the predicted box.
    :returns: (N, M).
    """
    residual = boxes_cxcywh[None] - expected[:, None]
    precision = np.linalg.inv(expected_covariance)
    mahalanobis = ((residual @ precision) * residual).sum(axis=2)
    _, log_volume = np.linalg.slogdet(2 * np.pi * expected_covariance)
    log_volume = log_volume / 2 - 4 * np.log(np.maximum(expected[:, 3], 1.0))
    return -mahalanobis / 2 - log_volume[:, None] - np.log(unexpected_density)


def assign(log_ratio: FloatArray) -> list[tuple[int, int]]:
    """
    One-to-one pairs with the greatest sum of evidence; a pair speaking against itself is left out.

    :param log_ratio: (N, M).
    :returns: (row, column) pairs.
    """
    benefit = np.maximum(log_ratio, 0.0)
    rows, columns = linear_sum_assignment(benefit, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if benefit[r, c] > 0]
