"""
Labelled real people in a folder of small samples of public data sets.

    reid/NAME/query, reid/NAME/bounding_box_test       as in Market-1501
    attributes/market1501/market_attribute.mat         or .csv with the same columns and pid
    metrics/reid_NAME/distances.npz                    optional, of colour histograms
    pose/mpii*/*.json                                  list of people as in MPII's common JSON
    pose/*/*.json                                      in COCO's format
    parsing/NAME/images, parsing/NAME/labels           as in CIHP, without Human_ids

Images of poses lie beside their JSON. Whatever is not there is left out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, UInt8Array
from training.datasets.coco import read_coco_people
from training.datasets.label_sets import select_keypoints
from training.datasets.market1501 import Market1501
from training.datasets.mpii import read_mpii_json
from training.datasets.person_view import read_image, read_label_map
from training.datasets.sample import UNLABELLED, DatasetError
from training.labels import MPII_KEYPOINTS

# Joints that most sets share with MPII, under the same names.
LIMBS = tuple(
    f'{side}_{joint}'
    for side in ('left', 'right')
    for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
)
_MIN_LIMBS = 9  # of the 12; people cut off by the image have no box to go by


@dataclass(frozen=True)
class PosePerson:
    """A person with joints."""

    image: Path
    box_xyxy: NDArray[np.floating]  # (4,)
    keypoints: Float32Array  # (J, 3) in pixels of the image
    head_size: float  # pixels, NaN if not labelled
    area: float  # square pixels, the unit of OKS


@dataclass(frozen=True)
class PartPerson:
    """A person with body parts."""

    image_bgr: UInt8Array
    box_xyxy: NDArray[np.int64]  # (4,)
    labels: UInt8Array  # (h, w) LIP classes of the pixels in the box


def retrieval_folders(folder: Path) -> list[Path]:
    """Find the ReID sets."""
    roots = [query.parent for query in sorted(folder.glob('reid/*/query'))]
    return [root for root in roots if (root / 'bounding_box_test').is_dir()]


def attribute_file(folder: Path) -> Path | None:
    """Find the table of attributes, that of all people first."""
    tables = folder / 'attributes/market1501'
    candidates = [tables / 'market_attribute.mat', *sorted(tables.glob('*.csv'))]
    return next((path for path in candidates if path.exists()), None)


def stored_distances(folder: Path, name: str, data: Market1501) -> NDArray[np.floating] | None:
    """
    Distances of colour histograms that came with a ReID set.

    :param folder: of all samples.
    :param name: of the folder of the set.
    :param data: the set.
    :returns: (Q, G) in the order of ``data``; None without a file of all its images.
    """
    path = folder / 'metrics' / f'reid_{name}' / 'distances.npz'
    if not path.exists() or data.is_query is None:
        return None
    stored = np.load(path)
    rows, columns = (
        {str(file): index for index, file in enumerate(stored[key])}
        for key in ('q_files', 'g_files')
    )
    names = np.array([file.name for file in data.paths])
    queries, gallery = names[data.is_query], names[~data.is_query]
    if not (set(queries) <= set(rows) and set(gallery) <= set(columns)):
        return None
    distances = stored['distmat'][[rows[name] for name in queries]]
    return np.asarray(distances[:, [columns[name] for name in gallery]])


def read_poses(path: Path) -> tuple[tuple[str, ...], list[PosePerson]]:
    """
    Read one set of poses.

    Of COCO-like sets, which have other joints at the head, the people who show most of their
    ``LIMBS`` are taken, with these alone.

    :param path: JSON beside its images.
    :returns: names of the joints and people whose image is there; nobody for other JSON files.
    :raises DatasetError: for a file that cannot be read.
    """
    names: tuple[str, ...] = LIMBS
    people: list[PosePerson] = []
    kind = _kind_of(path)
    if kind == 'mpii':
        names, people = MPII_KEYPOINTS, _mpii_people(path)
    elif kind == 'coco':
        people = _coco_people(path)
    return names, [person for person in people if person.image.exists()]


def read_parts(labels: Path) -> list[PartPerson]:
    """
    Read one set of part labels whose images are there; see ``separate_people``.

    :param labels: folder of PNGs beside the folder ``images``.
    :raises DatasetError: for a file that cannot be read.
    """
    images = labels.parent / 'images'
    return [
        person
        for path in sorted(labels.glob('*.png'))
        for image in [images / f'{path.stem}.jpg']
        if image.exists()
        for person in separate_people(read_image(image), read_label_map(path))
    ]


def separate_people(image_bgr: UInt8Array, labels: UInt8Array) -> Iterator[PartPerson]:
    """
    Find people who stand apart, where labels do not tell one person from another.

    :param image_bgr: (h, w, 3).
    :param labels: (h, w) LIP classes.
    """
    _, _, regions, _ = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8))
    for x, y, width, height, area in regions[1:]:
        is_speck, is_group = area < 0.05 * labels.size, width > height
        if not is_speck and not is_group:
            box = np.array([x, y, x + width, y + height], np.int64)
            yield PartPerson(image_bgr, box, labels[y : y + height, x : x + width])


def _kind_of(path: Path) -> str:
    try:
        data = json.loads(path.read_text())
    except ValueError as error:
        raise DatasetError(f'{path}: not JSON: {error}') from error
    if isinstance(data, list):
        return 'mpii' if data and 'joints_vis' in data[0] else ''
    categories = data.get('categories') or [{}]
    return 'coco' if 'annotations' in data and 'keypoints' in categories[0] else ''


def _mpii_people(path: Path) -> list[PosePerson]:
    return [
        PosePerson(
            path.parent / person.image, person.box('joints'), person.keypoints, person.head_size, 0
        )
        for person in read_mpii_json(path)
    ]


def _coco_people(path: Path) -> list[PosePerson]:
    names, people = read_coco_people(path, min_keypoints=1)
    found = []
    for person in people:
        limbs = select_keypoints(person.keypoints, names, LIMBS)
        if (limbs[:, 2] != UNLABELLED).sum() >= _MIN_LIMBS:
            image = path.parent / person.image
            found.append(PosePerson(image, person.box_xyxy, limbs, float('nan'), person.area))
    return found
