"""Multi-person tracker by motion and appearance that gives a returning person the old id."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.association import assign, motion_log_ratio
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.gallery import Gallery
from person_mtl_ros.tracking.kalman_filter import KalmanFilter, xyxy_from_cxcywh
from person_mtl_ros.tracking.occlusion import covered_fraction, inside_fraction
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams
from person_mtl_ros.tracking.sightings import Sightings, sightings_from
from person_mtl_ros.tracking.track import Track

FloatArray = NDArray[np.float64]
Matches = list[tuple[Track, int]]  # a track and the index of its sighting

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
        self._appearance = AppearanceModel(threshold)

    def reset(self) -> None:
        """Forget everybody and everything but which ids are used up."""
        self._tracks: list[Track] = []
        self._gallery = Gallery()
        self._appearance = AppearanceModel(self._same_person_threshold)
        self._embedding_length = 0
        self._stamp_sec: float | None = None
        self._published: list[TrackedPerson] = []
        self.was_reset = False  # the last step found time running backwards

    def forget(self, track_id: int) -> bool:
        """
        Erase a person: track, embeddings, beliefs.

        :returns: whether there was such a person. In sight, the person comes back under a new id.
        """
        known = self._gallery.take(track_id) is not None
        known |= any(track.track_id == track_id for track in self._tracks)
        self._tracks = [track for track in self._tracks if track.track_id != track_id]
        self._published = [person for person in self._published if person.track_id != track_id]
        return known

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
        seen = sightings_from(persons, self.params.low_score, self.params.clean_coverage)
        self._check_embeddings(seen)
        self._predict(camera_motion)
        matches = self._associate(seen)
        self._update(matches, seen)
        self._mark_missed(image_size)
        self._recover()
        self._start(matches, seen)
        self._end()
        boxes = _boxes_xyxy(self._tracks).astype(np.float32)
        self._published = [
            track.published(stamp_sec, box) for track, box in zip(self._tracks, boxes, strict=True)
        ]
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
        return True

    def _check_embeddings(self, seen: Sightings) -> None:
        length = seen.embeddings.shape[1]
        if length and self._embedding_length not in (0, length):
            raise ValueError(
                f'embeddings of length {length} after length {self._embedding_length}: '
                'reset the tracker when the network changes'
            )
        self._embedding_length = length or self._embedding_length

    @property
    def _filter(self) -> KalmanFilter:
        return KalmanFilter(
            self.params.acceleration_noise,
            self.params.size_noise,
            self.params.measurement_noise,
            self.params.initial_speed,
        )

    def _predict(self, camera_motion: NDArray[np.floating] | None) -> None:
        mean, covariance = self._filter.predict(*_stacked(self._tracks), self._dt)
        if camera_motion is not None:
            affine = np.asarray(camera_motion, np.float64).reshape(2, 3)
            mean, covariance = self._filter.move_camera(mean, covariance, affine)
        for row, track in enumerate(self._tracks):
            track.mean, track.covariance = mean[row], covariance[row]
            track.is_matched = False

    def _associate(self, seen: Sightings) -> Matches:
        """Trusted detections to all tracks, then doubtful ones to the tracks seen moments ago."""
        expected, expected_covariance = self._filter.project(*_stacked(self._tracks))
        motion = motion_log_ratio(
            expected,
            expected_covariance,
            seen.boxes_cxcywh,
            self.params.unexpected_density,
        )
        distances = self._distances(seen)
        evidence = motion + self._appearance.log_ratio(distances, self.params.max_appearance)

        trusted = np.flatnonzero(seen.scores >= self.params.high_score)
        pairs = [(row, int(trusted[column])) for row, column in assign(evidence[:, trusted])]
        matched = {row for row, _ in pairs}
        recent = np.array(
            [
                row
                for row, track in enumerate(self._tracks)
                if row not in matched
                and track.state in (TrackState.CONFIRMED, TrackState.OCCLUDED)
            ],
            int,
        )
        doubtful = np.flatnonzero(seen.scores < self.params.high_score)
        for row, column in assign(motion[np.ix_(recent, doubtful)]):
            pairs.append((int(recent[row]), int(doubtful[column])))
        self._learn_appearance(pairs, distances)
        return [(self._tracks[row], column) for row, column in pairs]

    def _distances(self, seen: Sightings) -> FloatArray:
        """Mean cosine distance (N, M) of each sighting to each track's bank; NaN where unknown."""
        distances = np.full((len(self._tracks), len(seen.persons)), np.nan)
        known = np.flatnonzero([len(track.bank) > 0 for track in self._tracks])
        shown = np.flatnonzero(seen.shows_look)
        if known.size and shown.size:
            means = np.stack([self._tracks[row].bank.mean for row in known])
            distances[np.ix_(known, shown)] = 1.0 - means @ seen.embeddings[shown].T
        return distances

    def _learn_appearance(self, pairs: list[tuple[int, int]], distances: FloatArray) -> None:
        known = [pair for pair in pairs if len(self._tracks[pair[0]].bank) > 1]
        rows, columns = np.array(known, int).reshape(-1, 2).T
        table = distances[np.ix_(rows, columns)]
        is_same = np.eye(len(known), dtype=bool)
        self._appearance.learn(table[is_same], table[~is_same])

    def _update(self, matches: Matches, seen: Sightings) -> None:
        params = self.params
        tracks = [track for track, _ in matches]
        boxes = seen.boxes_cxcywh[[index for _, index in matches]]
        mean, covariance = self._filter.update(*_stacked(tracks), boxes)
        for row, (track, index) in enumerate(matches):
            track.mean, track.covariance = mean[row], covariance[row]
            coverage = float(seen.coverage[index])
            track.see(seen.persons[index], self._now, coverage, params.attribute_memory_sec)
            if params.keypoint_cutoff > 0:
                track.smooth_keypoints(params.keypoint_cutoff, params.keypoint_speed_gain)
            trusted = seen.scores[index] >= params.high_score and seen.shows_look[index]
            track.look = seen.embeddings[index] if trusted else None
            if track.look is not None:
                track.bank.add(track.look, self._now)
            if track.state != TrackState.TENTATIVE:
                track.state = TrackState.CONFIRMED
                self._gallery.take(track.track_id)

    def _mark_missed(self, image_size: tuple[int, int] | None) -> None:
        params = self.params
        missed = [
            track
            for track in self._tracks
            if not track.is_matched and track.state != TrackState.TENTATIVE
        ]
        boxes = _boxes_xyxy(missed)
        coverage = covered_fraction(boxes, _boxes_xyxy([t for t in self._tracks if t.is_matched]))
        inside = np.ones(len(missed)) if image_size is None else inside_fraction(boxes, image_size)
        for row, track in enumerate(missed):
            unseen_sec = self._now - track.last_seen_sec
            is_covered = coverage[row] >= params.occluded_coverage
            if is_covered and unseen_sec <= params.occluded_lost_after_sec:
                track.state = TrackState.OCCLUDED
            elif unseen_sec > params.lost_after_sec or inside[row] < params.inside_fraction:
                track.state = TrackState.LOST
            self._gallery.add(track)

    def _recover(self) -> None:
        """Let young tracks vote on who they are, confirm them as somebody old or new."""
        params = self.params
        self._gallery.end(self._now, params.retention_sec, params.gallery_size)
        young = [
            track
            for track in self._tracks
            if track.is_matched and self._now - track.born_sec <= params.recover_window_sec
        ]
        voters = [track for track in young if track.look is not None and not track.recovered]
        if voters and len(self._gallery):
            looks = np.stack([track.look for track in voters if track.look is not None])
            ids, distances = self._gallery.distances(looks)
            ratios = self._appearance.log_ratio(distances, params.max_appearance)
            for track, ratio in zip(voters, ratios, strict=True):
                track.vote(self._best(ids, ratio), self._now)
        for track in young:
            votes_sec = self._now - track.candidate_since_sec
            if track.votes >= params.recover_votes and votes_sec >= params.recover_vote_sec:
                self._revive(track)
            elif (
                track.state == TrackState.TENTATIVE
                and track.sightings > 1
                and self._now - track.born_sec >= params.confirm_sec
                and track.candidate_id is None
            ):
                track.state = TrackState.CONFIRMED

    def _best(self, ids: list[int], ratio: FloatArray) -> int | None:
        order = np.argsort(-ratio, kind='stable')
        margin = ratio[order[0]] - ratio[order[1]] if len(ids) > 1 else np.inf
        is_clear = margin >= self.params.recover_margin
        is_alike = ratio[order[0]] > self.params.recover_log_ratio
        return ids[order[0]] if is_clear and is_alike else None

    def _revive(self, track: Track) -> None:
        assert track.candidate_id is not None
        identity = self._gallery.take(track.candidate_id)
        track.vote(None, self._now)
        if identity is None:  # seen again or taken by another track a moment ago
            return
        self._tracks = [other for other in self._tracks if other is not identity]
        track.become(identity, self.params.attribute_memory_sec)

    def _start(self, matches: Matches, seen: Sightings) -> None:
        params = self.params
        matched = {index for _, index in matches}
        fresh = [
            index
            for index, score in enumerate(seen.scores)
            if score >= params.new_track_score and index not in matched
        ]
        mean, covariance = self._filter.start(seen.boxes_cxcywh[fresh])
        for row, index in enumerate(fresh):
            bank = EmbeddingBank(params.bank_size, params.bank_interval_sec)
            track = Track(
                self._next_id,
                mean[row],
                covariance[row],
                seen.persons[index],
                self._now,
                bank,
                float(seen.coverage[index]),
            )
            if seen.shows_look[index]:
                bank.add(seen.embeddings[index], self._now)
            self._next_id += 1
            self._tracks.append(track)

    def _end(self) -> None:
        params = self.params
        limit_sec = {
            TrackState.TENTATIVE: params.tentative_missed_sec,
            TrackState.LOST: params.max_lost_sec,
        }
        self._tracks = sorted(
            (
                track
                for track in self._tracks
                if self._now - track.last_seen_sec <= limit_sec.get(track.state, np.inf)
            ),
            key=lambda track: track.track_id,
        )


def _stacked(tracks: Sequence[Track]) -> tuple[FloatArray, FloatArray]:
    """Means (N, 6) and covariances (N, 6, 6)."""
    mean = np.array([track.mean for track in tracks]).reshape(-1, 6)
    covariance = np.array([track.covariance for track in tracks]).reshape(-1, 6, 6)
    return mean, covariance


def _boxes_xyxy(tracks: Sequence[Track]) -> FloatArray:
    return xyxy_from_cxcywh(_stacked(tracks)[0])
