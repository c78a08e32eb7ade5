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
        self._identities: list[Track] = []
        self._row_of: dict[int, int] = {}  # by track_id
        self._means: Float32Array = np.zeros((0, 0), np.float32)  # of their banks; spare rows last

    def __len__(self) -> int:
        return len(self._identities)

    def __contains__(self, track_id: int) -> bool:
        return track_id in self._row_of

    @property
    def identities(self) -> list[Track]:
        """Everybody remembered."""
        return list(self._identities)

    def add(self, track: Track) -> None:
        """Remember a person with at least one embedding, who is not seen until taken again."""
        if track.track_id in self._row_of or len(track.bank) == 0:
            return
        row, mean = len(self._identities), track.bank.mean
        if row == len(self._means):
            self._means = np.resize(self._means, (max(64, 2 * row), len(mean)))
        self._identities.append(track)
        self._row_of[track.track_id] = row
        self._means[row] = mean

    def take(self, track_id: int) -> Track | None:
        """Remove and return an identity: it is in sight again, or to be forgotten."""
        row = self._row_of.pop(track_id, None)
        if row is None:
            return None
        track, last = self._identities[row], self._identities.pop()
        if last is not track:  # it fills the gap
            self._identities[row] = last
            self._row_of[last.track_id] = row
            self._means[row] = self._means[len(self._identities)]
        return track

    def end(self, stamp_sec: float, retention_sec: float, capacity: int) -> None:
        """
        Forget who was not seen for too long, and the longest unseen of too many.

        :param stamp_sec: now.
        :param retention_sec: seconds after the last sighting until an identity is forgotten.
        :param capacity: most identities kept.
        """
        for track in self.identities:
            if stamp_sec - track.last_seen_sec > retention_sec:
                self.take(track.track_id)
        if len(self) > capacity:
            latest = sorted(self._identities, key=lambda t: (-t.last_seen_sec, t.track_id))
            for track in latest[capacity:]:
                self.take(track.track_id)

    def distances(self, embeddings: Float32Array) -> tuple[list[int], FloatArray]:
        """
        Mean cosine distance of each embedding to each identity.

        :param embeddings: (V, D).
        :returns: identities (G,) and distances (V, G).
        """
        ids = [track.track_id for track in self._identities]
        return ids, 1.0 - (embeddings @ self._means[: len(ids)].T).astype(np.float64)


def remembered_track(person: RememberedPerson, stamp_sec: float, bank: EmbeddingBank) -> Track:
    """
    Make an identity for a gallery from a person of an earlier run, its time being over.

    :param stamp_sec: now.
    :param bank: an empty one, as new tracks have.
    """
    last_seen_sec = stamp_sec - person.unseen_sec
    bank.restore(person.embeddings, last_seen_sec)
    nowhere = PersonEstimate(Detection(np.zeros(4, np.float32), 0.0))
    return Track(
        person.track_id,
        nowhere,
        last_seen_sec,
        bank,
        0.0,
        Existence(0.0, 0.0),
        state=TrackState.LOST,
    )
