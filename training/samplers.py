"""
Which crops make a batch.

Every batch is a function of the seed, the process and its number alone, so that a training that
is resumed sees what it would have seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Sampler

from training.datasets.sample import DatasetError


@dataclass(frozen=True)
class SampleKey:
    """A crop to read."""

    dataset: str
    row: int
    seed: int  # of its augmentation


class BatchRows(Protocol):
    """Chooses the rows of a data set that make a batch."""

    def __call__(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the rows of one batch."""
        ...


class RandomRows:
    """
    Any rows, none twice in a batch.

    :param length: of the data set.
    :param batch: rows per batch.
    :raises DatasetError: when there are fewer rows.
    """

    def __init__(self, length: int, batch: int) -> None:
        if length < batch:
            raise DatasetError(f'{length} crops; a batch needs {batch}')
        self._length, self._batch = length, batch

    def __call__(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the rows of one batch."""
        return rng.choice(self._length, self._batch, replace=False)


class IdentityRows:
    """
    P people with K crops each, as the batch-hard triplet loss needs them (Hermans et al. 2017).

    :param identities: (N,) person of each row; rows without one, below 0, are not drawn.
    :param people: P.
    :param crops: K; a person with fewer crops gives some twice.
    :raises DatasetError: when there are fewer people.
    """

    def __init__(self, identities: ArrayLike, people: int, crops: int) -> None:
        labels = np.asarray(identities)
        order = np.argsort(labels, kind='stable')
        order = order[labels[order] >= 0]
        self._rows = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
        if len(self._rows) < people:
            raise DatasetError(f'{len(self._rows)} people; a batch needs {people} of them')
        self._people, self._crops = people, crops

    def __call__(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the rows of one batch."""
        chosen = []
        for person in rng.choice(len(self._rows), self._people, replace=False):
            rows = self._rows[person]
            chosen.append(rng.choice(rows, self._crops, replace=len(rows) < self._crops))
        return np.concatenate(chosen)


class InterleavedBatches(Sampler[list[SampleKey]]):
    """
    Batches of several data sets, each of one of them, as often as they are large (section 4.2).

    All processes of a training take their batches from the same data set at the same step, and
    different crops of it.

    :param rows: of each data set, how to make a batch.
    :param sizes: of each data set, what its frequency is proportional to.
    :param batches: numbers of the batches to make.
    :param seed: of all choices.
    :param per_step: batches of one step of the optimizer; they are of one data set.
    :param process: rank of this one.
    """

    def __init__(
        self,
        rows: Mapping[str, BatchRows],
        sizes: Mapping[str, int],
        batches: range,
        seed: int,
        per_step: int = 1,
        process: int = 0,
    ) -> None:
        self._rows, self._batches, self._seed, self._process = rows, batches, seed, process
        self._per_step = per_step
        self._names: Sequence[str] = list(rows)
        shares = np.array([sizes[name] for name in self._names], np.float64)
        self._shares = shares / shares.sum()

    def __len__(self) -> int:
        return len(self._batches)

    def dataset_of(self, batch: int) -> str:
        """Name of the data set that a batch is of."""
        rng = np.random.default_rng((self._seed, 0, batch // self._per_step))
        return self._names[int(rng.choice(len(self._names), p=self._shares))]

    def __iter__(self) -> Iterator[list[SampleKey]]:
        """Yield what is to be read for each batch."""
        for batch in self._batches:
            name = self.dataset_of(batch)
            rng = np.random.default_rng((self._seed, 1, self._process, batch))
            rows = self._rows[name](rng)
            seeds = rng.integers(2**32, size=len(rows))
            yield [
                SampleKey(name, row, seed)
                for row, seed in zip(rows.tolist(), seeds.tolist(), strict=True)
            ]
