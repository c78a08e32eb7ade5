"""
How much a distance between two embeddings says about who is who.

Shapes: N tracks, M detections.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PRIOR_PAIRS = 50.0  # how many seen pairs weigh as much as the network's own calibration
MOST_PAIRS = 2000.0  # older pairs fade beyond: some minutes of a few people, for changing light
FEWEST_PAIRS = 20.0  # mean and variance of fewer say nothing
SMALLEST_VARIANCE = 1e-3  # embeddings of one image and the next are hardly independent
PRIOR_SAME, PRIOR_DIFFERENT, PRIOR_DEVIATION = 0.5, 1.5, 0.4  # in thresholds


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

    def surprise(self) -> FloatArray:
        """
        Negative log density of a normal distribution, but for a constant.

        :returns: (3,) of the polynomial in distance, the square first.
        """
        variance = self.variance + SMALLEST_VARIANCE
        constant = self.mean**2 / (2 * variance) + math.log(variance) / 2
        return np.array([1 / (2 * variance), -self.mean / variance, constant])


def _rising_range(
    same: _DistanceStatistics, different: _DistanceStatistics
) -> tuple[float, float]:
    """
    Distances between which the ratio falls.

    Of two normal distributions the wider one is the likelier far out on both sides. A distance
    beyond says as much as the last one that makes sense.
    """
    narrow = (different.variance - same.variance) + 1e-12
    turn = (same.mean * different.variance - different.mean * same.variance) / narrow
    return (turn, np.inf) if narrow > 0 else (-np.inf, turn)


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

    def log_ratio(self, distances: FloatArray, most: float) -> FloatArray:
        """
        Evidence for "same person".

        :param distances: cosine distances of any shape; NaN where there is no embedding.
        :param most: bound of the evidence in either direction, nats.
        :returns: like ``distances``; 0 where nothing is known.
        """
        same, different = self._same, self._different
        if min(same.weight, different.weight) < FEWEST_PAIRS or different.mean <= same.mean:
            return np.zeros_like(distances)
        within = distances.clip(*_rising_range(same, different))
        square, linear, constant = (different.surprise() - same.surprise()).tolist()
        ratio = within * square
        ratio += linear
        ratio *= within
        ratio += constant
        ratio.clip(-most, most, out=ratio)
        ratio[np.isnan(ratio)] = 0.0
        return ratio

    def learn(self, same: FloatArray, different: FloatArray) -> None:
        """Take in distances of pairs known to be one person and of pairs known to be two."""
        self._same.add(same[~np.isnan(same)])
        self._different.add(different[~np.isnan(different)])
