"""A few labelled real people, to measure on; see ``measure_demo``."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import AttributeSpec, Float32Array, UInt8Array
from training.labels import LIP_TO_5_PARTS, MARKET_ATTRIBUTES

# Joints that COCO-like sets share with MPII, under the same names.
LIMBS = tuple(
    f'{side}_{joint}'
    for side in ('left', 'right')
    for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
)
COCO_LIKE = {
    'pose/coco': 'test_coco.json',
    'pose/ochuman': 'test_ochuman.json',
    'pose/posetrack18': 'test_posetrack18_val.json',
}


@dataclass(frozen=True)
class RetrievalSample:
    """Crops of Market-1501, queries first."""

    images_bgr: list[UInt8Array]
    identities: NDArray[np.int64]  # (Q + G,)
    cameras: NDArray[np.int64]  # (Q + G,)
    attributes: NDArray[np.int64]  # (Q + G, 12) classes of MARKET_ATTRIBUTES, -1 unknown
    queries: int  # Q
    histogram_distances: NDArray[np.float32]  # (Q, G) of colour histograms, to compare with


@dataclass(frozen=True)
class PoseSample:
    """A person with joints."""

    image_bgr: UInt8Array
    box_xyxy: Float32Array  # (4,)
    keypoints: Float32Array  # (J, 3) x, y in the image, > 0 if labelled


@dataclass(frozen=True)
class PartSample:
    """A person with body parts."""

    image_bgr: UInt8Array
    box_xyxy: NDArray[np.int64]  # (4,)
    labels: UInt8Array  # (h, w) five parts, of the pixels in the box


def market_sample(folder: Path) -> RetrievalSample:
    """Read the small part of Market-1501 with its attributes."""
    reference = np.load(folder / 'metrics/reid_mini_market1501/distances.npz')
    images = folder / 'reid/mini_market1501'
    paths = [images / 'query' / str(name) for name in reference['q_files']]
    paths += [images / 'bounding_box_test' / str(name) for name in reference['g_files']]
    identities = np.concatenate((reference['q_pids'], reference['g_pids']))
    table = _market_attributes(folder / 'attributes/market1501/mini_market1501_test_pids.csv')
    return RetrievalSample(
        images_bgr=[_read(path) for path in paths],
        identities=identities,
        cameras=np.concatenate((reference['q_camids'], reference['g_camids'])),
        attributes=np.stack([table[int(identity)] for identity in identities]),
        queries=len(reference['q_pids']),
        histogram_distances=reference['distmat'],
    )


def mpii_samples(folder: Path) -> Iterator[PoseSample]:
    """Read people of MPII; their box is that of their joints with a tenth around."""
    for person in json.loads((folder / 'pose/mpii/test_mpii.json').read_text()):
        joints = np.array(person['joints'], np.float32)
        visible = np.array(person['joints_vis'], np.float32)
        labelled = joints[visible > 0]
        low, high = labelled.min(axis=0), labelled.max(axis=0)
        margin = 0.1 * (high - low).max()
        yield PoseSample(
            _read(folder / 'pose/mpii' / person['image']),
            np.concatenate((low - margin, high + margin)),
            np.column_stack((joints, visible)),
        )


def coco_samples(folder: Path) -> Iterator[PoseSample]:
    """Read people of COCO-like sets who show most of their limbs, with the joints ``LIMBS``."""
    for place, name in COCO_LIKE.items():
        data = json.loads((folder / place / name).read_text())
        names = data['categories'][0]['keypoints']
        limbs = [names.index(limb) for limb in LIMBS]
        files = {image['id']: image['file_name'] for image in data['images']}
        for person in data['annotations']:
            keypoints = np.array(person['keypoints'], np.float32).reshape(-1, 3)[limbs]
            if (keypoints[:, 2] > 0).sum() < 9:
                continue
            x, y, width, height = person['bbox']
            yield PoseSample(
                _read(folder / place / files[person['image_id']]),
                np.array([x, y, x + width, y + height], np.float32),
                keypoints,
            )


def cihp_samples(folder: Path) -> Iterator[PartSample]:
    """Read people of CIHP who stand apart: the labels do not tell one person from another."""
    for path in sorted((folder / 'parsing/cihp/labels').glob('*.png')):
        full = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        labels = np.asarray(LIP_TO_5_PARTS, np.uint8)[full]
        image = _read(folder / 'parsing/cihp/images' / f'{path.stem}.jpg')
        _, _, regions, _ = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8))
        for x, y, width, height, area in regions[1:]:
            is_speck, is_group = area < 0.05 * labels.size, width > height
            if is_speck or is_group:
                continue
            box = np.array([x, y, x + width, y + height], np.int64)
            yield PartSample(image, box, labels[y : y + height, x : x + width])


def _read(path: Path) -> UInt8Array:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f'{path}: no such image')
    return np.asarray(image, np.uint8)


# Columns of the table, whose values count from 1; each colour has a yes/no column of its own.
_COLUMNS = {'sleeve': 'up', 'lower_length': 'down', 'lower_type': 'clothes'}
_COLOR_PREFIXES = {'upper_color': 'up', 'lower_color': 'down'}


def _market_attributes(path: Path) -> dict[int, NDArray[np.int64]]:
    with path.open(newline='') as file:
        return {
            int(row['pid']): np.array([_class_of(spec, row) for spec in MARKET_ATTRIBUTES])
            for row in csv.DictReader(file)
        }


def _class_of(spec: AttributeSpec, row: dict[str, str]) -> int:
    if spec.name not in _COLOR_PREFIXES:
        return int(row[_COLUMNS.get(spec.name, spec.name)]) - 1
    prefix = _COLOR_PREFIXES[spec.name]
    worn = [index for index, name in enumerate(spec.classes) if row[prefix + name] == '2']
    return worn[0] if len(worn) == 1 else -1
