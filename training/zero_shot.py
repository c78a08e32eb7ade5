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
from pathlib import Path
from typing import Any

import numpy as np
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
from training.datasets.sample import DatasetError
from training.real_samples import LIMBS, part_sets, pose_sets, retrieval_sets, stored_distances
from training.zero_shot_measurement import Result, ZeroShotMeasurement

# Measures in the table; all are in the JSON.
SHOWN = {
    'reid': ('mAP', 'rank1'),
    'attributes': ('accuracy', 'mA'),
    'pose': ('PCKh', 'PCK', 'OKS-AP'),
    'parts': ('mIoU_5', 'mIoU'),
}
WHERE = {
    'reid': 'reid/*/query beside bounding_box_test',
    'attributes': 'attributes of the people of reid/*',
    'pose': 'pose/*/*.json with its images',
    'parts': 'parsing/*/labels with images and people who stand apart',
}


def measure(folder: Path, checkpoint: Checkpoint, device: str) -> dict[str, Any]:
    """
    Measure a checkpoint on all that is there.

    :param folder: of real samples.
    :param checkpoint: of the network.
    :param device: see ``create_backend``.
    :returns: ``results``: data set -> task -> people, network and baselines; ``missing``: lines.
    :raises DatasetError: for a file that cannot be read.
    """
    info = checkpoint.info
    has = {
        'reid': bool(info.embedding_dim),
        'attributes': bool(info.attributes),
        'pose': bool(info.keypoint_names),
        'parts': bool(info.part_names),
    }
    backend = create_backend('torch', checkpoint, device, [task for task in has if has[task]])
    zero_shot = ZeroShotMeasurement(backend, info, load_blind_answers())
    missing = [f'{task}: the network has no such head' for task in has if not has[task]]
    results: dict[str, dict[str, Result]] = {}
    retrieval = list(retrieval_sets(folder, info.crop)) if has['reid'] or has['attributes'] else []
    for name, data in retrieval:
        tasks = results.setdefault(name, {})
        if has['reid']:
            tasks['reid'] = zero_shot.reid(data, stored_distances(folder, name, data))
        if has['attributes'] and data.labels.attributes == info.attributes:
            tasks['attributes'] = zero_shot.attributes(data)
    poses = list(pose_sets(folder)) if has['pose'] else []
    for name, joints, people in poses:
        results[name] = {'pose': zero_shot.pose(people, joints)}
    limbs = [people for _, joints, people in poses if joints == LIMBS]
    if len(limbs) > 1:
        together = [person for people in limbs for person in people]
        results['pose, all with limbs only'] = {'pose': zero_shot.pose(together, LIMBS)}
    for name, dressed in part_sets(folder) if has['parts'] else []:
        results[name] = {'parts': zero_shot.parts(dressed)}
    measured = {task for tasks in results.values() for task in tasks}
    missing += [
        f'{task}: {folder} has no {WHERE[task]}'
        for task in has
        if has[task] and task not in measured
    ]
    return {'results': results, 'missing': missing}


def table(results: dict[str, dict[str, Result]]) -> str:
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
    return tabulate(rows, ('data', 'people', 'measure', 'network', 'without a network'), 'simple')


def _without_nan(value: Any) -> Any:
    """Round numbers; JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


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
    try:
        checkpoint = load_checkpoint(args.weights)
        report = measure(args.folder, checkpoint, args.device)
    except (CheckpointError, BackendError, DatasetError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    print(table(report['results']))
    for line in report['missing']:
        print(f'not measured: {line}')
    report = {'model_id': checkpoint.model_id, 'weights': str(args.weights), **report}
    with atomic_path(args.json) as temporary:
        temporary.write_text(json.dumps(_without_nan(report), indent=1) + '\n')


if __name__ == '__main__':
    main()
