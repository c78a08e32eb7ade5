"""From data sets on disk to batches of tensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from training.config import ExperimentConfig, TrainingDataConfig
from training.datasets.sample import DatasetError, PersonDataset, Sample
from training.samplers import (
    BatchRows,
    IdentityRows,
    InterleavedBatches,
    RandomRows,
    SampleKey,
)

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """Crops of one data set."""

    dataset: str
    rows: list[int]
    tensors: Tensors


class KeyedSamples(Dataset[tuple[SampleKey, Tensors]]):
    """
    Samples of several data sets, read by ``SampleKey``.

    :param datasets: by name.
    :param transforms: of each, from a sample and a seed to tensors.
    """

    def __init__(
        self,
        datasets: Mapping[str, PersonDataset],
        transforms: Mapping[str, Callable[[Sample, int], Tensors]],
    ) -> None:
        self._datasets, self._transforms = datasets, transforms

    def __getitem__(self, key: SampleKey) -> tuple[SampleKey, Tensors]:
        """Read and transform one sample."""
        sample = self._datasets[key.dataset][key.row]
        return key, self._transforms[key.dataset](sample, key.seed)


def training_loader(
    config: ExperimentConfig,
    datasets: Mapping[str, PersonDataset],
    transforms: Mapping[str, Callable[[Sample, int], Tensors]],
    steps: range,
    process: int = 0,
) -> DataLoader[Any]:
    """
    Give the batches of some steps of a training.

    :param config: the experiment.
    :param datasets: those of ``config.train``.
    :param transforms: of each of them.
    :param steps: numbers of the steps.
    :param process: rank of this process.
    :raises DatasetError: naming the data set that is too small for a batch.
    """
    rows: dict[str, BatchRows] = {}
    for name, data in config.train.items():
        try:
            rows[name] = _batch_rows(data, datasets[name])
        except DatasetError as error:
            raise DatasetError(f"data set '{name}' has {error}") from error
    per_step = config.optimization.accumulate
    sampler = InterleavedBatches(
        rows,
        sizes={name: len(dataset) for name, dataset in datasets.items()},
        batches=range(steps.start * per_step, steps.stop * per_step),
        seed=config.seed,
        per_step=per_step,
        process=process,
    )
    return DataLoader(
        KeyedSamples(datasets, transforms),
        batch_sampler=sampler,
        collate_fn=_collate,
        num_workers=config.workers,
        worker_init_fn=_use_one_core,
        pin_memory=torch.cuda.is_available(),
    )


def _batch_rows(data: TrainingDataConfig, dataset: PersonDataset) -> BatchRows:
    if data.crops_per_person:
        people = data.batch // data.crops_per_person
        return IdentityRows(dataset.identities, people, data.crops_per_person)
    return RandomRows(len(dataset), data.batch)


def _collate(items: list[tuple[SampleKey, Tensors]]) -> Batch:
    keys, tensors = zip(*items, strict=True)
    return Batch(keys[0].dataset, [key.row for key in keys], default_collate(list(tensors)))


def _use_one_core(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
