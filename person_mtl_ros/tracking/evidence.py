"""
What speaks for each pair of track and detection, and what the scene teaches about it.

Shapes: N tracks, M sightings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import TrackState
from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.association import motion_log_ratio
from person_mtl_ros.tracking.existence import ScoreModel, log_probability
from person_mtl_ros.tracking.sightings import Sightings
from person_mtl_ros.tracking.track import Track

FloatArray = NDArray[np.float64]

CERTAIN_SEC = 1.0  # a track this old is taken for a person when scores are learnt


@dataclass(frozen=True)
class Evidence:
    """Log-likelihood ratios of all pairs, nats."""

    motion: FloatArray  # (N, M) of place and size, and of there being a person in the track
    distances: FloatArray  # (N, M) cosine distance of looks, NaN where one is unknown
    total: FloatArray  # (N, M) motion and appearance

    def is_by_look(self, row: int, column: int) -> bool:
        """Whether appearance speaks for a pair."""
        return bool(self.total[row, column] > self.motion[row, column])


@dataclass
class SceneModel:
    """The statistics behind the evidence: they start from priors and follow the scene."""

    appearance: AppearanceModel
    scores: ScoreModel = field(default_factory=ScoreModel)

    def weigh(
        self,
        tracks: Sequence[Track],
        expected: FloatArray,
        variance: FloatArray,
        seen: Sightings,
        unexpected_density: float,
        max_appearance: float,
    ) -> Evidence:
        """
        Evidence of every pair.

        :param tracks: N of them.
        :param expected: (N, 4) predicted cxcywh, px.
        :param variance: (N, 2) see :func:`motion_log_ratio`.
        :param seen: detections of now.
        :param unexpected_density: see :func:`motion_log_ratio`.
        :param max_appearance: bound of what one embedding says, nats.
        """
        motion = motion_log_ratio(expected, variance, seen.boxes_cxcywh, unexpected_density)
        motion += log_probability(np.array([track.existence.log_odds for track in tracks]))[
            :, None
        ]
        distances = _look_distances(tracks, seen)
        looks = self.appearance.log_ratio(distances, max_appearance, seen.coverage)
        return Evidence(motion, distances, np.add(motion, looks, out=looks))

    def learn(
        self,
        pairs: Sequence[tuple[int, int]],
        tracks: Sequence[Track],
        seen: Sightings,
        evidence: Evidence,
        now_sec: float,
    ) -> None:
        """
        Take in what the pairs made show about distances and scores.

        Distances count where motion alone would have made the pair, nobody else being near
        either: otherwise a mistaken look would confirm itself.
        """
        is_near = evidence.motion > 0
        is_alone = is_near & (is_near.sum(axis=1, keepdims=True) == 1) & (is_near.sum(axis=0) == 1)
        known = [pair for pair in pairs if is_alone[pair] and seen.shows_look[pair[1]]]
        rows, columns = np.array(known, int).reshape(-1, 2).T
        table = evidence.distances[rows[:, None], columns]
        same = table.diagonal().copy()
        np.fill_diagonal(table, np.nan)
        self.appearance.learn(same, table)
        certain = [
            column
            for row, column in pairs
            if tracks[row].state == TrackState.CONFIRMED
            and now_sec - tracks[row].first_seen_sec >= CERTAIN_SEC
        ]
        self.scores.learn(seen.scores[certain])


def _look_distances(tracks: Sequence[Track], seen: Sightings) -> FloatArray:
    if not tracks or not seen.has_look.any():
        return np.full((len(tracks), len(seen.persons)), np.nan)
    unknown = np.full(seen.embeddings.shape[1], np.nan, np.float32)
    means = [track.bank.mean if track.bank.mean.size else unknown for track in tracks]
    products = np.concatenate(means).reshape(len(tracks), -1) @ seen.embeddings.T
    return np.subtract(1.0, products, dtype=np.float64)
