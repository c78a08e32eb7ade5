"""Which crops make a batch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from torch.utils.data import Sampler


class IdentitySampler(Sampler[list[tuple[int, int]]]):
    """
    Batches of P people with K crops each, as the batch-hard triplet loss needs them.

    Every batch is a function of the seed and its number alone, so that a training that is resumed
    sees what it would have seen.

    :param identities: (N,) person of each crop.
    :param people: P.
    :param crops: K; a person with fewer crops gives some twice.
    :param seed: of the choice.
    :param steps: numbers of the batches to make.
    """

    def __init__(
        self, identities: ArrayLike, people: int, crops: int, seed: int, steps: range
    ) -> None:
        labels = np.asarray(identities)
        order = np.argsort(labels, kind='stable')
        starts = np.flatnonzero(np.diff(labels[order])) + 1
        self._rows = np.split(order, starts)
        if len(self._rows) < people:
            raise ValueError(f'{len(self._rows)} people; a batch needs {people} of them')
        self._people, self._crops, self._seed, self._steps = people, crops, seed, steps

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        """Yield lists of (row of the data set, seed of its augmentation)."""
        for step in self._steps:
            rng = np.random.default_rng((self._seed, step))
            batch: list[tuple[int, int]] = []
            for person in rng.choice(len(self._rows), self._people, replace=False):
                rows = self._rows[person]
                chosen = rng.choice(rows, self._crops, replace=len(rows) < self._crops)
                seeds = rng.integers(2**32, size=self._crops)
                batch += zip(chosen.tolist(), seeds.tolist(), strict=True)
            yield batch
