r"""
Label people with the answers of trained networks (Pfeiffer et al., section 4.1).

    python -m training.annotate --dataset market1501 --option root=data/Market-1501 \
        --weights POSE.safetensors PARTS.safetensors --out data/market_auto
    python -m training.annotate --dataset crops --option root=CROPS --weights W --out LABELS

Of each network the joints and the parts are taken; where two have them, those of the first. A
training uses the labels by ``annotations: data/market_auto`` beside the options of the data set.
Crops of the people one's own robot meets are collected by ``python -m training.collect``.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from tqdm import tqdm

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.backends import Backend, BackendError, create_backend
from person_mtl_ros.checkpoint import (
    Checkpoint,
    CheckpointError,
    CheckpointInfo,
    load_checkpoint,
)
from person_mtl_ros.crops import CropParams
from training.annotations import DESCRIPTION, KEYPOINTS, PARTS, AnnotationDescription
from training.config import ConfigError, parse_yaml
from training.datasets.registry import create_dataset
from training.datasets.sample import DatasetError, PersonDataset
from training.labels import KEYPOINT_SETS, PART_SETS
from training.transforms import evaluation_transform

BATCH = 64
TASKS = ('pose', 'parts')
Source = tuple[Backend, CheckpointInfo]


class AnnotateError(ValueError):
    """Networks that cannot label; one line for the user."""


def annotate(dataset: PersonDataset, weights: Sequence[Path], out: Path, device: str) -> None:
    """
    Write the labels of a data set.

    :param dataset: whose people are shown to the networks.
    :param weights: checkpoints, all for crops of one size and context.
    :param out: folder; its description is written last, so that it is there when all is.
    :param device: of the networks, such as ``cpu`` or ``auto``.
    :raises AnnotateError: for networks without joints and parts, or of different crops.
    """
    checkpoints = [load_checkpoint(path) for path in weights]
    crop = _common_crop([checkpoint.info.crop for checkpoint in checkpoints])
    sources = _sources(checkpoints, device)
    label_sets = _label_sets({task: info for task, (_, info) in sources.items()})
    out.mkdir(parents=True, exist_ok=True)
    (out / DESCRIPTION).unlink(missing_ok=True)
    count, size = len(dataset), (crop.height, crop.width)
    files = {}
    if 'pose' in sources:
        joints = len(sources['pose'][1].keypoint_names)
        files['pose'] = open_memmap(out / KEYPOINTS, 'w+', np.float32, (count, joints, 3))
    if 'parts' in sources:
        files['parts'] = open_memmap(out / PARTS, 'w+', np.uint8, (count, *size))
    for rows, images in _batches(dataset, size):
        for backend in {backend for backend, _ in sources.values()}:
            for task, answers in backend.infer(images).items():
                files[task][rows] = answers
    for file in files.values():
        file.flush()
    networks = tuple(checkpoint.model_id for checkpoint in checkpoints)
    description = AnnotationDescription(
        count, *size, dataset.context, networks=networks, **label_sets
    )
    with atomic_path(out / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(asdict(description)) + '\n')


def _sources(checkpoints: Sequence[Checkpoint], device: str) -> dict[str, Source]:
    """Find the first network of each task."""
    sources: dict[str, Source] = {}
    for checkpoint in checkpoints:
        tasks = [task for task in TASKS if task in checkpoint.info.tasks and task not in sources]
        if tasks:
            backend = create_backend('torch', checkpoint, device, tasks)
            sources |= dict.fromkeys(tasks, (backend, checkpoint.info))
    if not sources:
        raise AnnotateError('none of the networks knows joints or parts; give one that does')
    return sources


def _label_sets(infos: Mapping[str, CheckpointInfo]) -> dict[str, Any]:
    """Name what the labels mean, as fields of an ``AnnotationDescription``."""
    label_sets = {}
    if 'pose' in infos:
        names = infos['pose'].keypoint_names
        label_sets['keypoint_set'] = _name_of(names, KEYPOINT_SETS, 'joints')
    if 'parts' in infos:
        label_sets['part_set'] = _name_of(infos['parts'].part_names, PART_SETS, 'parts')
    return label_sets


def _batches(
    dataset: PersonDataset, size_hw: tuple[int, int]
) -> Iterator[tuple[slice, np.ndarray]]:
    transform = evaluation_transform(size_hw)
    for begin in tqdm(range(0, len(dataset), BATCH), desc='annotate', unit='batch', disable=None):
        rows = slice(begin, min(begin + BATCH, len(dataset)))
        samples = [
            transform(dataset[row])['image'].numpy() for row in range(rows.start, rows.stop)
        ]
        yield rows, np.stack(samples)


def _common_crop(crops: Sequence[CropParams]) -> CropParams:
    if len(set(crops)) > 1:
        kinds = ', '.join(
            f'{crop.height}x{crop.width} with context {crop.context:g}' for crop in crops
        )
        raise AnnotateError(f'the networks look at different crops: {kinds}')
    return crops[0]


def _name_of(names: tuple[str, ...], sets: dict, what: str) -> str:
    for name, known in sets.items():
        if tuple(known.names) == tuple(names):
            return str(name)
    raise AnnotateError(f'a network has {what} that are none of {", ".join(sets)}')


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Label people with the answers of networks.')
    parser.add_argument('--dataset', required=True, help='name, as in an experiment file')
    parser.add_argument(
        '--option', action='append', default=[], metavar='KEY=VALUE', help='of the data set'
    )
    parser.add_argument('--weights', type=Path, nargs='+', required=True, help='checkpoints')
    parser.add_argument('--out', type=Path, required=True, help='folder for the labels')
    parser.add_argument('--device', default='auto')
    args = parser.parse_args()
    try:
        options = {
            key: parse_yaml(value, f'{key}={value}')
            for key, _, value in (option.partition('=') for option in args.option)
        }
        crop = load_checkpoint(args.weights[0]).info.crop
        dataset = create_dataset(args.dataset, options, crop)
        annotate(dataset, args.weights, args.out, args.device)
    except (
        AnnotateError,
        BackendError,
        CheckpointError,
        ConfigError,
        DatasetError,
        OSError,
    ) as error:
        print(f'annotate: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
