"""
Labels that a network gave instead of a person (Pfeiffer et al., section 4.1).

A folder of annotations belongs to one data set and holds, in its order, the joints and parts of
every sample as memory-mapped arrays at the size of the network that gave them.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.crops import CropParams
from training.config import DataConfig
from training.datasets.label_sets import (
    KeypointSetName,
    PartSetName,
    keypoint_labels,
    part_labels,
)
from training.datasets.registry import create_dataset
from training.datasets.sample import (
    UNLABELLED,
    VISIBLE,
    DatasetError,
    PersonDataset,
    Sample,
)

DESCRIPTION = 'annotations.json'
KEYPOINTS = 'keypoints.npy'
PARTS = 'parts.npy'


@dataclass(frozen=True)
class AnnotationDescription:
    """What a folder of annotations holds."""

    samples: int
    height: int  # of the crops, in whose pixels the joints are
    width: int
    context: float | None  # of the crops, see ``PersonDataset.context``
    keypoint_set: KeypointSetName | None = None
    part_set: PartSetName | None = None
    networks: tuple[str, ...] = ()  # model ids, to know where labels are from


class AnnotatedDataset(PersonDataset):
    """
    A data set with labels of a network for the tasks it has none of.

    :param dataset: whose samples show what the network saw: with margin 1.
    :param folder: written by ``python -m training.annotate``.
    :param min_score: joints with a lower score stay UNLABELLED.
    :raises DatasetError: for a folder that is incomplete or of another data set.
    """

    def __init__(self, dataset: PersonDataset, folder: Path, min_score: float = 0.1) -> None:
        self._dataset, self._min_score = dataset, min_score
        self.identities, self.is_query = dataset.identities, dataset.is_query
        self.context = dataset.context
        description = _read_description(folder)
        if description.samples != len(dataset):
            raise DatasetError(
                f'{folder}: annotations of {description.samples} samples, the data set has '
                f'{len(dataset)}; annotate it again'
            )
        if description.context != dataset.context:
            raise DatasetError(
                f'{folder}: annotations of {_cut(description.context)}, the data set has '
                f'{_cut(dataset.context)}; annotate it with a network of the same context'
            )
        self._description = description
        self._keypoints = self._parts = None
        labels: dict[str, Any] = {}
        if description.keypoint_set and not dataset.labels.keypoint_names:
            self._keypoints = _open(folder / KEYPOINTS)
            labels |= keypoint_labels(description.keypoint_set)
        if description.part_set and not dataset.labels.part_names:
            self._parts = _open(folder / PARTS)
            labels |= part_labels(description.part_set)
        self.labels = replace(dataset.labels, **labels)

    def __getitem__(self, index: int) -> Sample:
        """Read one person; given labels are brought to the size of its image."""
        sample = self._dataset[index]
        height, width = sample.image_rgb.shape[:2]
        seen = self._description
        if height * seen.width != width * seen.height:
            raise DatasetError(
                f'annotations are of crops of {seen.height}x{seen.width}, those of the data set '
                f'are {height}x{width}; annotate them with a network of their shape'
            )
        if self._keypoints is not None:
            keypoints = np.array(self._keypoints[index], np.float32)
            is_sure = keypoints[:, 2] >= self._min_score
            keypoints[:, 2] = np.where(is_sure, VISIBLE, UNLABELLED)
            keypoints[:, :2] *= (width / seen.width, height / seen.height)
            sample = replace(sample, keypoints=keypoints)
        if self._parts is not None:
            parts = cv2.resize(
                np.asarray(self._parts[index]), (width, height), interpolation=cv2.INTER_NEAREST
            )
            sample = replace(sample, parts=np.asarray(parts, np.uint8))
        return sample


def open_dataset(data: DataConfig, crop: CropParams, margin: float = 1.0) -> PersonDataset:
    """
    Open a data set of an experiment, with its annotations if it names some.

    :param data: of the experiment.
    :param crop: of the network.
    :param margin: that of the augmentation, see ``Sample.margin``.
    :raises DatasetError: see ``create_dataset`` and ``AnnotatedDataset``.
    """
    if data.annotations is None:
        return create_dataset(data.dataset, data.options, crop, margin)
    return AnnotatedDataset(create_dataset(data.dataset, data.options, crop), data.annotations)


def _cut(context: float | None) -> str:
    return 'pictures that are crops' if context is None else f'people cut with context {context:g}'


def _read_description(folder: Path) -> AnnotationDescription:
    path = folder / DESCRIPTION
    try:
        return AnnotationDescription(**json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise DatasetError(
            f'{path}: no such file; python -m training.annotate writes it as its last'
        ) from error
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f'{path}: not written by this version: {error}; annotate again'
        ) from error


def _open(path: Path) -> NDArray:
    try:
        return np.asarray(np.load(path, mmap_mode='r'))
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path}: cannot be read: {error}') from error
