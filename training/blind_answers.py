"""
Answers that ignore the picture, to compare a network with: the mean pose and a template of parts.

They are statistics of rendered people, never of those that are measured:

    python -m training.synthetic.crops --domain all --identities 500 --views 4 --size 128x64 \
        --out CROPS
    python -m training.blind_answers CROPS

writes ``blind_answers.json`` beside this file.
"""

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.structures import Float32Array, UInt8Array
from training.datasets.label_sets import merge_parts
from training.datasets.rendered import RenderedDataset
from training.datasets.sample import IGNORED_PART, UNLABELLED, DatasetError, PersonDataset
from training.labels import FIVE_PARTS, LIP_PARTS

SHIPPED = Path(__file__).with_suffix('.json')
TEMPLATE_HW = (64, 32)


@dataclass(frozen=True)
class BlindAnswers:
    """The same answer for everybody, in the network's crop of any size."""

    people: int  # crops they are of
    keypoint_names: tuple[str, ...]
    mean_pose: tuple[tuple[float, float], ...]  # (J, 2) x, y in widths and heights of the crop
    template: tuple[tuple[int, ...], ...]  # commonest of FIVE_PARTS at each place of a crop

    def pose(self, names: tuple[str, ...], size_hw: tuple[int, int]) -> Float32Array:
        """Give (J, 2) the mean pose of the named joints in pixels of a crop; NaN if unknown."""
        mean = dict(zip(self.keypoint_names, self.mean_pose, strict=True))
        unknown = (float('nan'), float('nan'))
        pose = np.array([mean.get(name, unknown) for name in names], np.float32)
        return np.asarray(pose * np.array(size_hw[::-1], np.float32))

    def parts(self, size_hw: tuple[int, int]) -> UInt8Array:
        """Give (H, W) the template in FIVE_PARTS."""
        template = np.array(self.template, np.uint8)
        resized = cv2.resize(template, size_hw[::-1], interpolation=cv2.INTER_NEAREST)
        return np.asarray(resized, np.uint8)


def blind_answers(dataset: PersonDataset) -> BlindAnswers:
    """
    Average over a data set with labelled joints and parts of LIP.

    :param dataset: of whole crops, without margin.
    """
    names = dataset.labels.keypoint_names
    sums, counts = np.zeros((len(names), 2)), np.zeros(len(names))
    votes = np.zeros((len(FIVE_PARTS), *TEMPLATE_HW), np.int64)
    for index in tqdm(range(len(dataset)), 'people'):
        sample = dataset[index]
        height, width = sample.image_rgb.shape[:2]
        if sample.keypoints is not None:
            is_labelled = sample.keypoints[:, 2] != UNLABELLED
            sums += (sample.keypoints[:, :2] / (width, height)) * is_labelled[:, None]
            counts += is_labelled
        if sample.parts is not None:
            votes += _votes(sample.parts, dataset.labels.part_names == LIP_PARTS)
    return BlindAnswers(
        people=len(dataset),
        keypoint_names=names,
        mean_pose=tuple((round(x, 4), round(y, 4)) for x, y in sums / counts[:, None]),
        template=tuple(tuple(row) for row in votes.argmax(axis=0).tolist()),
    )


def _votes(parts: UInt8Array, is_lip: bool) -> NDArray[np.bool_]:
    merged = merge_parts(parts, 'five') if is_lip else parts
    small = cv2.resize(merged, TEMPLATE_HW[::-1], interpolation=cv2.INTER_NEAREST)
    is_labelled = np.asarray(small) != IGNORED_PART
    return (np.asarray(small) == np.arange(len(FIVE_PARTS))[:, None, None]) & is_labelled


def load_blind_answers(path: Path = SHIPPED) -> BlindAnswers:
    """Read what the command wrote."""
    values = json.loads(path.read_text())
    return BlindAnswers(
        people=values['people'],
        keypoint_names=tuple(values['keypoint_names']),
        mean_pose=tuple((x, y) for x, y in values['mean_pose']),
        template=tuple(tuple(row) for row in values['template']),
    )


def save_blind_answers(answers: BlindAnswers, path: Path) -> None:
    """Write a file that ``load_blind_answers`` reads."""
    text = json.dumps(asdict(answers), indent=1)
    rows = re.sub(r'\[[^\[\]]*\]', lambda innermost: ' '.join(innermost[0].split()), text)
    with atomic_path(path) as temporary:
        temporary.write_text(rows + '\n')


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Average poses and parts of rendered people.')
    parser.add_argument('crops', type=Path, help='folder of training.synthetic.crops')
    parser.add_argument('--out', type=Path, default=SHIPPED)
    args = parser.parse_args()
    try:
        save_blind_answers(blind_answers(RenderedDataset(args.crops)), args.out)
    except (DatasetError, OSError) as error:
        print(f'blind_answers: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
