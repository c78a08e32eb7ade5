"""What one person has looked like so far."""

import math

import numpy as np

from person_mtl_ros.structures import Float32Array


class EmbeddingBank:
    """
    A few embeddings of one person, spread over time and over looks.

    When it is full the newcomer replaces the embedding it resembles most, so that a rare view
    (the back, a bent pose) is kept while the common one is refreshed.
    """

    def __init__(self, capacity: int, interval_sec: float) -> None:
        self._capacity = capacity
        self._interval_sec = interval_sec
        self._embeddings: list[Float32Array] = []
        self._last_added_sec = -np.inf
        self.mean: Float32Array = np.zeros(0, np.float32)  # (D,) direction, (0,) of an empty bank

    def __len__(self) -> int:
        return len(self._embeddings)

    @property
    def embeddings(self) -> Float32Array:
        """All that is kept, (K, D)."""
        return np.concatenate(self._embeddings).reshape(len(self), -1)

    def add(self, embedding: Float32Array, stamp_sec: float) -> None:
        """Keep an L2-normalised embedding (D,), unless the last one is too recent to be news."""
        if stamp_sec - self._last_added_sec >= self._interval_sec:
            self._last_added_sec = stamp_sec
            # A copy, as a row would keep the array alive that has everybody in the image.
            self._keep(embedding.copy())
            self._average()

    def restore(self, embeddings: Float32Array, stamp_sec: float) -> None:
        """Take up what an earlier run kept, (K, D) oldest first, the last of ``stamp_sec``."""
        self._last_added_sec = stamp_sec
        for embedding in embeddings:
            self._keep(embedding.copy())
        self._average()

    def extend(self, other: 'EmbeddingBank') -> None:
        """Take over what a later track of the same person has collected."""
        self._last_added_sec = other._last_added_sec
        for embedding in other._embeddings:
            self._keep(embedding)
        if other._embeddings:
            self._average()

    def _keep(self, embedding: Float32Array) -> None:
        if len(self) < self._capacity:
            self._embeddings.append(embedding)
        else:
            self._embeddings[int((self.embeddings @ embedding).argmax())] = embedding

    def _average(self) -> None:
        total = self.embeddings.sum(axis=0)
        self.mean = total / max(math.sqrt(total @ total), 1e-6)
