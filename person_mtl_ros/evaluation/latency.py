"""How long each stage of the pipeline takes."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# Enough for stable percentiles (over half a minute at 30 Hz), bounded for nodes that run for days.
WINDOW = 1000


class Latency:
    """
    Durations per stage, of the latest frames.

    ``with latency.stage('crop'): ...`` adds one; :meth:`summary` tells the percentiles.
    """

    def __init__(self) -> None:
        self._durations: dict[str, deque[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block; a block that raises is not counted."""
        start = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - start)

    def add(self, name: str, duration_sec: float) -> None:
        """Add a duration measured elsewhere."""
        self._durations.setdefault(name, deque(maxlen=WINDOW)).append(duration_sec)

    def summary(self) -> dict[str, dict[str, float]]:
        """
        Percentiles of each stage, in the order in which the stages first ended.

        :returns: stage -> ``count``, ``p50_sec``, ``p95_sec``, ``p99_sec`` of the latest
            ``WINDOW`` durations.
        """
        result = {}
        # Copies, because a node adds in one thread and reports in another.
        for name, durations in list(self._durations.items()):
            p50, p95, p99 = np.percentile(list(durations), [50, 95, 99])
            result[name] = {
                'count': len(durations),
                'p50_sec': float(p50),
                'p95_sec': float(p95),
                'p99_sec': float(p99),
            }
        return result
