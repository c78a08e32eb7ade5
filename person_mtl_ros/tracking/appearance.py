"""
How much a distance between two embeddings says about who is who.

Shapes: N tracks, M detections.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PRIOR_PAIRS = 50.0  # how many seen pairs weigh as much as the network's own calibration
MOST_PAIRS = 2000.0  # older pairs fade beyond: some minutes of a few people, for changing light
FEWEST_PAIRS = 20.0  # mean and variance of fewer say nothing
SMALLEST_VARIANCE = 1e-3  # embeddings of one image and the next are hardly independent
PRIOR_SAME, PRIOR_DIFFERENT, PRIOR_DEVIATION = 0.5, 1.5, 0.4  # in thresholds
# Of a person half of whose box somebody nearer fills, a quarter of the look is somebody else's.
COVERED_SHARE = 0.5


@dataclass
class _DistanceStatistics:
    """Mean and variance of cosine distances of one kind, the oldest fading."""

    weight: float
    mean: float
    variance: float

    def add(self, distances: FloatArray) -> None:
        if distances.size == 0:
            return
        total = self.weight + distances.size
        mean = (self.weight * self.mean + float(distances.sum())) / total
        spread = self.weight * (self.variance + (self.mean - mean) ** 2)
        self.variance = (spread + float(np.square(distances - mean).sum())) / total
        self.mean, self.weight = mean, min(total, MOST_PAIRS)


@dataclass
class AppearanceModel:
    """
    Cosine distance to log-likelihood ratio "same person" : "somebody else".

    Both kinds of distance are taken as normal with one common variance, so that the ratio is
    linear and falls with distance. It starts from the network's same-person threshold and is
    corrected by what the scene shows: a detection and the track it continues are one person,
    two detections of one image are two. Where the network cannot tell these people apart the two
    means approach each other, the slope vanishes and motion decides alone.
    """

    same_person_threshold: float | None  # cosine distance; None: learnt from the scene alone
    _same: _DistanceStatistics = field(init=False)
    _different: _DistanceStatistics = field(init=False)

    def __post_init__(self) -> None:
        threshold = self.same_person_threshold or 0.0
        weight = PRIOR_PAIRS if threshold > 0 else 0.0
        variance = (PRIOR_DEVIATION * threshold) ** 2
        self._same = _DistanceStatistics(weight, PRIOR_SAME * threshold, variance)
        self._different = _DistanceStatistics(weight, PRIOR_DIFFERENT * threshold, variance)

    def log_ratio(
        self, distances: FloatArray, most: float, coverage: FloatArray | float = 0.0
    ) -> FloatArray:
        """
        Evidence for "same person".

        Who is partly hidden looks partly like who stands in front: the distance to the same
        person is larger and less certain, that to anybody else no different.

        :param distances: cosine distances of any shape; NaN where there is no embedding.
        :param most: bound of the evidence in either direction, nats.
        :param coverage: share of the box that somebody nearer hides, one for all or one for each
            of the last axis of ``distances``.
        :returns: like ``distances``; 0 where nothing is known.
        """
        same, different = self._same, self._different
        if min(same.weight, different.weight) < FEWEST_PAIRS or different.mean <= same.mean:
            return np.zeros_like(distances)
        share = COVERED_SHARE * np.asarray(coverage, np.float64)
        mean = same.mean + share * (different.mean - same.mean)
        variance = (same.variance + SMALLEST_VARIANCE) * (1 + coverage)
        other_mean, other_variance = different.mean, different.variance + SMALLEST_VARIANCE
        # Of two normal distributions the wider one is the likelier far out on both sides. A
        # distance beyond says as much as the last one at which the ratio falls.
        excess = other_variance - variance
        excess = np.where(np.abs(excess) < 1e-9, 1e-9, excess)
        turn = (mean * other_variance - other_mean * variance) / excess
        is_narrow = excess > 0
        within = np.maximum(distances, np.where(is_narrow, turn, -np.inf))
        np.minimum(within, np.where(is_narrow, np.inf, turn), out=within)
        square = 1 / (2 * other_variance) - 1 / (2 * variance)
        linear = mean / variance - other_mean / other_variance
        constant = other_mean**2 / (2 * other_variance) - mean**2 / (2 * variance)
        ratio = within * square
        ratio += linear
        ratio *= within
        ratio += constant + np.log(other_variance / variance) / 2
        ratio.clip(-most, most, out=ratio)
        ratio[np.isnan(ratio)] = 0.0
        return ratio

    def learn(self, same: FloatArray, different: FloatArray) -> None:
        """Take in distances of pairs known to be one person and of pairs known to be two."""
        self._same.add(same[~np.isnan(same)])
        self._different.add(different[~np.isnan(different)])
