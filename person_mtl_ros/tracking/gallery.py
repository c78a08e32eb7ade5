"""Identities that are out of sight."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Detection, Float32Array, PersonEstimate, TrackState
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.existence import Existence
from person_mtl_ros.tracking.track import Track

FloatArray = NDArray[np.float64]


class RememberedPerson(NamedTuple):
    """What outlives a run of the tracker."""

    track_id: int
    embeddings: Float32Array  # (K, D) L2-normalised, oldest first
    unseen_sec: float


class Gallery:
    """Persons to be recognised when they come back, by the embeddings of their last track."""

    def __init__(self) -> None:
        self._identities: dict[int, Track] = {}
        self._means: Float32Array | None = None  # stacked lazily, most frames ask for nobody

    def __len__(self) -> int:
        return len(self._identities)

    def __contains__(self, track_id: int) -> bool:
        return track_id in self._identities

    @property
    def identities(self) -> list[Track]:
        """Everybody remembered."""
        return list(self._identities.values())

    def add(self, track: Track) -> None:
        """Remember a person with at least one embedding who is out of sight."""
        if track.track_id in self._identities or len(track.bank) == 0:
            return
        self._identities[track.track_id] = track
        self._means = None

    def take(self, track_id: int) -> Track | None:
        """Remove and return an identity: it is in sight again, or to be forgotten."""
        track = self._identities.pop(track_id, None)
        if track is not None:
            self._means = None
        return track

    def end(self, stamp_sec: float, retention_sec: float, capacity: int) -> None:
        """
        Forget who was not seen for too long, and the longest unseen of too many.

        :param stamp_sec: now.
        :param retention_sec: seconds after the last sighting until an identity is forgotten.
        :param capacity: most identities kept.
        """
        by_age = sorted(self._identities.values(), key=lambda track: -track.last_seen_sec)
        for rank, track in enumerate(by_age):
            if rank >= capacity or stamp_sec - track.last_seen_sec > retention_sec:
                self.take(track.track_id)

    def distances(self, embeddings: Float32Array) -> tuple[list[int], FloatArray]:
        """
        Mean cosine distance of each embedding to each identity.

        :param embeddings: (V, D).
        :returns: identities (G,) and distances (V, G).
        """
        ids = list(self._identities)
        if self._means is None:
            self._means = np.stack([track.bank.mean for track in self._identities.values()])
        return ids, 1.0 - (embeddings @ self._means.T).astype(np.float64)


def remembered_track(person: RememberedPerson, stamp_sec: float) -> Track:
    """Make an identity for a gallery from a person of an earlier run, its time being over."""
    bank = EmbeddingBank(capacity=len(person.embeddings), interval_sec=0.0)
    for embedding in person.embeddings:
        bank.add(embedding, stamp_sec - person.unseen_sec)
    nowhere = PersonEstimate(Detection(np.zeros(4, np.float32), 0.0))
    return Track(
        person.track_id,
        np.zeros(6),
        np.ones(4),
        nowhere,
        stamp_sec - person.unseen_sec,
        bank,
        0.0,
        Existence(0.0, 0.0),
        state=TrackState.LOST,
    )
