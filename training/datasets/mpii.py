"""MPII Human Pose (Andriluka et al. 2014): people in 410 activities, 16 joints."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import Float32Array
from training.datasets.label_sets import KeypointSetName, keypoint_labels, select_keypoints
from training.datasets.layout import find
from training.datasets.person_view import PersonView, box_of_keypoints, read_image
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
from training.labels import MPII_KEYPOINTS
from training.metrics import head_sizes, head_sizes_of_joints

_SOURCE = 'mpii_human_pose_v1.tar.gz and its annotations (http://human-pose.mpi-inf.mpg.de)'
_MAT = 'mpii_human_pose_v1_u12_1.mat'
_HEAD_TOP, _UPPER_NECK = MPII_KEYPOINTS.index('head_top'), MPII_KEYPOINTS.index('upper_neck')
_SCALE_PX = 200.0  # height of a person of scale 1
# The centre given lies on the chest: moved down and enlarged, a box holds the feet as well.
_CENTER_DOWN, _ENLARGED = 15.0, 1.25


@dataclass(frozen=True)
class MpiiPerson:
    """One annotated person; coordinates are continuous pixels of the image."""

    image: str  # file name
    keypoints: Float32Array  # (16, 3)
    center_xy: NDArray[np.floating]  # (2,)
    scale: float  # height in units of 200 pixels
    head_size: float  # pixels, NaN if not labelled

    def box(self, kind: Literal['joints', 'scale']) -> NDArray[np.floating]:
        """Box of the labelled joints, or the square that centre and scale give."""
        if kind == 'joints':
            return box_of_keypoints(self.keypoints)
        center = self.center_xy + np.array((0, _CENTER_DOWN * self.scale))
        half = self.scale * _SCALE_PX * _ENLARGED / 2
        return np.concatenate((center - half, center + half))


class Mpii(PersonDataset):
    """
    People of one split, from the common JSON or the official .mat.

    The JSON (``annot/train.json`` and ``annot/valid.json``, or mmpose's names for them) has the
    split of Tompson et al. 2015; it does not tell hidden joints from visible ones. The .mat does,
    but has no validation part: it gives the well separated people of its training images.

    :param root: folder with ``images`` and the annotations.
    :param crop: of the network.
    :param margin: see ``Sample.margin``.
    :param split: of the people.
    :param annotations: which file to read.
    :param person_box: that of the joints with some context, as a detector would draw it, or the
        square of centre and scale, which does not use the labels that are measured.
    :param keypoint_set: joints to give.
    :raises DatasetError: when files are missing.
    """

    def __init__(
        self,
        root: Path,
        crop: CropParams,
        margin: float = 1.0,
        split: Literal['train', 'valid'] = 'train',
        annotations: Literal['json', 'mat'] = 'json',
        person_box: Literal['joints', 'scale'] = 'joints',
        keypoint_set: KeypointSetName = 'mpii',
    ) -> None:
        self._images = find(root, ['images'], _SOURCE)
        if annotations == 'json':
            short = 'train' if split == 'train' else 'val'
            names = [f'annot/{split}.json', f'annotations/mpii_{short}.json']
            self._people = read_mpii_json(find(root, names, _SOURCE))
        elif split == 'valid':
            raise DatasetError(f'{root}: {_MAT} has no validation part; use annotations: json')
        else:
            mat = find(root, [_MAT, f'mpii_human_pose_v1_u12_2/{_MAT}'], _SOURCE)
            self._people = read_mpii_mat(mat)
        self._crop, self._margin, self._person_box = crop, margin, person_box
        self.context = crop.context
        self.identities = np.full(len(self._people), UNKNOWN, np.int64)
        self.labels = LabelSet(**keypoint_labels(keypoint_set))

    def __getitem__(self, index: int) -> Sample:
        """Read one person."""
        person = self._people[index]
        view = PersonView.around(person.box(self._person_box), self._crop, self._margin)
        keypoints = select_keypoints(person.keypoints, MPII_KEYPOINTS, self.labels.keypoint_names)
        return Sample(
            image_rgb=view.image(read_image(self._images / person.image)),
            keypoints=view.keypoints(keypoints),
            head_size=person.head_size * view.scale,
            margin=self._margin,
        )


def read_mpii_json(path: Path) -> list[MpiiPerson]:
    """
    Read the list of people with ``image``, ``joints``, ``joints_vis``, ``center`` and ``scale``.

    :returns: those with a labelled joint.
    :raises DatasetError: for another file.
    """
    people = []
    try:
        for row in json.loads(path.read_text()):
            is_labelled = np.array(row['joints_vis']) > 0
            points = _continuous(np.array(row['joints'], np.float64))
            states = np.where(is_labelled, VISIBLE, UNLABELLED)
            keypoints = np.column_stack((points, states)).astype(np.float32)
            if not is_labelled.any():
                continue
            head = (points[_HEAD_TOP], points[_UPPER_NECK])
            has_head = is_labelled[[_HEAD_TOP, _UPPER_NECK]].all()
            size = float(head_sizes_of_joints(*head)) if has_head else float('nan')
            center = _continuous(np.array(row['center'], np.float64))
            people.append(MpiiPerson(row['image'], keypoints, center, float(row['scale']), size))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DatasetError(
            f'{path}: {error!r}; expected a JSON list of people with image, joints, joints_vis, '
            'center and scale'
        ) from error
    return people


def read_mpii_mat(path: Path) -> list[MpiiPerson]:
    """
    Read the well separated people of the training images of ``mpii_human_pose_v1_u12_1.mat``.

    :raises DatasetError: for another file.
    """
    try:
        release = loadmat(path, squeeze_me=True, struct_as_record=False)['RELEASE']
        rows = zip(
            np.atleast_1d(release.annolist),
            np.atleast_1d(release.img_train),
            np.atleast_1d(release.single_person),
            strict=True,
        )
        return [
            _mat_person(entry.image.name, np.atleast_1d(entry.annorect)[number - 1])
            for entry, is_train, separated in rows
            if is_train
            for number in np.atleast_1d(separated).astype(int).ravel()
            if _points(np.atleast_1d(entry.annorect)[number - 1])
        ]
    except (
        OSError,
        KeyError,
        AttributeError,
        TypeError,
        IndexError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise DatasetError(f'{path}: {" ".join(str(error).split())}; expected {_MAT}') from error


def _points(person: Any) -> list[Any]:
    points = getattr(getattr(person, 'annopoints', None), 'point', None)
    return [] if points is None else list(np.atleast_1d(points))


def _mat_person(image: str, person: Any) -> MpiiPerson:
    keypoints = np.zeros((len(MPII_KEYPOINTS), 3), np.float32)
    keypoints[:, 2] = UNLABELLED
    for point in _points(person):
        # Empty for head top and upper neck, which come from the head box.
        is_visible = getattr(point, 'is_visible', 1)
        is_hidden = np.size(is_visible) == 1 and int(is_visible) == 0
        xy = _continuous(np.array((point.x, point.y), np.float64))
        keypoints[int(point.id)] = (*xy, HIDDEN if is_hidden else VISIBLE)
    head_box = np.array([[person.x1, person.y1, person.x2, person.y2]], np.float64)
    center = _continuous(np.array((person.objpos.x, person.objpos.y), np.float64))
    return MpiiPerson(
        str(image), keypoints, center, float(person.scale), float(head_sizes(head_box)[0])
    )


def _continuous(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Numbers of pixels, which Matlab counts from 1, to the places of their centres."""
    return points - 0.5
