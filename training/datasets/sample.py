"""
What every data set gives: one person, cut out, with the labels it has.

Axes: H and W of the crop, A attributes, J joints.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import AttributeSpec, Float32Array, UInt8Array

UNKNOWN = -1  # an identity, camera or attribute class without label
IGNORED_PART = 255  # a pixel without part label

VISIBLE, HIDDEN, UNLABELLED = 1.0, 0.0, -1.0  # third column of keypoints


@dataclass(frozen=True)
class Sample:
    """A person in the data set's own resolution; None where a task has no labels."""

    image_rgb: UInt8Array  # (H, W, 3)
    identity: int = UNKNOWN  # counted from 0 within the data set
    camera: int = UNKNOWN
    attributes: NDArray[np.int64] | None = None  # (A,) class of each, UNKNOWN if not labelled
    keypoints: Float32Array | None = None  # (J, 3) x, y in pixels of the crop; VISIBLE ...
    head_size: float = float('nan')  # pixels of the crop, the unit of PCKh
    parts: UInt8Array | None = None  # (H, W) class of each pixel or IGNORED_PART
    # How many times larger than the network's crop, on both sides and around the same centre: real
    # pixels for rotation and shift to bring in.
    margin: float = 1.0


@dataclass(frozen=True)
class LabelSet:
    """What the labels of a data set mean; empty where it has none."""

    attributes: tuple[AttributeSpec, ...] = ()
    keypoint_names: tuple[str, ...] = ()
    keypoint_edges: tuple[tuple[int, int], ...] = ()
    keypoint_flip: tuple[int, ...] = ()  # joint that takes the place of each in a mirror
    part_names: tuple[str, ...] = ()
    part_colors: tuple[tuple[int, int, int], ...] = ()  # RGB
    part_flip: tuple[int, ...] = ()  # class that takes the place of each in a mirror


# Fields of ``LabelSet`` by task.
FIELDS_OF_TASK = {
    'attributes': ('attributes',),
    'pose': ('keypoint_names', 'keypoint_edges', 'keypoint_flip'),
    'parts': ('part_names', 'part_colors', 'part_flip'),
}


class PersonDataset(ABC):
    """A data set with random access; reading an image happens in ``__getitem__``."""

    labels: LabelSet
    identities: NDArray[np.int64]  # (N,) person of each sample, UNKNOWN without ReID labels
    is_query: NDArray[np.bool_] | None = None  # (N,) of a test set; the others are its gallery
    # That of the crop, of data sets that cut people out of images; the others have crops.
    context: float | None = None

    @property
    def labelled_tasks(self) -> tuple[str, ...]:
        """Tasks it has labels of."""
        has_people = bool((self.identities != UNKNOWN).any())
        others = [
            task for task, (first, *_) in FIELDS_OF_TASK.items() if getattr(self.labels, first)
        ]
        return ('reid', *others) if has_people else tuple(others)

    def __len__(self) -> int:
        return len(self.identities)

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """
        Read one person.

        :raises DatasetError: for a file that is missing or cannot be read.
        """


class DatasetError(Exception):
    """A data set on disk that is not as its official layout says; one line for the user."""

    def __str__(self) -> str:
        # A DataLoader puts the traceback of its reading process before the message.
        return super().__str__().rstrip().rpartition(f'{type(self).__name__}: ')[2]
