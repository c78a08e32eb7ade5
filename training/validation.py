"""Answers of a network to data sets, beside their labels."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from training.batches import Tensors
from training.datasets.sample import PersonDataset, Sample

Predict = Callable[[torch.Tensor, tuple[str, ...]], dict[str, torch.Tensor]]
Arrays = dict[str, NDArray[Any]]

BATCH = 64


class _Transformed(Dataset[Tensors]):
    def __init__(self, dataset: PersonDataset, transform: Callable[[Sample], Tensors]) -> None:
        self._dataset, self._transform = dataset, transform

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Tensors:
        return self._transform(self._dataset[index])


def predict_dataset(
    predict: Predict,
    dataset: PersonDataset,
    transform: Callable[[Sample], Tensors],
    tasks: tuple[str, ...],
    device: torch.device,
    workers: int = 0,
) -> tuple[Arrays, Arrays]:
    """
    Run a network on a whole data set.

    :param predict: from uint8 crops and tasks to decoded answers.
    :param dataset: N samples.
    :param transform: to the network's input.
    :param tasks: to answer.
    :param device: to put the crops on.
    :param workers: processes that read.
    :returns: answers by task and labels by name, stacked over N, without the images.
    """
    loader = DataLoader(_Transformed(dataset, transform), batch_size=BATCH, num_workers=workers)
    answers: dict[str, list[NDArray[Any]]] = defaultdict(list)
    labels: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for batch in loader:
        with torch.inference_mode():
            outputs = predict(batch.pop('image').to(device), tasks)
        for task, output in outputs.items():
            answers[task].append(output.cpu().numpy())
        for name, values in batch.items():
            labels[name].append(values.numpy())
    return _stacked(answers), _stacked(labels)


def labels_of(dataset: PersonDataset, transform: Callable[[Sample], Tensors]) -> Arrays:
    """Stack the labels of a whole data set by name, as :func:`predict_dataset` does."""
    labels: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for index in range(len(dataset)):
        for name, value in transform(dataset[index]).items():
            if name != 'image':
                labels[name].append(value.numpy()[None])
    return _stacked(labels)


def _stacked(parts: Mapping[str, list[NDArray[Any]]]) -> Arrays:
    return {name: np.concatenate(values) for name, values in parts.items()}
