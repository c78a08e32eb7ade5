"""How many people a device takes at once: the sizes it is prepared for; batches are padded."""

from typing import NamedTuple

# Time grows with the size, so padding never takes more than a half, and a third beyond 8.
SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)
MAX_BATCH = SIZES[-1]


class Batch(NamedTuple):
    """Rows ``begin`` to ``end`` of a crowd, run with ``size`` rows."""

    begin: int
    end: int
    size: int


def batches(count: int, max_batch: int = MAX_BATCH) -> list[Batch]:
    """
    Cut a crowd into batches.

    :param count: people.
    :param max_batch: people at once; no more than ``MAX_BATCH``.
    """
    step = min(max_batch, MAX_BATCH)
    spans = [(begin, min(begin + step, count)) for begin in range(0, count, step)]
    return [Batch(begin, end, padded_size(end - begin)) for begin, end in spans]


def padded_size(count: int) -> int:
    """Least of ``SIZES`` that holds a number of people."""
    return next(size for size in SIZES if size >= count)
