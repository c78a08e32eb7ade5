"""
Experiment files: YAML to checked dataclasses.

A file may name another one, relative to itself, as its ``base`` and say only what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ConfigDict, PositiveFloat, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from person_mtl_ros.crops import CropParams
from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams
from training.transforms.policy import POLICIES, AugmentationPolicy

Task = Literal['reid', 'attributes', 'pose', 'parts']
# What has a weight in the sum of losses; ReID has two of them (Pfeiffer et al., section 3).
LossName = Literal['triplet', 'identity', 'attributes', 'pose', 'parts']

_strict = ConfigDict(extra='forbid')


class ConfigError(ValueError):
    """An experiment file that cannot be used; one line for the user."""


@dataclass(frozen=True, config=_strict)
class DataConfig:
    """A data set and how it is used."""

    dataset: str  # key of ``training.datasets.DATASETS``
    options: dict[str, Any]  # of its loader
    tasks: tuple[Task, ...]  # whose labels are used
    annotations: Path | None = None  # of ``training.annotate``, for tasks it has no labels of


@dataclass(frozen=True, config=_strict)
class TrainingDataConfig(DataConfig):
    """A data set to train on."""

    batch: PositiveInt = 64  # crops
    crops_per_person: int = 0  # K; batches of P x K crops for the triplet loss, 0 of any crops
    augmentation: str | AugmentationPolicy = 'geometric'  # a name of POLICIES, or its bounds


@dataclass(frozen=True, config=_strict)
class LossConfig:
    """How the losses are summed."""

    weights: dict[LossName, PositiveFloat] = field(
        default_factory=lambda: {
            'triplet': 1.0,
            'attributes': 1.0,
            'pose': 1.0,
            'parts': 1.0,
        }
    )
    weighting: Literal['fixed', 'uncertainty'] = 'fixed'  # or learned, Kendall et al. 2018
    # Of the triplet loss. None is the soft margin ln(1 + exp(x)) of Hermans et al. 2017.
    triplet_margin: float | None = None
    triplet_on_unit_sphere: bool = False  # compare embeddings of length 1, as the cosine does
    bootstrapped_share: float = 0.25  # of the pixels, the hardest, in the loss of the parts


@dataclass(frozen=True, config=_strict)
class OptimizationConfig:
    """Adam and its schedule; a step is one update of the weights."""

    steps: PositiveInt
    learning_rate: float = 3e-4
    decay: Literal['exponential', 'cosine'] = 'exponential'
    decay_start: float = 0.6  # share of the steps before the exponential decay (to 1/1000) begins
    warmup_steps: int = 0
    weight_decay: float = 0.0
    gradient_clip: float | None = None  # largest norm
    accumulate: PositiveInt = 1  # batches per step
    average_decay: float = 0.0  # of the exponential average of the weights, which is kept; 0 none
    precision: Literal['32-true', 'bf16-mixed', '16-mixed'] = '32-true'


@dataclass(frozen=True, config=_strict)
class ExperimentConfig:
    """All that decides a result."""

    network: dict[str, Any]  # of MultiTaskNetParams, but for what the labels decide
    crop: CropParams
    train: dict[str, TrainingDataConfig]
    validation: dict[str, DataConfig]
    optimization: OptimizationConfig
    losses: LossConfig = field(default_factory=LossConfig)
    # imagenet, or a checkpoint of this project whose tensors of the same name and shape are taken.
    pretrained: str | None = None
    extra_tasks: tuple[Task, ...] = ()  # heads that are not trained but measured
    seed: int = 0
    workers: int = 2  # processes that read and augment
    report_every: PositiveInt = 50  # steps between two lines of the log
    save_every: PositiveInt = 500  # steps
    validate_every: int = 0  # steps; 0 only at the end
    description: str = ''  # one line for tables
    expected: dict[str, float] = field(default_factory=dict)  # what the paper reports

    def __post_init__(self) -> None:
        decided = {'tasks', 'class_counts', 'joints', 'parts'} & set(self.network)
        if decided:
            raise ValueError(f'network: {", ".join(sorted(decided))} follow from the data sets')
        MultiTaskNetParams(**self.network)
        if not self.train:
            raise ValueError('train: no data set')
        for name, data in self.train.items():
            if 'reid' in data.tasks and not data.crops_per_person:
                raise ValueError(f'train.{name}: task reid needs crops_per_person')
            if isinstance(data.augmentation, str) and data.augmentation not in POLICIES:
                raise ValueError(
                    f"train.{name}: augmentation '{data.augmentation}'; "
                    f'expected one of {", ".join(POLICIES)}, or bounds'
                )
            if data.crops_per_person and data.batch % data.crops_per_person:
                raise ValueError(
                    f'train.{name}: a batch of {data.batch} is no multiple of '
                    f'{data.crops_per_person} crops per person'
                )

    @property
    def tasks(self) -> tuple[str, ...]:
        """Heads of the network, those that are trained first."""
        trained = [task for data in self.train.values() for task in data.tasks]
        return tuple(dict.fromkeys((*trained, *self.extra_tasks)))


def load_config(path: Path, changes: Sequence[str] = ()) -> ExperimentConfig:
    """
    Read an experiment file.

    :param path: YAML.
    :param changes: such as ``optimization.steps=100``; the value is YAML.
    :raises ConfigError: naming the file, the key and what is wrong with it.
    """
    values = _read(path)
    for change in changes:
        key, separator, value = change.partition('=')
        if not separator:
            raise ConfigError(f"'{change}': expected KEY=VALUE, as in optimization.steps=100")
        nested: Any = yaml.safe_load(value)
        for part in reversed(key.split('.')):
            nested = {part: nested}
        values = _merged(values, nested)
    try:
        return TypeAdapter(ExperimentConfig).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = '.'.join(str(part) for part in first['loc'])
        raise ConfigError(f'{path}: {place}: {first["msg"]}'.replace(': :', ':')) from error
    except TypeError as error:
        raise ConfigError(f'{path}: {error}') from error


def config_to_json(config: ExperimentConfig) -> dict[str, Any]:
    """Give plain lists, dicts and numbers, to be kept beside results."""
    return TypeAdapter(ExperimentConfig).dump_python(config, mode='json')


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f'{path}: no such file') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path}: not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'{path}: expected keys and values')
    base = values.pop('base', None)
    return _merged(_read(path.parent / base), values) if base else values


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace leaves; a key that is set to null in ``changes`` disappears."""
    merged = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            value = _merged(merged[key], value)
        merged[key] = value
        if value is None:
            del merged[key]
    return merged
