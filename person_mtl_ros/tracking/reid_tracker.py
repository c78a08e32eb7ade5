"""Multi-person tracker by motion and appearance that gives a returning person the old id."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.association import assign_in_turn
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.evidence import Evidence, SceneModel
from person_mtl_ros.tracking.existence import Existence
from person_mtl_ros.tracking.gallery import Gallery, RememberedPerson, remembered_track
from person_mtl_ros.tracking.kalman_filter import KalmanFilter, squared_heights, xyxy_from_cxcywh
from person_mtl_ros.tracking.occlusion import covered_fraction, inside_fraction
from person_mtl_ros.tracking.recognition import nearness, recognise
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams
from person_mtl_ros.tracking.sightings import Sightings, sightings_from
from person_mtl_ros.tracking.track import Track
from person_mtl_ros.tracking.track_table import TrackTable

FloatArray = NDArray[np.float64]
Pairs = list[tuple[int, int]]  # row of a track, index of its sighting

__all__ = ['ReidTracker', 'ReidTrackerParams']


class ReidTracker:
    """
    Follows people through the images of one camera.

    Ids count from 1 and are never given to anybody else, also not after ``reset``. A new track
    is published at once as TENTATIVE under a provisional id. If its sightings agree that it is a
    person of the gallery it takes that person's id, with ``recovered`` set, and the provisional id
    is never used again; otherwise the provisional id becomes its id when it is confirmed. Whoever
    needs ids that do not change ignores tentative tracks.

    :param params: may be replaced at any time; what is tracked stays.
    :param same_person_threshold: cosine distance below which the network takes two embeddings for
        one person, from its calibration; None (or 0) lets the scene teach it.
    """

    def __init__(
        self,
        params: ReidTrackerParams | None = None,
        same_person_threshold: float | None = None,
    ) -> None:
        self.params = params or ReidTrackerParams()
        self._same_person_threshold = same_person_threshold
        self._next_id = 1
        self.reset()

    @property
    def same_person_threshold(self) -> float | None:
        """Setting it drops what the scene has taught about distances: the network is another."""
        return self._same_person_threshold

    @same_person_threshold.setter
    def same_person_threshold(self, threshold: float | None) -> None:
        self._same_person_threshold = threshold
        self._scene.appearance = AppearanceModel(threshold)

    def reset(self) -> None:
        """Forget everybody and everything but which ids are used up."""
        self._table = TrackTable()
        self._gallery = Gallery()
        self._scene = SceneModel(AppearanceModel(self._same_person_threshold))
        self._embedding_length = 0
        self._stamp_sec: float | None = None
        self._published: list[TrackedPerson] = []
        self._to_remember: list[RememberedPerson] = []  # until a stamp tells the time
        self.was_reset = False  # the last step found time running backwards

    def forget(self, track_id: int) -> bool:
        """
        Erase a person: track, embeddings, beliefs.

        :returns: whether there was such a person. In sight, the person comes back under a new id.
        """
        known = self._gallery.take(track_id) is not None
        known |= any(person.track_id == track_id for person in self._to_remember)
        self._to_remember = [p for p in self._to_remember if p.track_id != track_id]
        others = [track for track in self._table.tracks if track.track_id != track_id]
        known |= len(others) < len(self._table.tracks)
        self._table.select(others)
        self._published = [person for person in self._published if person.track_id != track_id]
        return known

    def remembered(self) -> list[RememberedPerson]:
        """Everybody known by look, in sight or not, to be handed to ``remember`` another day."""
        people = {track.track_id: track for track in self._gallery.identities}
        for track in self._table.tracks:
            if track.state != TrackState.TENTATIVE and len(track.bank):
                people[track.track_id] = track
        return self._to_remember + [
            RememberedPerson(track_id, track.bank.embeddings, self._now - track.last_seen_sec)
            for track_id, track in sorted(people.items())
        ]

    def remember(self, people: Iterable[RememberedPerson]) -> None:
        """
        Take up people of an earlier run; their ids will not be given to anybody else.

        :param people: none of whom is known already; unseen since before the next step.
        """
        for person in people:
            self._to_remember.append(person)
            self._next_id = max(self._next_id, person.track_id + 1)
            self._embedding_length = person.embeddings.shape[1]

    def step(
        self,
        stamp_sec: float,
        persons: Sequence[PersonEstimate],
        image_size: tuple[int, int] | None = None,
        camera_motion: NDArray[np.floating] | None = None,
    ) -> list[TrackedPerson]:
        """
        Take in one image; to be called for images without people too.

        A stamp equal to the last one, or earlier within ``stamp_tolerance_sec``, is a duplicate or
        a latecomer: it changes nothing and the last result is returned again. One earlier than
        that means a restarted clock: the tracker resets first and sets ``was_reset``.

        :param stamp_sec: when the image was taken.
        :param persons: what was seen in it, in any order.
        :param image_size: width and height, px; if known, who walks out is lost at once.
        :param camera_motion: (2, 3) affine from the previous image to this one, px.
        :returns: everybody tracked, by id, lost ones included.
        """
        if not self._advance_clock(stamp_sec):
            return self._published
        seen = sightings_from(persons, self.params, self._embedding_length)
        self._embedding_length = seen.embeddings.shape[1]
        self._table.predict(self._filter, self._dt, camera_motion)
        pairs, evidence = self._associate(seen)
        existence = self._scene.scores.log_ratio(seen.scores)
        self._update(pairs, evidence, seen, existence)
        self._mark_missed(image_size)
        self._start(pairs, seen, existence)
        self._identify()
        self._end()
        self._published = self._table.published(stamp_sec)
        return self._published

    def _advance_clock(self, stamp_sec: float) -> bool:
        last = self._stamp_sec
        self.was_reset = False
        if last is not None and last - self.params.stamp_tolerance_sec <= stamp_sec <= last:
            return False
        if last is not None and stamp_sec < last:
            self.reset()
            self.was_reset = True
        self._dt = stamp_sec - self._stamp_sec if self._stamp_sec is not None else 0.0
        self._stamp_sec = self._now = stamp_sec
        for person in self._to_remember:
            self._gallery.add(remembered_track(person, stamp_sec, self._empty_bank()))
        self._to_remember = []
        return True

    def _empty_bank(self) -> EmbeddingBank:
        return EmbeddingBank(self.params.bank_size, self.params.bank_interval_sec)

    @property
    def _filter(self) -> KalmanFilter:
        return KalmanFilter(
            self.params.speed_deviation,
            self.params.velocity_memory_sec,
            self.params.size_noise,
            self.params.measurement_noise,
        )

    def _associate(self, seen: Sightings) -> tuple[Pairs, Evidence]:
        params, tracks = self.params, self._table.tracks
        expected, variance = self._filter.project(self._table.mean, self._table.covariance)
        evidence = self._scene.weigh(
            tracks, expected, variance, seen, params.unexpected_density, params.max_appearance
        )
        is_recent = [t.state in (TrackState.CONFIRMED, TrackState.OCCLUDED) for t in tracks]
        pairs = assign_in_turn(
            evidence.total,
            evidence.motion,
            seen.scores >= params.high_score,
            np.array(is_recent, bool),
        )
        self._scene.learn(pairs, tracks, seen, evidence, self._now)
        return pairs, evidence

    def _update(
        self, pairs: Pairs, evidence: Evidence, seen: Sightings, existence: FloatArray
    ) -> None:
        params, table = self.params, self._table
        rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
        table.mean[rows], table.covariance[rows] = self._filter.update(
            table.mean[rows], table.covariance[rows], seen.boxes_cxcywh[columns]
        )
        nats, coverage = existence.tolist(), seen.coverage.tolist()
        is_trusted = ((seen.scores >= params.high_score) & seen.has_look).tolist()
        for row, column in pairs:
            track = table.tracks[row]
            if track.state == TrackState.LOST:
                track.recovered |= evidence.is_by_look(row, column)
            track.existence.hit(nats[column], self._dt, self._now - track.born_sec)
            person = seen.persons[column]
            track.see(person, self._now, coverage[column], params.attribute_memory_sec)
            if params.keypoint_cutoff > 0:
                height = float(table.mean[row, 3])
                track.smooth_keypoints(height, params.keypoint_cutoff, params.keypoint_speed_gain)
            if is_trusted[column]:
                track.look(
                    seen.embeddings[column], coverage[column], bool(seen.shows_look[column])
                )
            self._gallery.take(track.track_id)

    def _mark_missed(self, image_size: tuple[int, int] | None) -> None:
        params, table = self.params, self._table
        is_seen = np.array([track.is_matched for track in table.tracks], bool)
        unseen = np.flatnonzero(~is_seen).tolist()
        missed = [row for row in unseen if table.tracks[row].state != TrackState.LOST]
        if not missed:
            return
        mean, boxes = table.mean[missed], xyxy_from_cxcywh(table.mean)
        nearness = params.position_deviation**2 * squared_heights(mean)
        is_unknown = table.covariance[missed, 0] > nearness
        if image_size is not None:
            is_unknown |= inside_fraction(boxes[missed], image_size) < params.inside_fraction
        coverage = np.zeros(len(missed))
        if params.occlusion:
            coverage = covered_fraction(boxes[missed], boxes[is_seen])
        is_hidden = coverage >= params.occluded_coverage
        nats = self._dt / params.miss_sec * (1 - coverage)
        for index, row in enumerate(missed):
            track = table.tracks[row]
            track.miss(float(nats[index]), bool(is_hidden[index]), bool(is_unknown[index]))
            if track.state != TrackState.TENTATIVE:
                self._gallery.add(track)

    def _start(self, pairs: Pairs, seen: Sightings, existence: FloatArray) -> None:
        params = self.params
        is_fresh = seen.scores >= params.high_score
        is_fresh[[column for _, column in pairs]] = False
        fresh = np.flatnonzero(is_fresh)
        if not fresh.size:
            return
        tracks = []
        for column in fresh.tolist():
            track = Track(
                self._next_id,
                seen.persons[column],
                self._now,
                self._empty_bank(),
                float(seen.coverage[column]),
                Existence(float(existence[column]), params.birth_log_odds),
            )
            if seen.has_look[column]:
                track.look(
                    seen.embeddings[column],
                    float(seen.coverage[column]),
                    bool(seen.shows_look[column]),
                )
            self._next_id += 1
            tracks.append(track)
        self._table.append(tracks, *self._filter.start(seen.boxes_cxcywh[fresh]))

    def _identify(self) -> None:
        """Confirm young tracks as somebody old or new."""
        params = self.params
        self._gallery.end(self._now, params.retention_sec, params.gallery_size)
        young = [t for t in self._table.tracks if t.is_matched and t.state == TrackState.TENTATIVE]
        near = nearness(self._table, young, self._gallery, self._filter, params)
        agreed, unclear = recognise(
            young, self._gallery, self._scene.appearance, near, params, self._now
        )
        if self._embedding_length > 0 and len(self._gallery) > 0:
            unclear.update(track for track in young if not track.look_weight)
        for track, track_id in agreed:
            self._revive(track, track_id)
        for track in young:
            age_sec = self._now - track.born_sec
            least_sec = params.recover_window_sec if track in unclear else params.confirm_sec
            if track.existence.log_odds > 0 and age_sec >= least_sec:
                track.state = TrackState.CONFIRMED

    def _revive(self, track: Track, track_id: int) -> None:
        identity = self._gallery.take(track_id)
        if identity is None:  # taken by another track a moment ago
            return
        track.become(identity, self.params.attribute_memory_sec)
        others = [other for other in self._table.tracks if other is not identity]
        self._table.select(sorted(others, key=lambda other: other.track_id))

    def _end(self) -> None:
        limit_sec = {
            TrackState.TENTATIVE: self.params.tentative_missed_sec,
            TrackState.LOST: self.params.max_lost_sec,
        }
        alive = [
            track
            for track in self._table.tracks
            if self._now - track.last_seen_sec <= limit_sec.get(track.state, math.inf)
        ]
        if len(alive) < len(self._table.tracks):
            self._table.select(alive)
