"""What one person has looked like so far."""

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
        self._mean: Float32Array | None = None

    def __len__(self) -> int:
        return len(self._embeddings)

    @property
    def embeddings(self) -> Float32Array:
        """All that is kept, (K, D)."""
        return np.stack(self._embeddings)

    def add(self, embedding: Float32Array, stamp_sec: float) -> None:
        """Keep an L2-normalised embedding (D,), unless the last one is too recent to be news."""
        if stamp_sec - self._last_added_sec >= self._interval_sec:
            self._last_added_sec = stamp_sec
            self._keep(embedding)

    def extend(self, other: 'EmbeddingBank') -> None:
        """Take over what a later track of the same person has collected."""
        self._last_added_sec = other._last_added_sec
        for embedding in other._embeddings:
            self._keep(embedding)

    def _keep(self, embedding: Float32Array) -> None:
        self._mean = None
        if len(self) < self._capacity:
            self._embeddings.append(embedding)
        else:
            self._embeddings[int(np.argmax(np.stack(self._embeddings) @ embedding))] = embedding

    @property
    def mean(self) -> Float32Array:
        """Mean direction (D,) of a bank that is not empty, L2-normalised."""
        if self._mean is None:
            total = np.sum(self._embeddings, axis=0, dtype=np.float32)
            self._mean = total / max(float(np.linalg.norm(total)), 1e-6)
        return self._mean
