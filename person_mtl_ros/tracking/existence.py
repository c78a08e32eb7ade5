"""
Whether a track is a person at all, from the scores of its detections and from its misses.

A track carries the log of the odds "a person stands there" : "nobody does", as in integrated
track existence (Musicki, Evans, Stankovic 1994). Images that follow closely err together, so a
hit counts by the time it stands for, and the scores of one track are averaged, not added.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CORRELATION_SEC = 0.15  # in which a detector hardly changes its mind about the same place
SCORE_MEMORY_SEC = 1.0  # over which the scores of one track are averaged
HIT_LOG_ODDS = 0.7  # of being found again at all: clutter flickers more
MOST_LOG_ODDS = 4.0  # of hits alone, so that doubt may return
SEEN_LOG_ODDS = 1.0  # least of a known person who is seen, however badly
LOST_LOG_ODDS = -2.0  # of a known person who is lost: may stand behind a thing, or be gone

MOST_SCORE_EVIDENCE = 3.0  # of one detection, nats
SEPARATION = 1.5  # deviations between the logits of people and of clutter
PRIOR_LOGIT, PRIOR_DEVIATION = 2.2, 1.4  # of detectors of people: half of them above 0.9
PRIOR_COUNT, MOST_COUNT = 100.0, 2000.0  # detections; the oldest fade beyond
SMALLEST_VARIANCE = 0.1  # logits; some detectors give everybody the same
MOST_SCORE = 1 / (1 + math.exp(-7.0))  # a bound of 7 on the logit


@dataclass
class Existence:
    """
    Evidence of one track for there being a person.

    :param score_evidence: mean over its scores, nats.
    :param persistence: of hits and misses, nats.
    """

    score_evidence: float
    persistence: float

    @property
    def log_odds(self) -> float:
        """Of a person at the predicted place."""
        return self.score_evidence + self.persistence

    def hit(self, score_evidence: float, dt: float, age_sec: float) -> None:
        """
        Count a detection.

        :param score_evidence: of its score, nats.
        :param dt: seconds since the step before.
        :param age_sec: since the first detection.
        """
        share = max(1 - math.exp(-dt / SCORE_MEMORY_SEC), dt / (age_sec + dt) if dt else 0.0)
        self.score_evidence += share * (score_evidence - self.score_evidence)
        gain = HIT_LOG_ODDS * min(1.0, dt / CORRELATION_SEC)
        self.persistence = min(self.persistence + gain, MOST_LOG_ODDS)

    def miss(self, nats: float) -> None:
        """Count a miss; none that a nearer person explains."""
        self.persistence -= nats

    def lose(self) -> None:
        """Give up the predicted place."""
        self.persistence = LOST_LOG_ODDS - self.score_evidence

    def keep_above(self, log_odds: float) -> None:
        """Let no evidence take the odds of a known person below."""
        self.persistence = max(self.persistence, log_odds - self.score_evidence)


@dataclass
class ScoreModel:
    """
    What a score is worth with this detector in this scene.

    One detector gives everybody 0.99, another 0.7: no threshold suits both. The logits of people
    who are certain are taken as normal and learnt; those of clutter as normal with the same
    deviation, ``SEPARATION`` deviations below. The ratio of the two is linear in the logit.
    """

    _count: float = PRIOR_COUNT
    _mean: float = PRIOR_LOGIT
    _variance: float = PRIOR_DEVIATION**2

    def learn(self, scores: FloatArray) -> None:
        """Take in scores of detections that certainly are people."""
        if scores.size == 0:
            return
        logits = logit(scores)
        total = self._count + logits.size
        mean = (self._count * self._mean + float(logits.sum())) / total
        spread = self._count * (self._variance + (self._mean - mean) ** 2)
        self._variance = (spread + float(np.square(logits - mean).sum())) / total
        self._mean, self._count = mean, min(total, MOST_COUNT)

    def log_ratio(self, scores: FloatArray) -> FloatArray:
        """Evidence of scores of any shape for "a person", nats."""
        standard = (logit(scores) - self._mean) / math.sqrt(self._variance + SMALLEST_VARIANCE)
        ratio = SEPARATION * (standard + SEPARATION / 2)
        return ratio.clip(-MOST_SCORE_EVIDENCE, MOST_SCORE_EVIDENCE)


def logit(scores: FloatArray) -> FloatArray:
    """Log odds of scores in [0, 1], bounded."""
    bounded = scores.clip(1 - MOST_SCORE, MOST_SCORE)
    return np.log(bounded / (1 - bounded))


def log_probability(log_odds: FloatArray) -> FloatArray:
    """Log of the probability that has these log odds."""
    return -np.logaddexp(0.0, -log_odds)
