"""A training small enough for a test: rendered people, a tiny network."""

from pathlib import Path
from typing import Any

import numpy as np

from person_mtl_ros.crops import CropParams
from training.config import ExperimentConfig, load_config
from training.datasets.label_sets import keypoint_labels, part_labels
from training.datasets.sample import LabelSet, PersonDataset, Sample
from training.labels import MARKET_ATTRIBUTES

SIZE_HW = (32, 16)
EXPERIMENT = """
description: a test
network: {backbone: resnet18, width: 4, norm_groups: 2, fpn_width: 4, part_width: 4}
crop: {height: 32, width: 16}
train:
  people:
    dataset: random
    options: {count: 24}
    tasks: [reid, attributes]
    batch: 8
    crops_per_person: 2
  figures: {dataset: random, options: {count: 12}, tasks: [pose, parts], batch: 4}
validation:
  people: {dataset: random, options: {count: 12}, tasks: [reid, attributes, pose, parts]}
optimization: {steps: 6, learning_rate: 1.0e-3, average_decay: 0.5}
losses: {weights: {triplet: 1, identity: 1, attributes: 1, pose: 1, parts: 1}}
report_every: 2
save_every: 1
workers: 0
"""


class RandomPeople(PersonDataset):
    """Noise with labels of everything; three crops of each person."""

    def __init__(self, count: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.identities = np.arange(count, dtype=np.int64) // 3
        self.labels = LabelSet(
            attributes=MARKET_ATTRIBUTES, **keypoint_labels('mpii'), **part_labels('five')
        )
        self._images = rng.integers(0, 256, (count, *SIZE_HW, 3), np.uint8)
        self._keypoints = np.concatenate(
            (rng.uniform(0, 16, (count, 16, 2)), np.ones((count, 16, 1))), axis=2
        ).astype(np.float32)
        self._parts = rng.integers(0, 5, (count, *SIZE_HW), np.uint8)

    def __getitem__(self, index: int) -> Sample:
        return Sample(
            image_rgb=self._images[index],
            identity=int(self.identities[index]),
            camera=index % 3,
            attributes=np.zeros(len(MARKET_ATTRIBUTES), np.int64),
            keypoints=self._keypoints[index],
            head_size=3.0,
            parts=self._parts[index],
        )


def open_random_people(
    name: str, options: dict[str, Any], crop: CropParams, margin: float = 1.0
) -> PersonDataset:
    """In place of ``create_dataset``."""
    del name, crop, margin
    return RandomPeople(**options)


def experiment(tmp_path: Path, *changes: str) -> ExperimentConfig:
    """The experiment above with changes."""
    (tmp_path / 'experiment.yaml').write_text(EXPERIMENT)
    return load_config(tmp_path / 'experiment.yaml', changes)
