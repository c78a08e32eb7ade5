"""
Time of a tracker step against the number of people and of identities in the gallery.

Method: people on straight paths through a 1920x1080 image at 10 Hz, boxes and unit embeddings
with noise, 5 % missed. Everybody stays 10 s and is replaced by somebody new, so that births,
recognition against the gallery and ends are part of the time, in the share they have in a busy
place. The clock is the CPU time of the calling thread, from the call of ``step`` to its return,
inputs made beforehand: run it with OMP_NUM_THREADS=1, or numpy takes more cores. The gallery
is filled before it starts; it stays full because people keep leaving. Medians over the runs of
the percentiles over all timed steps.
"""

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from person_mtl_ros.structures import Detection, PersonEstimate
from person_mtl_ros.tracking import ReidTracker, ReidTrackerParams

RATE_HZ = 10.0
STAY_SEC = 10.0
IMAGE_SIZE = (1920, 1080)
HALF_SIZE = (30, 75)  # px, of a box
SAME_PERSON_THRESHOLD = 0.5
MISS = 0.05


class TrackerCost(NamedTuple):
    """One row of the table, times of one step in milliseconds."""

    people: int
    gallery: int
    ms_p50: float
    ms_p99: float


def measure_tracker(
    people: int, gallery: int, embedding_dim: int = 512, steps: int = 300, runs: int = 3
) -> TrackerCost:
    """
    Time the steps of a crowd.

    :param people: in the image at any time.
    :param gallery: identities out of sight.
    :param embedding_dim: length of an embedding.
    :param steps: timed in each run.
    :param runs: whose medians are taken.
    """
    times_ms = [_run(people, gallery, embedding_dim, steps, seed) for seed in range(runs)]
    p50, p99 = np.median(np.percentile(times_ms, (50, 99), axis=1), axis=1)
    return TrackerCost(people, gallery, float(p50), float(p99))


def measure_costs(sizes: Iterable[tuple[int, int]], **options: int) -> Iterator[TrackerCost]:
    """
    Rows for pairs of people and gallery size, one after the other.

    :param options: those of :func:`measure_tracker`.
    """
    for people, gallery in sizes:
        yield measure_tracker(people, gallery, **options)


def _run(people: int, gallery: int, embedding_dim: int, steps: int, seed: int) -> list[float]:
    tracker = ReidTracker(ReidTrackerParams(gallery_size=gallery), SAME_PERSON_THRESHOLD)
    # Until as many have come and left as the gallery holds, and once more for the steady state.
    warm_up = round((gallery / people + 1) * STAY_SEC * RATE_HZ) + 10
    crowd = _Crowd(people, embedding_dim, np.random.default_rng(seed))
    times_ms = []
    for step in range(warm_up + steps):
        persons = crowd.seen_at(step / RATE_HZ)
        begin = time.thread_time()
        tracker.step(step / RATE_HZ, persons, IMAGE_SIZE)
        if step >= warm_up:
            times_ms.append(1e3 * (time.thread_time() - begin))
    return times_ms


class _Crowd:
    def __init__(self, people: int, embedding_dim: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._dim = embedding_dim
        self._leave_sec = rng.uniform(0, STAY_SEC, people)
        self._looks = np.empty((people, embedding_dim))
        self._start = np.empty((people, 2))
        self._velocity = np.empty((people, 2))
        self._born_sec = np.zeros(people)
        self._replace(np.arange(people), 0.0)

    def _replace(self, who: np.ndarray, now_sec: float) -> None:
        rng = self._rng
        self._looks[who] = _unit(rng.normal(size=(len(who), self._dim)))
        self._start[who] = rng.uniform((200, 200), np.subtract(IMAGE_SIZE, 200), (len(who), 2))
        self._velocity[who] = rng.uniform(-40, 40, (len(who), 2))
        self._born_sec[who] = now_sec

    def seen_at(self, now_sec: float) -> list[PersonEstimate]:
        rng = self._rng
        leaving = np.flatnonzero(self._leave_sec <= now_sec)
        self._replace(leaving, now_sec)
        self._leave_sec[leaving] += STAY_SEC
        age_sec = (now_sec - self._born_sec)[:, None]
        centers = self._start + self._velocity * age_sec + rng.normal(0, 3, self._start.shape)
        noise = rng.normal(0, 0.5 / np.sqrt(self._dim), self._looks.shape)
        looks = _unit(self._looks + noise).astype(np.float32)
        boxes = np.hstack([centers - HALF_SIZE, centers + HALF_SIZE]).astype(np.float32)
        return [
            PersonEstimate(Detection(boxes[i], float(rng.uniform(0.85, 0.99))), looks[i])
            for i in np.flatnonzero(rng.random(len(boxes)) >= MISS)
        ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
