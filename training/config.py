"""
Experiment files: YAML to checked dataclasses.

A file may name another one, relative to itself, as its ``base`` and say only what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import yaml
from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass

from person_mtl_ros.crops import CropParams
from person_mtl_ros.networks.backbones import BACKBONES, build_backbone
from person_mtl_ros.networks.layers import norm_layer
from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams
from person_mtl_ros.tasks import Task
from training.transforms.policy import POLICIES, AugmentationPolicy

# What has a weight in the sum of losses; ReID has two of them (Pfeiffer et al., section 3).
LossName = Literal['triplet', 'identity', 'attributes', 'pose', 'parts']
NORMS = ('group', 'batch')  # of ``layers.norm_layer``
# What is measured of the tasks, see ``training.evaluation``; all are shares.
Measure = Literal[
    'mAP', 'rank1', 'rank5', 'rank10', 'accuracy', 'mA', 'PCKh', 'PCKh_all', 'mIoU', 'mIoU_5'
]
LOSSES_OF_REID = ('triplet', 'identity')
Share = Annotated[float, Field(gt=0, le=1)]
ShareOrZero = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]

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
    crops_per_person: NonNegativeInt = (
        0  # K; batches of P x K crops for the triplet loss, 0 of any crops
    )
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
    bootstrapped_share: Share = 0.25  # of the pixels, the hardest, in the loss of the parts


@dataclass(frozen=True, config=_strict)
class OptimizationConfig:
    """Adam and its schedule; a step is one update of the weights."""

    steps: PositiveInt
    learning_rate: PositiveFloat = 3e-4
    decay: Literal['exponential', 'cosine'] = 'exponential'
    # Share of the steps before the exponential decay (to 1/1000) begins.
    decay_start: ShareBelowOne = 0.6
    # That the decay takes as a whole; with fewer steps the training stops before its end.
    decay_steps: PositiveInt | None = None
    warmup_steps: NonNegativeInt = 0
    weight_decay: NonNegativeFloat = 0.0
    gradient_clip: PositiveFloat | None = None  # largest norm
    accumulate: PositiveInt = 1  # batches per step, whose gradients are averaged
    # Of the exponential average of the weights, which is kept; 0 none.
    average_decay: ShareBelowOne = 0.0
    precision: Literal['32-true', 'bf16-mixed', '16-mixed'] = '32-true'
    # BatchNorm of the backbone keeps the statistics of the weights it started from.
    frozen_statistics: bool = False


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
    workers: NonNegativeInt = 2  # processes that read and augment
    report_every: PositiveInt = 50  # steps between two lines of the log
    save_every: PositiveInt = 500  # steps
    validate_every: NonNegativeInt = 0  # steps; 0 only at the end
    description: str = ''  # one line for tables
    # What the paper reports: data set -> task -> measure, as in the results.
    expected: dict[str, dict[Task, dict[Measure, ShareOrZero]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_network()
        self._check_expected()
        if not self.train:
            raise ValueError('train: no data set')
        steps, decay_steps = self.optimization.steps, self.optimization.decay_steps
        if decay_steps is not None and decay_steps < steps:
            raise ValueError(
                f'optimization.decay_steps: {decay_steps}; expected the {steps} steps or more'
            )
        if self.optimization.frozen_statistics and not self.pretrained:
            raise ValueError('optimization.frozen_statistics: there are none without pretrained')
        for name, data in self.train.items():
            try:
                self._check_training_data(data)
            except ValueError as error:
                raise ValueError(f'train.{name}: {error}') from error

    def _check_network(self) -> None:
        from_data = {'tasks', 'class_counts', 'joints', 'parts'}
        decided = sorted(from_data & set(self.network))
        if decided:
            raise ValueError(f'network: {", ".join(decided)} follow from the data sets')
        known = {parameter.name for parameter in fields(MultiTaskNetParams)} - from_data
        unknown = sorted(set(self.network) - known)
        if unknown:
            raise ValueError(
                f'network: unknown {", ".join(unknown)}; expected of {", ".join(sorted(known))}'
            )
        try:
            params = TypeAdapter(MultiTaskNetParams).validate_python(self.network)
        except ValidationError as error:
            first = error.errors()[0]
            place = '.'.join(str(part) for part in ('network', *first['loc']))
            raise ValueError(f'{place}: {first["msg"]}') from error
        for value, choices in ((params.backbone, BACKBONES), (params.norm, NORMS)):
            if value not in choices:
                raise ValueError(f"network: '{value}'; expected one of {', '.join(choices)}")
        for name in ('width', 'norm_groups', 'fpn_width', 'part_width'):
            if getattr(params, name) < 1:
                raise ValueError(f'network: {name} {getattr(params, name)}; expected 1 or more')
        for name in ('width', 'part_width') if 'parts' in self.tasks else ('width',):
            if params.norm == 'group' and getattr(params, name) % params.norm_groups:
                raise ValueError(
                    f'network: {name} {getattr(params, name)} is no multiple of '
                    f'{params.norm_groups} norm_groups'
                )
        with torch.device('meta'):
            norm = norm_layer(params.norm, params.norm_groups)
            try:
                build_backbone(params.backbone, params.width, norm)
            except ValueError as error:
                raise ValueError(f'network: {error}') from error

    def _check_expected(self) -> None:
        for name, tasks in self.expected.items():
            measured = self.validation[name].tasks if name in self.validation else ()
            unmeasured = [task for task in tasks if task not in measured]
            if unmeasured:
                raise ValueError(
                    f'expected.{name}: {", ".join(unmeasured)} not among the tasks '
                    f'of validation.{name}'
                )

    def _check_training_data(self, data: TrainingDataConfig) -> None:
        people, rest = divmod(data.batch, max(data.crops_per_person, 1))
        if rest:
            raise ValueError(
                f'a batch of {data.batch} is no multiple of '
                f'{data.crops_per_person} crops per person'
            )
        if 'reid' in data.tasks and min(data.crops_per_person, people) < 2:
            raise ValueError(
                'task reid needs crops_per_person, at least 2, and batches of at least 2 people'
            )
        for task in data.tasks:
            names = LOSSES_OF_REID if task == 'reid' else (task,)
            if not set(names) & {str(name) for name in self.losses.weights}:
                raise ValueError(f'task {task} has no weight {" or ".join(names)} in the losses')
        if isinstance(data.augmentation, str) and data.augmentation not in POLICIES:
            raise ValueError(
                f"augmentation '{data.augmentation}'; "
                f'expected one of {", ".join(POLICIES)}, or bounds'
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
        nested = parse_yaml(value, change)
        for part in reversed(key.split('.')):
            nested = {part: nested}
        values = _merged(values, nested)
    try:
        return TypeAdapter(ExperimentConfig).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = '.'.join(str(part) for part in first['loc'])
        raise ConfigError(f'{path}: {place}: {first["msg"]}'.replace(': :', ':')) from error


def config_to_json(config: ExperimentConfig) -> dict[str, Any]:
    """Give plain lists, dicts and numbers, to be kept beside results."""
    return TypeAdapter(ExperimentConfig).dump_python(config, mode='json')


def config_from_json(values: Mapping[str, Any]) -> ExperimentConfig:
    """
    Read what :func:`config_to_json` gave.

    :raises ValueError: for anything else.
    """
    return TypeAdapter(ExperimentConfig).validate_python(values)


def parse_yaml(text: str, source: object) -> Any:
    """
    Read YAML.

    :param text: to read.
    :param source: where it is from.
    :raises ConfigError: naming the source.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f'{source}: not YAML: {" ".join(str(error).split())}') from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values = parse_yaml(path.read_text(), path)
    except FileNotFoundError as error:
        raise ConfigError(f'{path}: no such file') from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path}: cannot be read: {error}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'{path}: expected keys and values')
    base = values.pop('base', None)
    return _merged(_read(path.parent / str(base)), values) if base else values


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
