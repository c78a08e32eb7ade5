"""
Which detection continues which track.

Every pair gets a log-likelihood ratio: "this detection is that person" against "it is somebody
unexpected". Motion, size and appearance are independent witnesses, so their ratios add.
Shapes: N tracks, M detections.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

FloatArray = NDArray[np.float64]

# Degrees of freedom of the error of a detected box. Fewer than infinity (a normal distribution),
# because detectors sometimes box half a person or two.
TAIL = 6.0
_PEAK = math.lgamma((TAIL + 4) / 2) - math.lgamma(TAIL / 2) - 2 * math.log(TAIL * math.pi)


def motion_log_ratio(
    expected: FloatArray,
    variance: FloatArray,
    boxes_cxcywh: FloatArray,
    unexpected_density: float,
) -> FloatArray:
    """
    Evidence of position and size.

    The likelihood over the density of detections that belong to no track (Reid 1979, eq. 16),
    with Student's t in the place of the normal distribution. A track not seen for long is vague:
    its likelihood is low everywhere and the ratio falls below zero by itself, without a gate.

    :param expected: (N, 4) predicted cxcywh, px.
    :param variance: (N, 2) of each coordinate of the centre, of each of the size, px^2.
    :param boxes_cxcywh: (M, 4) detections.
    :param unexpected_density: detections of nobody known, per height^4 of centre and size,
        in heights of the predicted box.
    :returns: (N, M).
    """
    # One coordinate after the other: (N, M, 4) at once takes twice as long.
    spread = 1 / (TAIL * variance)
    mahalanobis = np.zeros((len(expected), len(boxes_cxcywh)))
    residual = np.empty_like(mahalanobis)
    for axis in range(4):
        np.subtract(boxes_cxcywh[:, axis], expected[:, axis, None], out=residual)
        np.square(residual, out=residual)
        residual *= spread[:, axis // 2, None]
        mahalanobis += residual
    log_volume = np.log(variance).sum(axis=1) - 4 * np.log(np.maximum(expected[:, 3], 1.0))
    peak = _PEAK - log_volume - math.log(unexpected_density)
    mahalanobis += 1.0
    evidence = np.log(mahalanobis, out=mahalanobis)
    evidence *= -(TAIL + 4) / 2
    evidence += peak[:, None]
    return evidence


def assign(log_ratio: FloatArray) -> list[tuple[int, int]]:
    """
    One-to-one pairs with the greatest sum of evidence; a pair speaking against itself is left out.

    :param log_ratio: (N, M).
    :returns: (row, column) pairs.
    """
    benefit = np.maximum(log_ratio, 0.0)
    with_choice = benefit.any(axis=1).nonzero()[0]  # who is out of sight has none
    rows, columns = linear_sum_assignment(benefit[with_choice], maximize=True)
    rows = with_choice[rows]
    speaks_for = benefit[rows, columns] > 0
    return list(zip(rows[speaks_for].tolist(), columns[speaks_for].tolist(), strict=True))


def assign_in_turn(
    total: FloatArray,
    motion: FloatArray,
    is_trusted: NDArray[np.bool_],
    is_recent: NDArray[np.bool_],
) -> list[tuple[int, int]]:
    """
    Trusted detections to all tracks, then the others to what is left (Zhang et al. 2022, BYTE).

    :param total: (N, M) all evidence, for the first turn.
    :param motion: (N, M) evidence for the second: a doubtful detection shows no look.
    :param is_trusted: (M,).
    :param is_recent: (N,) tracks that a doubtful detection may extend.
    :returns: (row, column) pairs.
    """
    trusted, doubtful = is_trusted.nonzero()[0], (~is_trusted).nonzero()[0]
    pairs = [(row, int(trusted[column])) for row, column in assign(total[:, trusted])]
    if doubtful.size:
        is_left = is_recent.copy()
        is_left[[row for row, _ in pairs]] = False
        left = is_left.nonzero()[0]
        for row, column in assign(motion[left[:, None], doubtful]):
            pairs.append((int(left[row]), int(doubtful[column])))
    return pairs
