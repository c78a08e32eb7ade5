"""
Render three small data sets, train all four tasks from scratch, and demand that each is learned.

    make train-smoke

A few minutes on two CPU cores. Every task must beat the best answer that ignores the picture (or
chance, for ReID) by a margin; otherwise the exit code is 1.
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from person_mtl_ros.crops import CropParams
from training.annotations import open_dataset
from training.blind_answers import blind_answers
from training.config import ConfigError, DataConfig, ExperimentConfig, load_config
from training.datasets.sample import UNKNOWN, DatasetError, PersonDataset
from training.engine import NonFiniteLossError
from training.evaluation import (
    PRIMARY,
    evaluate_attributes,
    evaluate_parts,
    evaluate_pose,
    evaluate_reid,
)
from training.synthetic.shards import RenderedSet, render_set
from training.train import train
from training.transforms import evaluation_transform
from training.validation import labels_of

CONFIG = Path('config/training/multi_task/smoke.yaml')
# Identities and views of each data set.
SETS = {'surveillance': (120, 8), 'sports': (450, 2), 'clothes': (450, 2)}
SIZE_HW = (96, 48)
# By how much each measure must exceed that of the blind answer, in points of percent.
MARGINS = {'reid': 5.0, 'attributes': 1.0, 'pose': 5.0, 'parts': 5.0}


@dataclass(frozen=True)
class Comparison:
    """A measure of the network beside that of an answer that ignores the picture, in percent."""

    dataset: str
    task: str
    network: float
    blind: float

    @property
    def is_passed(self) -> bool:
        """Whether the margin holds."""
        return self.network >= self.blind + MARGINS[self.task]


def compare(
    config: ExperimentConfig, scores: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[Comparison]:
    """
    Compare measures with those of blind answers.

    :param config: the experiment.
    :param scores: data set -> task -> measures of the network.
    """
    comparisons = []
    for name, data in config.validation.items():
        blind = blind_scores(config.train[name], data, config.crop)
        for task in data.tasks:
            network = scores[name][task][PRIMARY[task]]
            comparisons.append(Comparison(name, task, 100 * network, 100 * blind[task]))
    return comparisons


def blind_scores(train_data: DataConfig, data: DataConfig, crop: CropParams) -> dict[str, float]:
    """
    Measure answers that ignore the picture, learned from the training set.

    :returns: primary measure by task: chance, the commonest classes, the mean pose, the better of
        the commonest part at each place and background alone.
    """
    training, validation = open_dataset(train_data, crop), open_dataset(data, crop)
    size_hw = (crop.height, crop.width)
    labels = labels_of(validation, evaluation_transform(size_hw))
    count = len(validation)
    scores: dict[str, dict[str, float]] = {}
    if 'reid' in data.tasks:
        random = np.random.default_rng(0).normal(size=(count, 64)).astype(np.float32)
        random /= np.linalg.norm(random, axis=1, keepdims=True)
        scores['reid'] = evaluate_reid(random, labels['identity'])
    if 'attributes' in data.tasks:
        specs = validation.labels.attributes
        scores['attributes'] = evaluate_attributes(
            np.tile(_commonest(training), (count, 1)), labels['attributes'], specs
        )
    if {'pose', 'parts'} & set(data.tasks):
        answers = blind_answers(training)
        names = validation.labels
        if 'pose' in data.tasks:
            pose = np.tile(answers.pose(names.keypoint_names, size_hw), (count, 1, 1))
            scores['pose'] = evaluate_pose(
                pose, labels['keypoints'], labels['head_size'], names.keypoint_names
            )
        if 'parts' in data.tasks:
            guesses = (answers.parts(size_hw), np.zeros(size_hw, np.uint8))
            found = [
                evaluate_parts(np.tile(g, (count, 1, 1)), labels['parts'], names.part_names)
                for g in guesses
            ]
            scores['parts'] = max(found, key=lambda measures: measures[PRIMARY['parts']])
    return {task: measures[PRIMARY[task]] for task, measures in scores.items()}


def _commonest(dataset: PersonDataset) -> np.ndarray:
    """One-hot classes, attribute after attribute."""
    classes = labels_of(dataset, evaluation_transform(SIZE_HW))['attributes']
    return np.concatenate(
        [
            np.eye(len(spec.classes))[np.bincount(column[column != UNKNOWN]).argmax()]
            for spec, column in zip(dataset.labels.attributes, classes.T, strict=True)
        ]
    )


def render_sets(config: ExperimentConfig) -> None:
    """Render the data sets of an experiment that are not there yet."""
    for name, (identities, views) in SETS.items():
        folder = Path(config.train[name].options['folder'])
        if not (folder / 'index.json').exists():
            render_set(folder, RenderedSet(name, identities, views, SIZE_HW, seed=0), workers=2)


def main() -> int:
    """Render, train and compare."""
    try:
        config = load_config(CONFIG)
        render_sets(config)
        with tempfile.TemporaryDirectory() as folder:
            results = train(config, Path(folder))
    except (ConfigError, DatasetError, NonFiniteLossError, OSError) as error:
        print(f'smoke: {error}', file=sys.stderr)
        return 2
    comparisons = compare(config, results['validation'])
    rows = [
        [c.dataset, PRIMARY[c.task], c.network, c.blind, MARGINS[c.task], c.is_passed]
        for c in comparisons
    ]
    headers = ['data set', 'measure', 'network', 'blind', 'margin', 'passed']
    print(tabulate(rows, headers, floatfmt='.1f'))
    return 0 if all(c.is_passed for c in comparisons) else 1


if __name__ == '__main__':
    sys.exit(main())
