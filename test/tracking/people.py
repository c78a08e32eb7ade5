"""Synthetic people for the tracker's tests."""

import numpy as np

from person_mtl_ros.structures import Detection, PersonEstimate

DIM = 64


def look(identity: int, noise: float = 0.0, rng: np.random.Generator | None = None) -> np.ndarray:
    """Embedding of an identity; two identities are almost orthogonal."""
    vector = np.random.default_rng(identity).normal(size=DIM)
    vector /= np.linalg.norm(vector)
    if rng is not None:
        vector = vector + noise * rng.normal(size=DIM) / np.sqrt(DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def person(
    x: float,
    y: float = 200.0,
    height: float = 100.0,
    score: float = 0.95,
    embedding: np.ndarray | None = None,
    attributes: dict[str, np.ndarray] | None = None,
) -> PersonEstimate:
    """A person with box centre x, y and the usual proportions."""
    width = 0.4 * height
    box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)
    embedding = np.zeros(0, np.float32) if embedding is None else embedding
    return PersonEstimate(Detection(box, score), embedding, attributes or {})


def ids(tracked: list, matched_only: bool = True) -> list[int]:
    return [person.track_id for person in tracked if person.is_matched or not matched_only]
