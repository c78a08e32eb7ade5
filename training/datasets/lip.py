"""Look Into Person (Liang et al. 2018), single person: 16 joints and 20 part classes."""

import csv
from pathlib import Path
from typing import Literal

import numpy as np

from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import Float32Array
from training.datasets.label_sets import (
    KeypointSetName,
    PartSetName,
    keypoint_labels,
    merge_parts,
    part_labels,
    select_keypoints,
)
from training.datasets.layout import find
from training.datasets.person_view import PersonView, read_image, read_label_map
from training.datasets.sample import (
    UNKNOWN,
    UNLABELLED,
    DatasetError,
    LabelSet,
    PersonDataset,
    Sample,
)
from training.labels import MPII_KEYPOINTS

_SOURCE = 'the single-person part of LIP (https://sysu-hcp.net/lip)'
_HEAD_TOP, _UPPER_NECK = MPII_KEYPOINTS.index('head_top'), MPII_KEYPOINTS.index('upper_neck')


class Lip(PersonDataset):
    """
    Images of one person each.

    :param root: folder with ``TrainVal_images``, ``TrainVal_parsing_annotations`` and
        ``TrainVal_pose_annotations``.
    :param crop: of the network; the images here are as a detector and cropper would give them.
    :param split: of the images.
    :param part_set: classes to give, 20 or the merged five.
    :param keypoint_set: joints to give.
    :raises DatasetError: when files are missing.
    """

    def __init__(
        self,
        root: Path,
        crop: CropParams,
        split: Literal['train', 'val'] = 'train',
        part_set: PartSetName = 'lip',
        keypoint_set: KeypointSetName = 'mpii',
    ) -> None:
        # The archives hold a folder of their own name, which unpacking may double.
        images, parsing = 'TrainVal_images', 'TrainVal_parsing_annotations'
        self._images = _folder(root, images, f'{split}_images')
        self._parts = _folder(root, parsing, f'{split}_segmentations')
        table = _folder(root, 'TrainVal_pose_annotations', f'lip_{split}_set.csv')
        self._names, self._keypoints = read_lip_poses(table)
        self._crop, self._part_set = crop, part_set
        self.identities = np.full(len(self._names), UNKNOWN, np.int64)
        self.labels = LabelSet(**keypoint_labels(keypoint_set), **part_labels(part_set))

    def __getitem__(self, index: int) -> Sample:
        """Read one person."""
        name, keypoints = self._names[index], self._keypoints[index]
        image = read_image(self._images / name)
        parts = read_label_map(self._parts / f'{Path(name).stem}.png')
        if parts.shape != image.shape[:2]:
            raise DatasetError(
                f'{name}: part labels of {parts.shape} for an image of {image.shape[:2]} pixels'
            )
        view = PersonView.of_whole(image.shape[:2], self._crop)
        selected = select_keypoints(keypoints, MPII_KEYPOINTS, self.labels.keypoint_names)
        return Sample(
            image_rgb=view.image(image),
            keypoints=view.keypoints(selected),
            head_size=_head_size(keypoints) * view.scale,
            parts=merge_parts(view.parts(parts), self._part_set),
        )


def read_lip_poses(path: Path) -> tuple[list[str], list[Float32Array]]:
    """
    Read ``lip_*_set.csv``: image, then x, y, visible of each joint in the order of MPII.

    :returns: names of images and, of each, (16, 3) joints; 'nan' is UNLABELLED.
    :raises DatasetError: for another file.
    """
    names, keypoints = [], []
    with path.open(newline='') as file:
        rows_of_file = (row for row in csv.reader(file) if row)
        for number, (name, *values) in enumerate(rows_of_file, 1):
            try:
                rows = np.array(values, np.float32).reshape(len(MPII_KEYPOINTS), 3)
            except ValueError as error:
                raise DatasetError(
                    f'{path}:{number}: {len(values)} values ({error}); expected x, y, visible of '
                    '16 joints'
                ) from error
            is_missing = np.isnan(rows).any(axis=1)
            rows[is_missing] = (0, 0, UNLABELLED)
            names.append(name)
            keypoints.append(rows)
    return names, keypoints


def _folder(root: Path, archive: str, name: str) -> Path:
    return find(root, [f'{archive}/{name}', f'{archive}/{archive}/{name}'], _SOURCE)


def _head_size(keypoints: Float32Array) -> float:
    """Length of the head, the unit of LIP's own PCKh."""
    head = keypoints[[_HEAD_TOP, _UPPER_NECK]]
    if (head[:, 2] == UNLABELLED).any():
        return float('nan')
    return float(np.linalg.norm(head[0, :2] - head[1, :2]))
