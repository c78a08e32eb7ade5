"""
Whom the network looks at, where there are more people than it has time for.

Who is who from image to image is told by motion alone, with the motion model of the tracker:
a mistake costs a person a turn, no more. Shapes: P people, M detections.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.cost_model import CostModel
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import Detection
from person_mtl_ros.tracking.association import assign, motion_log_ratio
from person_mtl_ros.tracking.iou import iou
from person_mtl_ros.tracking.kalman_filter import KalmanFilter, cxcywh_from_xyxy
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NEW_RESULTS = 3  # the tracker believes in a return after so many looks that agree
KNOWN_SHARE = 0.25  # of the network's time, however many people are new
AMBIGUOUS_WEIGHT = 4.0  # how much faster than others the ambiguous are due again
AMBIGUOUS_IOU = 0.1  # with the box of somebody else
FORGET_SEC = 1.0  # unseen for longer, a person is new


@dataclass(frozen=True)
class RefreshParams:
    """How much work the network is given."""

    max_persons_per_frame: int = parameter(
        100,
        'people the network looks at per image, 0 = all; the others are published with their '
        'detection alone, and everybody gets a turn',
        'people',
        0,
        1024,
    )
    time_budget_ms: float = parameter(
        0.0,
        'time of the work on an image, 0 = any; the network looks at as many people as fit, one '
        'at least, which it learns while it runs',
        'ms',
        0.0,
        60000.0,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


@dataclass
class _People:
    """Everybody seen lately, row by row."""

    mean: FloatArray  # (P, 6) see ``kalman_filter``
    covariance: FloatArray  # (P, 4)
    first_sec: FloatArray  # (P,) stamps
    seen_sec: FloatArray
    evaluated_sec: FloatArray  # -inf = never
    results: IntArray  # images in which the network looked; NEW_RESULTS for many

    def select(self, rows: NDArray[np.bool_]) -> '_People':
        return _People(*(column[rows] for column in vars(self).values()))

    def extend(self, others: '_People') -> '_People':
        columns = zip(vars(self).values(), vars(others).values(), strict=True)
        return _People(*(np.concatenate(pair) for pair in columns))


class RefreshSchedule:
    """
    Chooses people image by image.

    First come the new, of whom there are fewer than ``NEW_RESULTS`` results, who was seen first
    before others; then those whose
    latest result is oldest, where the age of the ambiguous (boxes overlap, or motion does not
    tell who is who) counts ``AMBIGUOUS_WEIGHT`` times. ``KNOWN_SHARE`` of all turns is kept from
    the new, so that flickering detections take nobody's turn for good.

    :param params: may be replaced at any time.
    """

    def __init__(self, params: RefreshParams) -> None:
        self.params = params
        tracker = ReidTrackerParams()
        self._unexpected_density = tracker.unexpected_density
        self._filter = KalmanFilter(
            tracker.speed_deviation,
            tracker.velocity_memory_sec,
            tracker.size_noise,
            tracker.measurement_noise,
        )
        self._cost = CostModel()
        self._people: _People | None = None
        self._stamp_sec = -math.inf
        self._owed = 0.0  # turns of the people known

    @property
    def limit(self) -> int:
        """How many people the network looks at in the next image, at most."""
        limit = self.params.max_persons_per_frame or sys.maxsize
        if self.params.time_budget_ms:
            limit = min(limit, self._cost.people_within(self.params.time_budget_ms / 1e3))
        return limit

    def took(self, people: int, seconds: float) -> None:
        """
        Learn from an image.

        :param people: whom the network looked at.
        :param seconds: of the work on it.
        """
        self._cost.add(people, seconds)

    def choose(self, stamp_sec: float, detections: Sequence[Detection]) -> NDArray[np.bool_]:
        """
        Say whom of an image the network is to look at.

        :param stamp_sec: when it was taken; one earlier than the last starts afresh.
        :param detections: M people.
        :returns: (M,).
        """
        if stamp_sec < self._stamp_sec:
            self._people, self._owed = None, 0.0
        limit = self.limit
        boxes_xyxy = np.array([d.box_xyxy for d in detections], np.float64).reshape(-1, 4)
        is_crowd = self._people is not None and len(self._people.seen_sec) > limit
        if len(detections) <= limit and not is_crowd:  # as ever where there are few people
            self._people = self._started(boxes_xyxy, stamp_sec, stamp_sec, NEW_RESULTS)
            self._stamp_sec = stamp_sec
            return np.ones(len(detections), bool)
        rows, is_doubtful = self._match(boxes_xyxy, stamp_sec)
        overlap = iou(boxes_xyxy, boxes_xyxy)
        np.fill_diagonal(overlap, 0.0)
        is_ambiguous = is_doubtful | (overlap.max(axis=1, initial=0.0) > AMBIGUOUS_IOU)
        scores = np.array([d.score for d in detections])
        is_chosen = self._in_turn(rows, is_ambiguous, scores, limit)
        people = self._people
        assert people is not None  # for the type: they were matched
        people.evaluated_sec[rows[is_chosen]] = stamp_sec
        people.results[rows[is_chosen]] += 1
        np.minimum(people.results, NEW_RESULTS, out=people.results)
        return is_chosen

    def _started(
        self, boxes_xyxy: FloatArray, stamp_sec: float, evaluated_sec: float, results: int
    ) -> _People:
        count = len(boxes_xyxy)
        return _People(
            *self._filter.start(cxcywh_from_xyxy(boxes_xyxy)),
            np.full(count, stamp_sec),
            np.full(count, stamp_sec),
            np.full(count, evaluated_sec),
            np.full(count, results),
        )

    def _match(
        self, boxes_xyxy: FloatArray, stamp_sec: float
    ) -> tuple[IntArray, NDArray[np.bool_]]:
        """Row (M,) of each detection's person, and whether another one is near (M,)."""
        count = len(boxes_xyxy)
        rows, is_doubtful = np.full(count, -1), np.zeros(count, bool)
        new = self._started(boxes_xyxy, stamp_sec, -math.inf, 0)
        people = self._people
        if people is None:
            self._people, self._stamp_sec = new, stamp_sec
            return np.arange(count), is_doubtful
        people = people.select(stamp_sec - people.seen_sec <= FORGET_SEC)
        mean, covariance = self._filter.predict(
            people.mean, people.covariance, stamp_sec - self._stamp_sec
        )
        boxes = cxcywh_from_xyxy(boxes_xyxy)
        evidence = motion_log_ratio(
            *self._filter.project(mean, covariance), boxes, self._unexpected_density
        )
        is_near = evidence > 0
        pairs = np.array(assign(evidence), int).reshape(-1, 2)
        known, matched = pairs.T
        rows[matched] = known
        is_crowded = (is_near.sum(axis=1)[known] > 1) | (is_near.sum(axis=0)[matched] > 1)
        is_doubtful[matched] = is_crowded
        mean[known], covariance[known] = self._filter.update(
            mean[known], covariance[known], boxes[matched]
        )
        people.mean, people.covariance = mean, covariance
        people.seen_sec[known] = stamp_sec
        is_new = rows < 0
        rows[is_new] = len(mean) + np.arange(is_new.sum())
        self._people, self._stamp_sec = people.extend(new.select(is_new)), stamp_sec
        return rows, is_doubtful

    def _in_turn(
        self, rows: IntArray, is_ambiguous: NDArray[np.bool_], scores: FloatArray, limit: int
    ) -> NDArray[np.bool_]:
        """Choose ``limit`` of the detections of these rows; ties go to the better score."""
        people = self._people
        assert people is not None  # for the type: they were matched
        results, first_sec = people.results[rows], people.first_sec[rows]
        age_sec = self._stamp_sec - people.evaluated_sec[rows]
        due = age_sec * np.where(is_ambiguous, AMBIGUOUS_WEIGHT, 1.0)
        is_new = results < NEW_RESULTS
        new = np.lexsort((-scores, results, first_sec))
        known = np.lexsort((-scores, -due))
        new, known = new[is_new[new]], known[~is_new[known]]
        limit = min(limit, len(rows))
        self._owed += KNOWN_SHARE * limit
        turns = min(max(int(self._owed), limit - len(new)), len(known), limit)
        self._owed = min(max(0.0, self._owed - turns), limit) if len(known) else 0.0
        is_chosen = np.zeros(len(rows), bool)
        is_chosen[known[:turns]] = True
        is_chosen[new[: limit - turns]] = True
        return is_chosen
