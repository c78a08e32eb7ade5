"""
Measure a network on real people it was not trained on.

    python -m training.zero_shot FOLDER --json FILE [--weights NETWORK.safetensors]

FOLDER holds small samples of public data sets as ``training.real_samples`` describes; what is not
there is named and left out. Beside each figure stand answers that take no network: distances of
colour histograms, the commonest class of the very people that are measured, the mean pose and a
template of parts of rendered people, and all background. Measures are those of
``training.evaluation``; where no head is labelled, joints count as found within a tenth of the
height of the crop (``PCK``).
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.backends import BackendError, create_backend
from person_mtl_ros.checkpoint import (
    Checkpoint,
    CheckpointError,
    default_checkpoint,
    load_checkpoint,
)
from training.blind_answers import load_blind_answers
from training.datasets.market1501 import Market1501
from training.datasets.sample import DatasetError
from training.evaluation import without_nan
from training.labels import FIVE_PARTS, LIP_PARTS, MARKET_ATTRIBUTES
from training.real_samples import (
    LIMBS,
    PosePerson,
    attribute_file,
    read_parts,
    read_poses,
    retrieval_folders,
    stored_distances,
)
from training.zero_shot_measurement import Result, ZeroShotMeasurement

# Measures in the table; all are in the JSON.
SHOWN = {
    'reid': ('mAP', 'rank1'),
    'attributes': ('accuracy', 'mA'),
    'pose': ('PCKh', 'PCK', 'OKS-AP'),
    'parts': ('mIoU_5', 'mIoU'),
}
EXPECTED = {
    'reid': 'reid/*/query beside bounding_box_test',
    'attributes': 'reid/* with attributes/market1501',
    'pose': 'pose/*/*.json with its images',
    'parts': 'parsing/*/labels with images and people who stand apart',
}
TOGETHER = 'pose, all with limbs only'

Results = dict[str, dict[str, Result]]  # data set -> task -> result


class ZeroShot:
    """
    Runs through a folder; what cannot be measured becomes a line of ``missing``.

    :param folder: of real samples.
    :param checkpoint: of the network.
    :param device: see ``create_backend``.
    """

    def __init__(self, folder: Path, checkpoint: Checkpoint, device: str) -> None:
        info = checkpoint.info
        self._folder, self._info = folder, info
        self.results: Results = {}
        self.missing: list[str] = []
        usable = {
            'reid': info.embedding_dim > 0,
            'attributes': info.attributes == MARKET_ATTRIBUTES,
            'pose': set(LIMBS) <= set(info.keypoint_names),
            'parts': info.part_names in (LIP_PARTS, FIVE_PARTS),
        }
        self._tasks = [task for task in SHOWN if usable[task]]
        for task in SHOWN:
            if not usable[task]:
                self.missing.append(
                    f'{task}: the network has no head for the labels of these data'
                )
        backend = create_backend('torch', checkpoint, device, self._tasks)
        self._measurement = ZeroShotMeasurement(backend, info, load_blind_answers())

    def run(self) -> None:
        """Fill ``results`` and ``missing``."""
        for root in retrieval_folders(self._folder):
            self._attempt(f'reid/{root.name}', self._retrieval, root)
        if 'pose' in self._tasks:
            self._poses()
        if 'parts' in self._tasks:
            for labels in sorted(self._folder.glob('parsing/*/labels')):
                self._attempt(f'parsing/{labels.parent.name}', self._parts, labels)
        measured = {task for tasks in self.results.values() for task in tasks}
        for task in self._tasks:
            if task not in measured:
                self.missing.append(f'{task}: nothing to measure, looked for {EXPECTED[task]}')

    def _attempt(self, name: str, measure: Callable[..., Any], *arguments: Any) -> None:
        try:
            measure(name, *arguments)
        except DatasetError as error:
            self.missing.append(f'{name}: {error}')

    def _retrieval(self, name: str, root: Path) -> None:
        data = Market1501(root, self._info.crop, 'test', attribute_file(self._folder))
        crops = self._measurement.read(data)
        if 'reid' in self._tasks:
            stored = stored_distances(self._folder, root.name, data)
            self._store(name, 'reid', self._measurement.reid(crops, stored))
        if 'attributes' in self._tasks and data.labels.attributes:
            self._store(name, 'attributes', self._measurement.attributes(crops))

    def _poses(self) -> None:
        limbs: list[PosePerson] = []

        def measure(name: str, path: Path) -> None:
            joints, people = read_poses(path)
            if people:
                self._store(name, 'pose', self._measurement.pose(people, joints))
                limbs.extend(people if joints == LIMBS else [])

        for path in sorted(self._folder.glob('pose/*/*.json')):
            self._attempt(f'pose/{path.parent.name}', measure, path)
        if limbs:
            self._store(TOGETHER, 'pose', self._measurement.pose(limbs, LIMBS))

    def _parts(self, name: str, labels: Path) -> None:
        people = read_parts(labels)
        if people:
            self._store(name, 'parts', self._measurement.parts(people))

    def _store(self, name: str, task: str, result: Result) -> None:
        self.results.setdefault(name, {})[task] = result


def table(results: Results) -> str:
    """Set the main measures beside those of the baselines."""
    rows = []
    for name, tasks in results.items():
        for task, result in tasks.items():
            for measure in SHOWN[task]:
                if measure not in result['network']:
                    continue
                others = [
                    f'{scores[measure]:.3f} {baseline}'
                    for baseline, scores in result['baselines'].items()
                    if measure in scores
                ]
                value = f'{result["network"][measure]:.3f}'
                rows.append((name, result['people'], measure, value, ', '.join(others)))
    header = ('data', 'people', 'measure', 'network', 'without a network')
    return tabulate(rows, header, 'simple', disable_numparse=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Measure a network on real people.')
    parser.add_argument('folder', type=Path, help='real samples, see training/real_samples.py')
    parser.add_argument('--json', type=Path, required=True, help='file for all measures')
    parser.add_argument('--weights', type=Path, default=default_checkpoint())
    parser.add_argument('--device', default='auto')
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f'{args.folder}: no such folder')
    if not args.json.parent.is_dir():
        parser.error(f'{args.json}: the folder {args.json.parent} does not exist')
    try:
        checkpoint = load_checkpoint(args.weights)
        zero_shot = ZeroShot(args.folder, checkpoint, args.device)
    except (CheckpointError, BackendError) as error:
        parser.exit(2, f'{parser.prog}: {error}\n')
    zero_shot.run()
    print(table(zero_shot.results))
    for line in zero_shot.missing:
        print(f'not measured: {line}')
    report = {
        'model_id': checkpoint.model_id,
        'weights': str(args.weights),
        'results': zero_shot.results,
        'missing': zero_shot.missing,
    }
    with atomic_path(args.json) as temporary:
        temporary.write_text(json.dumps(without_nan(report), indent=1) + '\n')


if __name__ == '__main__':
    main()
