from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from training.config import ConfigError, Measure, config_to_json, load_config
from training.datasets.label_sets import keypoint_labels, part_labels
from training.datasets.sample import LabelSet
from training.evaluation import PRIMARY, evaluate
from training.labels import MARKET_ATTRIBUTES

EXPERIMENTS = sorted(
    path
    for path in (Path(__file__).parents[2] / 'config' / 'training').rglob('*.yaml')
    if not path.name.startswith('base')
)

TEXT = """
network: {backbone: resnet18, width: 16, norm_groups: 4}
crop: {height: 64, width: 32}
train:
  market: {dataset: rendered, options: {folder: x}, tasks: [reid], crops_per_person: 4}
validation:
  market: {dataset: rendered, options: {folder: y}, tasks: [reid]}
optimization: {steps: 10}
"""


def _file(tmp_path: Path, text: str = TEXT, name: str = 'experiment.yaml') -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_changes_on_the_command_line_reach_their_place(tmp_path: Path) -> None:
    config = load_config(_file(tmp_path), ['optimization.steps=7', 'network.norm=batch'])
    assert config.optimization.steps == 7
    assert config.network == {
        'backbone': 'resnet18',
        'width': 16,
        'norm': 'batch',
        'norm_groups': 4,
    }


def test_a_file_changes_its_base_and_null_removes(tmp_path: Path) -> None:
    _file(tmp_path, name='base.yaml')
    path = _file(
        tmp_path,
        'base: base.yaml\ncrop: {height: 96, width: 48}\nnetwork: {width: null}\nseed: 3\n',
        'other.yaml',
    )
    config = load_config(path)
    assert (config.crop.height, config.seed, config.optimization.steps) == (96, 3, 10)
    assert config.network == {'backbone': 'resnet18', 'norm_groups': 4}


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (['optimization.step=7'], 'optimization.step'),
        (['optimization.steps=0'], 'greater than 0'),
        (['network.joints=16'], 'joints follow from the data sets'),
        (['network.widht=16'], 'widht'),
        (['train.market.crops_per_person=0'], 'needs crops_per_person'),
        (['train.market.batch=30'], '30 is no multiple of 4'),
        (['train.market.augmentation=none'], "'none'; expected one of flip"),
        (['losses.weights.pose=0'], 'greater than 0'),
        (['train.market.crops_per_person=1'], 'at least 2'),
        (['train.market.batch=4'], 'at least 2 people'),
        (['losses.weights={pose: 1}'], 'task reid has no weight triplet or'),
        (['optimization.decay_start=1'], 'less than 1'),
        (['losses.bootstrapped_share=25'], 'less than or equal to 1'),
        (['network.backbone=vgg'], "'vgg'; expected one of resnet"),
        (['network.norm=layer'], "'layer'; expected one of group, batch"),
        (['network.width=broad'], 'network.width: Input should be a valid integer'),
        (['network.sharing=some'], "sharing 'some'; expected one of"),
        (['network.norm_groups=3'], 'width 16 is no multiple of 3 norm_groups'),
        (['network.backbone=efficientnet_lite0'], 'width 16; efficientnet_lite0 has 32'),
        (
            ['network.backbone=efficientnet_lite0', 'network.width=32', 'network.norm_groups=32'],
            'network: num_channels (16) must be divisible by num_groups (32)',
        ),
        (['optimization.decay_steps=9'], 'decay_steps: 9; expected the 10 steps or more'),
        (['network.width=-8'], 'width -8; expected 1 or more'),
        (['network.norm_groups=0'], 'norm_groups 0; expected 1 or more'),
        (['optimization.frozen_statistics=true'], 'there are none without pretrained'),
        (['expected={market: {reid: {mAP: 77.4}}}'], 'less than or equal to 1'),
        (['expected={market: {reid: {map: 0.7}}}'], 'expected.market.reid.map'),
        (['expected={market: {pose: {PCKh: 0.7}}}'], 'expected.market: pose not among the tasks'),
        (['expected={mpii: {pose: {PCKh: 0.7}}}'], 'expected.mpii: pose not among the tasks'),
        (['seed=[1'], 'seed=[1: not YAML'),
        (['nonsense'], "'nonsense': expected KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, changes: list[str], words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(_file(tmp_path), changes)
    assert words in str(error.value)
    assert '\n' not in str(error.value)


def test_files_that_are_none_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='no such file'):
        load_config(tmp_path / 'nothing.yaml')
    with pytest.raises(ConfigError, match='cannot be read'):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match='not YAML'):
        load_config(_file(tmp_path, 'a: [1'))
    with pytest.raises(ConfigError, match='expected keys'):
        load_config(_file(tmp_path, '- 1'))


def test_what_is_kept_beside_results_gives_the_experiment_again(tmp_path: Path) -> None:
    config = load_config(_file(tmp_path))
    import yaml

    again = _file(tmp_path, yaml.safe_dump(config_to_json(config)), 'again.yaml')
    assert load_config(again) == config


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_file_is_read_and_describes_itself(path: Path) -> None:
    assert load_config(path).description


def test_expected_figures_have_the_names_of_results() -> None:
    """All that experiment files may expect are measures, and primary ones among them."""
    names = set(get_args(Measure))
    assert set(PRIMARY.values()) <= names
    label_set = LabelSet(
        attributes=MARKET_ATTRIBUTES, **keypoint_labels('mpii'), **part_labels('lip')
    )
    joints, parts = len(label_set.keypoint_names), len(label_set.part_names)
    outputs = {
        'reid': np.eye(2),
        'attributes': np.ones((2, sum(len(spec.classes) for spec in MARKET_ATTRIBUTES))),
        'pose': np.zeros((2, joints, 3)),
        'parts': np.arange(parts).repeat(2).reshape(2, parts, 1) % parts,
    }
    labels = {
        'identity': np.zeros(2, int),
        'attributes': np.zeros((2, len(MARKET_ATTRIBUTES)), int),
        'keypoints': np.ones((2, joints, 3)),
        'head_size': np.ones(2),
        'parts': outputs['parts'],
    }
    results = evaluate(outputs, labels, label_set)
    measured = {name for scores in results.values() for name in scores if '/' not in name}
    assert measured == names
