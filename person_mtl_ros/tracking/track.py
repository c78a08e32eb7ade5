"""One person followed through the images."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank

FloatArray = NDArray[np.float64]


@dataclass(eq=False)
class Track:
    """
    Motion, look and beliefs of one person.

    TENTATIVE until seen long enough, then CONFIRMED while seen; unseen it is OCCLUDED behind a
    nearer person or, after a while, LOST. A tentative track that is missed ends.
    """

    track_id: int
    mean: FloatArray  # (6,) see kalman_filter
    covariance: FloatArray  # (6, 6)
    estimate: PersonEstimate  # latest matched
    born_sec: float  # when this stretch of sightings began
    bank: EmbeddingBank
    look: Float32Array | None = None  # (D,) of the latest sighting, if it shows the person well
    state: TrackState = TrackState.TENTATIVE
    is_matched: bool = True
    recovered: bool = False
    sightings: int = 0
    attributes: dict[str, Float32Array] = field(default_factory=dict)
    attribute_weight: float = 0.0
    candidate_id: int | None = None  # whom of the gallery the latest sightings resemble
    candidate_since_sec: float = 0.0
    votes: int = 0

    def __post_init__(self) -> None:
        self.first_seen_sec = self.last_seen_sec = self.born_sec
        self.see(self.estimate, self.born_sec, memory_sec=1.0)

    def see(self, estimate: PersonEstimate, stamp_sec: float, memory_sec: float) -> None:
        """Take in a sighting; attribute probabilities are averaged, older ones fade."""
        fading = math.exp((self.last_seen_sec - stamp_sec) / memory_sec)
        self.attribute_weight = self.attribute_weight * fading + 1.0
        for name, probabilities in estimate.attributes.items():
            belief = self.attributes.get(name, probabilities)
            change = (probabilities - belief) / np.float32(self.attribute_weight)
            self.attributes[name] = belief + change
        self.estimate, self.last_seen_sec = estimate, stamp_sec
        self.is_matched = True
        self.sightings += 1

    def vote(self, candidate_id: int | None, stamp_sec: float) -> None:
        """Count the sightings in a row that resemble one identity of the gallery."""
        if candidate_id is None or candidate_id != self.candidate_id:
            self.candidate_id, self.candidate_since_sec, self.votes = candidate_id, stamp_sec, 0
        self.votes += candidate_id is not None

    def become(self, identity: 'Track') -> None:
        """Turn out to be a person known before: take over id and memory."""
        identity.bank.extend(self.bank)
        self.bank = identity.bank
        self.track_id, self.first_seen_sec = identity.track_id, identity.first_seen_sec
        self.attributes = {**self.attributes, **identity.attributes}
        self.attribute_weight = identity.attribute_weight
        self.state, self.recovered = TrackState.CONFIRMED, True

    def published(self, stamp_sec: float, box_xyxy: Float32Array) -> TrackedPerson:
        """Snapshot that later steps do not change; the box is the filtered or predicted one."""
        return TrackedPerson(
            track_id=self.track_id,
            state=self.state,
            is_matched=self.is_matched,
            box_xyxy=box_xyxy,
            velocity_xy=self.mean[4:].astype(np.float32),
            age_sec=stamp_sec - self.first_seen_sec,
            time_since_seen_sec=stamp_sec - self.last_seen_sec,
            attributes=dict(self.attributes),
            estimate=self.estimate,
            recovered=self.recovered,
        )
