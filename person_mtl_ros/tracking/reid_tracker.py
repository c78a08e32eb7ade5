"""Multi-person tracker by motion and appearance that gives a returning person the old id."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.association import assign_in_turn
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.evidence import SceneModel
from person_mtl_ros.tracking.existence import SEEN_LOG_ODDS, Existence
from person_mtl_ros.tracking.gallery import Gallery, RememberedPerson, remembered_track
from person_mtl_ros.tracking.kalman_filter import KalmanFilter, squared_heights, xyxy_from_cxcywh
from person_mtl_ros.tracking.occlusion import covered_fraction, inside_fraction
from person_mtl_ros.tracking.recognition import recognise
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams
from person_mtl_ros.tracking.sightings import Sightings, sightings_from
from person_mtl_ros.tracking.track import Track, stacked

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
        self._scene.appearance = AppearanceModel(threshold)

    def reset(self) -> None:
        """Forget everybody and everything but which ids are used up."""
        self._tracks: list[Track] = []
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
        known |= any(track.track_id == track_id for track in self._tracks)
        self._tracks = [track for track in self._tracks if track.track_id != track_id]
        self._published = [person for person in self._published if person.track_id != track_id]
        return known

    def remembered(self) -> list[RememberedPerson]:
        """Everybody known by look, in sight or not, to be handed to ``remember`` another day."""
        people = {track.track_id: track for track in self._gallery.identities}
        known = [t for t in self._tracks if t.state != TrackState.TENTATIVE and len(t.bank)]
        people.update({track.track_id: track for track in known})
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
        seen = sightings_from(persons, self.params.low_score, self.params.clean_coverage)
        self._check_embeddings(seen)
        self._predict(camera_motion)
        matches = self._associate(seen)
        self._update(matches, seen)
        self._mark_missed(image_size)
        self._start(matches, seen)
        self._identify()
        self._end()
        mean, _ = stacked(self._tracks)
        boxes, velocities = (
            xyxy_from_cxcywh(mean).astype(np.float32),
            mean[:, 4:].astype(np.float32),
        )
        self._published = [
            track.published(stamp_sec, box, velocity)
            for track, box, velocity in zip(self._tracks, boxes, velocities, strict=True)
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
        for person in self._to_remember:
            self._gallery.add(remembered_track(person, stamp_sec))
        self._to_remember = []
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
            self.params.speed_deviation,
            self.params.velocity_memory_sec,
            self.params.size_noise,
            self.params.measurement_noise,
        )

    def _predict(self, camera_motion: NDArray[np.floating] | None) -> None:
        mean, covariance = self._filter.predict(*stacked(self._tracks), self._dt)
        if camera_motion is not None:
            affine = np.asarray(camera_motion, np.float64).reshape(2, 3)
            mean, covariance = self._filter.move_camera(mean, covariance, affine)
        for row, track in enumerate(self._tracks):
            track.mean, track.covariance = mean[row], covariance[row]
            track.is_matched = False

    def _associate(self, seen: Sightings) -> Matches:
        params, tracks = self.params, self._tracks
        evidence = self._scene.weigh(
            tracks, seen, self._filter, params.unexpected_density, params.max_appearance
        )
        is_recent = [t.state in (TrackState.CONFIRMED, TrackState.OCCLUDED) for t in tracks]
        pairs = assign_in_turn(
            evidence.total,
            evidence.motion,
            seen.scores >= params.high_score,
            np.array(is_recent, bool),
        )
        self._scene.learn(pairs, tracks, seen, evidence, self._now)
        return [(tracks[row], column) for row, column in pairs]

    def _update(self, matches: Matches, seen: Sightings) -> None:
        params = self.params
        indices = [index for _, index in matches]
        mean, covariance = self._filter.update(
            *stacked([track for track, _ in matches]), seen.boxes_cxcywh[indices]
        )
        evidence = self._scene.scores.log_ratio(seen.scores[indices])
        for row, (track, index) in enumerate(matches):
            track.mean, track.covariance = mean[row], covariance[row]
            track.existence.hit(float(evidence[row]), self._dt, self._now - track.born_sec)
            coverage = float(seen.coverage[index])
            track.see(seen.persons[index], self._now, coverage, params.attribute_memory_sec)
            if params.keypoint_cutoff > 0:
                track.smooth_keypoints(params.keypoint_cutoff, params.keypoint_speed_gain)
            if seen.scores[index] >= params.high_score and seen.shows_look[index]:
                track.look(seen.embeddings[index])
            if track.state != TrackState.TENTATIVE:
                track.existence.keep_above(SEEN_LOG_ODDS)
                track.recovered |= track.state == TrackState.LOST
                track.state = TrackState.CONFIRMED
                self._gallery.take(track.track_id)

    def _mark_missed(self, image_size: tuple[int, int] | None) -> None:
        params = self.params
        missed = [t for t in self._tracks if not t.is_matched and t.state != TrackState.LOST]
        if not missed:
            return
        mean, covariance = stacked(missed)
        boxes = xyxy_from_cxcywh(mean)
        coverage = covered_fraction(boxes, _boxes_xyxy([t for t in self._tracks if t.is_matched]))
        is_unknown = covariance[:, 0] > params.position_deviation**2 * squared_heights(mean)
        if image_size is not None:
            is_unknown |= inside_fraction(boxes, image_size) < params.inside_fraction
        for row, track in enumerate(missed):
            track.existence.miss(self._dt / params.miss_sec * (1 - coverage[row]))
            if track.state == TrackState.TENTATIVE:
                continue
            if track.existence.log_odds < 0 or is_unknown[row]:
                track.state = TrackState.LOST
                track.existence.lose()
            elif coverage[row] >= params.occluded_coverage:
                track.state = TrackState.OCCLUDED
            self._gallery.add(track)

    def _start(self, matches: Matches, seen: Sightings) -> None:
        params = self.params
        is_fresh = seen.scores >= params.high_score
        is_fresh[[index for _, index in matches]] = False
        fresh = np.flatnonzero(is_fresh)
        mean, covariance = self._filter.start(seen.boxes_cxcywh[fresh])
        evidence = self._scene.scores.log_ratio(seen.scores[fresh])
        for row, index in enumerate(fresh.tolist()):
            track = Track(
                self._next_id,
                mean[row],
                covariance[row],
                seen.persons[index],
                self._now,
                EmbeddingBank(params.bank_size, params.bank_interval_sec),
                float(seen.coverage[index]),
                Existence(float(evidence[row]), params.birth_log_odds),
            )
            if seen.shows_look[index]:
                track.look(seen.embeddings[index])
            self._next_id += 1
            self._tracks.append(track)

    def _identify(self) -> None:
        """Confirm young tracks as somebody old or new."""
        params = self.params
        self._gallery.end(self._now, params.retention_sec, params.gallery_size)
        young = [t for t in self._tracks if t.is_matched and t.state == TrackState.TENTATIVE]
        has_choice = self._embedding_length > 0 and len(self._gallery) > 0
        unclear = {track for track in young if has_choice and not track.looks}
        for track, best_id, best, stranger in recognise(
            young,
            self._gallery,
            self._scene.appearance,
            params.return_probability,
            params.max_appearance,
        ):
            track.vote(best_id if best > 0.5 else None, self._now)
            agreed_sec = self._now - track.candidate_since_sec
            if (
                best >= params.recover_probability
                and track.votes >= params.recover_votes
                and agreed_sec >= params.recover_vote_sec
            ):
                self._revive(track, best_id)
            elif stranger < params.stranger_probability:
                unclear.add(track)
        for track in young:
            age_sec = self._now - track.born_sec
            least_sec = params.recover_window_sec if track in unclear else params.confirm_sec
            if track.existence.log_odds > 0 and age_sec >= least_sec:
                track.state = TrackState.CONFIRMED

    def _revive(self, track: Track, track_id: int) -> None:
        identity = self._gallery.take(track_id)
        if identity is None:  # taken by another track a moment ago
            return
        self._tracks = [other for other in self._tracks if other is not identity]
        track.become(identity, self.params.attribute_memory_sec)

    def _end(self) -> None:
        limit_sec = {
            TrackState.TENTATIVE: self.params.tentative_missed_sec,
            TrackState.LOST: self.params.max_lost_sec,
        }
        self._tracks = sorted(
            (
                track
                for track in self._tracks
                if self._now - track.last_seen_sec <= limit_sec.get(track.state, np.inf)
            ),
            key=lambda track: track.track_id,
        )


def _boxes_xyxy(tracks: Sequence[Track]) -> FloatArray:
    return xyxy_from_cxcywh(stacked(tracks)[0])
