"""Synthetic people for the tracker's tests."""

import numpy as np

from person_mtl_ros.structures import Detection, PersonEstimate, TrackedPerson
from person_mtl_ros.tracking import ReidTracker

DIM = 64
THRESHOLD = 0.5  # of the synthetic looks: same about 0.1, different about 1
RATE_HZ = 10.0
Images = list[tuple[float, list[PersonEstimate]]]


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


def play(tracker: ReidTracker, images: Images) -> list[list[TrackedPerson]]:
    return [tracker.step(stamp, persons) for stamp, persons in images]


def standing(
    identity: int, begin_sec: float, end_sec: float, x: float = 300.0, noise: float = 0.4
) -> Images:
    rng = np.random.default_rng(identity)
    stamps = np.arange(begin_sec, end_sec, 1 / RATE_HZ)
    return [(float(t), [person(x, embedding=look(identity, noise, rng))]) for t in stamps]


def nobody(begin_sec: float, end_sec: float) -> Images:
    return [(float(t), []) for t in np.arange(begin_sec, end_sec, 1 / RATE_HZ)]
