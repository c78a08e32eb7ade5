"""One person followed through the images."""

import math
from dataclasses import dataclass, field, replace

from person_mtl_ros.structures import Float32Array, PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.carried_results import carried_results
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.existence import SEEN_LOG_ODDS, Existence
from person_mtl_ros.tracking.smoothing import AttributeBelief, KeypointFilter, view_weight


@dataclass(eq=False)
class Track:
    """
    Look and beliefs of one person; motion is that of all at once, see ``TrackTable``.

    TENTATIVE until it is believed to be a person and known which, then CONFIRMED while seen or
    believed to be where predicted; OCCLUDED while a nearer person hides it; LOST when nobody
    knows. A tentative track that is missed ends.
    """

    track_id: int
    estimate: PersonEstimate  # latest matched
    born_sec: float  # when this stretch of sightings began
    bank: EmbeddingBank
    born_coverage: float  # share of the box that somebody nearer hid then
    existence: Existence
    state: TrackState = TrackState.TENTATIVE
    is_matched: bool = True
    recovered: bool = False  # was lost and got its id back by appearance
    evaluated_sec: float = -math.inf  # when the network looked at this person last
    attributes: AttributeBelief = field(default_factory=AttributeBelief)
    keypoints: KeypointFilter = field(default_factory=KeypointFilter)
    look_sum: Float32Array | float = 0.0  # (D,) of a young track, to be recognised by
    look_weight: float = 0.0
    hidden_weight: float = 0.0  # of what was hidden of it
    candidate_id: int | None = None  # whom of the gallery the latest sightings resemble
    candidate_since_sec: float = 0.0
    votes: int = 0

    def __post_init__(self) -> None:
        self.first_seen_sec = self.last_seen_sec = self.born_sec
        self.see(self.estimate, self.born_sec, self.born_coverage, memory_sec=1.0)

    def see(
        self, estimate: PersonEstimate, stamp_sec: float, coverage: float, memory_sec: float
    ) -> None:
        """
        Take in a sighting; without results of its own it keeps the latest ones.

        :param coverage: share of the box that somebody nearer hides.
        :param memory_sec: time in which older attributes fade.
        """
        if estimate.is_evaluated:
            weight = view_weight(estimate, coverage)
            self.attributes.add(estimate.attributes, weight, stamp_sec, memory_sec)
            self.estimate, self.evaluated_sec = estimate, stamp_sec
        else:
            self.estimate = carried_results(self.estimate, estimate.detection)
        self.last_seen_sec = stamp_sec
        self.is_matched = True
        if self.state != TrackState.TENTATIVE:
            self.existence.keep_above(SEEN_LOG_ODDS)
            self.state = TrackState.CONFIRMED

    def miss(self, nats: float, is_hidden: bool, is_unknown: bool) -> None:
        """
        Take in that it was not found.

        :param nats: what that says against there being a person.
        :param is_hidden: a nearer person stands in front.
        :param is_unknown: nobody can say where it is.
        """
        self.existence.miss(nats)
        if self.state == TrackState.TENTATIVE:
            return
        if self.existence.log_odds < 0 or is_unknown:
            self.state = TrackState.LOST
            self.existence.lose()
        elif is_hidden:
            self.state = TrackState.OCCLUDED

    def smooth_keypoints(self, height: float, min_cutoff: float, speed_gain: float) -> None:
        """Put the joints of the latest sighting, ``height`` px tall, where the filter has them."""
        if self.estimate.is_evaluated and len(self.estimate.keypoints):
            smooth = self.keypoints.smooth(
                self.estimate.keypoints, height, self.last_seen_sec, min_cutoff, speed_gain
            )
            self.estimate = replace(self.estimate, keypoints=smooth)

    def look(self, embedding: Float32Array, coverage: float, is_clean: bool) -> None:
        """
        Take in an embedding (D,).

        :param coverage: share of the box that somebody nearer hides.
        :param is_clean: it shows this person alone, to be known by later.
        """
        if is_clean:
            self.bank.add(embedding, self.last_seen_sec)
        if self.state == TrackState.TENTATIVE:
            weight = 1 - coverage
            self.look_sum = self.look_sum + weight * embedding
            self.look_weight += weight
            self.hidden_weight += weight * coverage

    @property
    def hidden_share(self) -> float:
        """How much of the young person was hidden on average."""
        return self.hidden_weight / self.look_weight

    def vote(self, candidate_id: int | None, stamp_sec: float) -> None:
        """Count the sightings in a row that resemble one identity of the gallery."""
        if candidate_id is None or candidate_id != self.candidate_id:
            self.candidate_id, self.candidate_since_sec, self.votes = candidate_id, stamp_sec, 0
        self.votes += candidate_id is not None

    def become(self, identity: 'Track', memory_sec: float) -> None:
        """Turn out to be a person known before: take over id and memory."""
        identity.bank.extend(self.bank)
        self.bank = identity.bank
        self.track_id, self.first_seen_sec = identity.track_id, identity.first_seen_sec
        identity.attributes.extend(self.attributes, memory_sec)
        self.attributes = identity.attributes
        self.state, self.recovered = TrackState.CONFIRMED, True

    def published(
        self, stamp_sec: float, box_xyxy: Float32Array, velocity_xy: Float32Array
    ) -> TrackedPerson:
        """Snapshot that later steps do not change; box and velocity are filtered or predicted."""
        return TrackedPerson(
            track_id=self.track_id,
            state=self.state,
            is_matched=self.is_matched,
            box_xyxy=box_xyxy,
            velocity_xy=velocity_xy,
            age_sec=stamp_sec - self.first_seen_sec,
            time_since_seen_sec=stamp_sec - self.last_seen_sec,
            attributes=self.attributes.probabilities,
            estimate=self.estimate,
            recovered=self.recovered,
            result_age_sec=stamp_sec - self.evaluated_sec,
        )
