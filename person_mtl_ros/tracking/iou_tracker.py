"""The plainest tracker worth comparing with: overlap with the box of the frame before."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from person_mtl_ros.structures import PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.iou import iou


class IouTracker:
    """
    Baseline without motion model, appearance and memory, for comparison in evaluations.

    A detection continues the track whose last box it overlaps most (Hungarian assignment, IoU at
    least ``min_iou``); a track that is not continued for ``max_missed_sec`` ends. Otherwise the
    interface is that of ``ReidTracker``.
    """

    def __init__(self, min_iou: float = 0.3, max_missed_sec: float = 0.3) -> None:
        self._min_iou = min_iou
        self._max_missed_sec = max_missed_sec
        self._next_id = 1
        self._tracks: dict[int, tuple[PersonEstimate, float, float]] = {}  # first, last seen

    def step(
        self,
        stamp_sec: float,
        persons: Sequence[PersonEstimate],
        image_size: tuple[int, int] | None = None,
        camera_motion: NDArray[np.floating] | None = None,
    ) -> list[TrackedPerson]:
        """See ``ReidTracker.step``; image size and camera motion are ignored."""
        ids = list(self._tracks)
        overlap = iou(_boxes([self._tracks[i][0] for i in ids]), _boxes(persons))
        overlap[overlap < self._min_iou] = 0.0
        matched: dict[int, int] = {}
        for row, column in zip(*linear_sum_assignment(overlap, maximize=True), strict=True):
            if overlap[row, column] > 0.0:
                matched[int(column)] = ids[row]
        published = []
        for index, person in enumerate(persons):
            track_id = matched.get(index, self._next_id)
            self._next_id = max(self._next_id, track_id + 1)
            _, first_seen, _ = self._tracks.get(track_id, (person, stamp_sec, stamp_sec))
            self._tracks[track_id] = person, first_seen, stamp_sec
            published.append(_published(track_id, person, stamp_sec - first_seen))
        self._tracks = {
            track_id: entry
            for track_id, entry in self._tracks.items()
            if stamp_sec - entry[2] <= self._max_missed_sec
        }
        return published


def _boxes(persons: Sequence[PersonEstimate]) -> NDArray[np.floating]:
    return np.array([person.detection.box_xyxy for person in persons]).reshape(-1, 4)


def _published(track_id: int, person: PersonEstimate, age_sec: float) -> TrackedPerson:
    return TrackedPerson(
        track_id=track_id,
        state=TrackState.CONFIRMED,
        is_matched=True,
        box_xyxy=person.detection.box_xyxy,
        velocity_xy=np.zeros(2, np.float32),
        age_sec=age_sec,
        time_since_seen_sec=0.0,
        attributes=person.attributes,
        estimate=person,
    )
