"""Crowd Instance-level Human Parsing (Gong et al. 2018): several people, 20 part classes."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import UInt8Array
from training.datasets.label_sets import PartSetName, merge_parts, part_labels
from training.datasets.layout import find
from training.datasets.person_view import PersonView, read_image, read_label_map
from training.datasets.sample import UNKNOWN, DatasetError, LabelSet, PersonDataset, Sample

_SOURCE = 'instance-level_human_parsing.tar.gz of CIHP (https://sysu-hcp.net/lip)'
_BACKGROUND = 0


class Cihp(PersonDataset):
    """
    People of one split, each with the others as background.

    The boxes follow from ``Human_ids``, whose pixels number the people of an image. Reading them
    all takes minutes, so the boxes are kept in ``person_boxes.npz`` beside them.

    :param root: folder with ``Training`` and ``Validation``.
    :param crop: of the network.
    :param margin: see ``Sample.margin``.
    :param split: of the images.
    :param part_set: classes to give, 20 or the merged five. Class 10 is skin of the torso here
        and jumpsuits in LIP.
    :param min_height: of the box of a person in pixels; smaller ones are left out.
    :raises DatasetError: when files are missing.
    """

    def __init__(
        self,
        root: Path,
        crop: CropParams,
        margin: float = 1.0,
        split: Literal['train', 'val'] = 'train',
        part_set: PartSetName = 'lip',
        min_height: int = 50,
    ) -> None:
        name = 'Training' if split == 'train' else 'Validation'
        folder = find(root, [name, f'instance-level_human_parsing/{name}'], _SOURCE)
        self._images, self._categories, self._humans = (
            find(folder, [kind], _SOURCE) for kind in ('Images', 'Category_ids', 'Human_ids')
        )
        stems, persons, boxes = person_boxes(self._humans)
        is_tall = boxes[:, 3] - boxes[:, 1] >= min_height
        self._stems, self._persons = stems[is_tall], persons[is_tall]
        self._boxes = boxes[is_tall]
        self._crop, self._margin, self._part_set = crop, margin, part_set
        self.context = crop.context
        self.identities = np.full(len(self._stems), UNKNOWN, np.int64)
        self.labels = LabelSet(**part_labels(part_set))

    def __getitem__(self, index: int) -> Sample:
        """Read one person."""
        stem = self._stems[index]
        view = PersonView.around(self._boxes[index], self._crop, self._margin)
        categories = read_label_map(self._categories / f'{stem}.png')
        is_person = read_label_map(self._humans / f'{stem}.png') == self._persons[index]
        parts = np.where(is_person, categories, _BACKGROUND).astype(np.uint8)
        return Sample(
            image_rgb=view.image(read_image(self._images / f'{stem}.jpg')),
            parts=merge_parts(view.parts(parts), self._part_set),
            margin=self._margin,
        )


def person_boxes(
    humans: Path,
) -> tuple[NDArray[np.str_], NDArray[np.integer], NDArray[np.integer]]:
    """
    Boxes of all people of a split, from ``person_boxes.npz`` if it is there.

    :param humans: folder ``Human_ids``.
    :returns: (N,) stems of files, (N,) numbers of people in them, (N, 4) boxes xyxy.
    :raises DatasetError: when there is none.
    """
    cache = humans.parent / 'person_boxes.npz'
    paths = sorted(humans.glob('*.png'))
    if cache.exists():
        stored = np.load(cache)
        if int(stored['files']) == len(paths):
            return stored['stems'], stored['persons'], stored['boxes']
    rows = [
        (path.stem, person, box)
        for path in tqdm(paths, 'boxes of people', disable=len(paths) < 100)
        for person, box in boxes_of_labels(read_label_map(path))
    ]
    if not rows:
        raise DatasetError(f'{humans}: no people in {len(paths)} files; expected {_SOURCE}')
    stems, persons, boxes = (np.array(column) for column in zip(*rows, strict=True))
    try:
        with atomic_path(cache) as temporary, temporary.open('wb') as file:
            np.savez(file, files=len(paths), stems=stems, persons=persons, boxes=boxes)
    except OSError:
        pass  # a shared, read-only copy; it only takes longer the next time
    return stems, persons, boxes


def boxes_of_labels(labels: UInt8Array) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Box xyxy around the pixels of each number but 0 of (h, w)."""
    boxes = []
    for number in np.unique(labels[labels != 0]):
        rows, columns = np.nonzero(labels == number)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        boxes.append((int(number), tuple(int(side) for side in box)))
    return boxes  # type: ignore[return-value]
