"""COCO keypoints (Lin et al. 2014): people with 17 joints."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO

from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import Float32Array
from training.datasets.label_sets import KeypointSetName, keypoint_labels, select_keypoints
from training.datasets.layout import find
from training.datasets.person_view import PersonView, read_image
from training.datasets.sample import (
    HIDDEN,
    UNKNOWN,
    UNLABELLED,
    VISIBLE,
    DatasetError,
    LabelSet,
    PersonDataset,
    Sample,
)

_SOURCE = 'annotations_trainval2017.zip and the images (https://cocodataset.org/#download)'
_STATES = np.array([UNLABELLED, HIDDEN, VISIBLE], np.float32)  # of COCO's 0, 1 and 2
_NAMES = {'head_bottom': 'upper_neck'}  # of PoseTrack, which has MPII's joint


@dataclass(frozen=True)
class CocoPerson:
    """One annotated person; coordinates are continuous pixels of the image."""

    image: str  # file name
    box_xyxy: Float32Array  # (4,)
    keypoints: Float32Array  # (J, 3)
    area: float  # square pixels, the unit of OKS


class CocoKeypoints(PersonDataset):
    """
    People of one split, crowds left out.

    :param root: folder with ``annotations/person_keypoints_SPLIT.json`` and a folder of images,
        named as the split.
    :param crop: of the network.
    :param margin: see ``Sample.margin``.
    :param split: such as ``train2017``.
    :param min_keypoints: labelled joints a person must have.
    :param keypoint_set: joints to give; with MPII's, the head and trunk are UNLABELLED.
    :raises DatasetError: when files are missing.
    """

    def __init__(
        self,
        root: Path,
        crop: CropParams,
        margin: float = 1.0,
        split: str = 'train2017',
        min_keypoints: int = 1,
        keypoint_set: KeypointSetName = 'mpii',
    ) -> None:
        annotations = find(root, [f'annotations/person_keypoints_{split}.json'], _SOURCE)
        self._images = find(root, [split, f'images/{split}'], _SOURCE)
        self._names, self._people = read_coco_people(annotations, min_keypoints)
        self._crop, self._margin = crop, margin
        self.context = crop.context
        self.identities = np.full(len(self._people), UNKNOWN, np.int64)
        self.labels = LabelSet(**keypoint_labels(keypoint_set))

    def __getitem__(self, index: int) -> Sample:
        """Read one person."""
        person = self._people[index]
        view = PersonView.around(person.box_xyxy, self._crop, self._margin)
        keypoints = select_keypoints(person.keypoints, self._names, self.labels.keypoint_names)
        return Sample(
            image_rgb=view.image(read_image(self._images / person.image)),
            keypoints=view.keypoints(keypoints),
            margin=self._margin,
        )


def read_coco_people(path: Path, min_keypoints: int) -> tuple[tuple[str, ...], list[CocoPerson]]:
    """
    Read a keypoint file in COCO's format, PoseTrack's among others.

    :param path: JSON.
    :param min_keypoints: labelled joints a person must have.
    :returns: names of the joints and people.
    :raises DatasetError: for another file.
    """
    try:
        with redirect_stdout(io.StringIO()):  # it reports its progress
            data = COCO(str(path))
        written = data.dataset['categories'][0]['keypoints']
        names = tuple(_NAMES.get(name, name.lower().replace(' ', '_')) for name in written)
        people = [
            _person(data.imgs[row['image_id']]['file_name'], row)
            for row in data.anns.values()
            if not row.get('iscrowd')
            and sum(v > 0 for v in row['keypoints'][2::3]) >= min_keypoints
        ]
    except (OSError, KeyError, IndexError, ValueError, AssertionError) as error:
        raise DatasetError(f'{path}: {error!r}; expected a keypoint file of COCO') from error
    return names, people


def _person(image: str, row: dict) -> CocoPerson:
    keypoints = np.array(row['keypoints'], np.float32).reshape(-1, 3)
    states = _STATES[keypoints[:, 2].astype(int)]
    x, y, width, height = row['bbox']
    return CocoPerson(
        image=image,
        box_xyxy=np.array([x, y, x + width, y + height], np.float32),
        # They are numbers of pixels, counted from 0; a pixel's centre is half a pixel further.
        keypoints=np.column_stack((keypoints[:, :2] + 0.5, states)).astype(np.float32),
        area=float(row.get('area', 0.53 * width * height)),
    )
