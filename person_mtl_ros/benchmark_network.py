"""
Speed of the network per backend, precision, batch and set of heads.

Method: random weights, since time does not depend on them; crops of random pixels. All
configurations are loaded first and then run one after the other in every round, so that whatever
else the machine does hits all alike; the first round is not counted. Time on the clock is told as
p50 and p99; beside it stands the processor time of all cores, which other programs change little.
The ceiling is a product of two square matrices in the same precision, in the same rounds; a run
ends when its answers are on the host, a product when the device is done.
Operations are those of convolutions and matrix products, a multiply-add counting as two.
"""

import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from person_mtl_ros.backends import Backend, BackendError, create_backend
from person_mtl_ros.backends.export import onnx_from_checkpoint, write_exported
from person_mtl_ros.backends.file_cache import cache_in
from person_mtl_ros.backends.sample_crops import calibration_crops
from person_mtl_ros.backends.torch_backend import find_device, load_network
from person_mtl_ros.backends.torch_gpu.cuda_backend import TorchCudaBackend
from person_mtl_ros.benchmark_ceiling import Ceiling, Stopwatch
from person_mtl_ros.checkpoint import Checkpoint, CheckpointInfo, ModelFile, open_model
from person_mtl_ros.crops import CropParams
from person_mtl_ros.networks.backbones import channels_of
from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams, build_multi_task_net
from person_mtl_ros.structures import AttributeSpec
from person_mtl_ros.tasks import TASKS

EAGER = 'torch eager'  # on a GPU: every operation launched anew
# The network of the paper with the labels of the shipped one.
PAPER_NETWORK = (
    MultiTaskNetParams(class_counts=(2, 4, 2, 2, 2, 2, 2, 2, 2, 2, 8, 9), joints=16, parts=5),
    CropParams(),
)


class NetworkConfig(NamedTuple):
    """What is measured."""

    backend: str
    precision: str
    norm: str
    heads: tuple[str, ...]
    batch: int


@dataclass(frozen=True)
class NetworkCost:
    """One row of the table; times of one batch."""

    backend: str
    device: str
    precision: str
    norm: str
    heads: tuple[str, ...]
    batch: int
    crops_per_s: float
    ms_p50: float
    ms_p99: float
    cpu_ms_per_crop: float  # processor time, of all cores together, median
    gflop_per_crop: float
    fraction_of_ceiling: float


class Ratio(NamedTuple):
    """Two sets of rows against each other."""

    name: str
    clock: float
    cpu: float


def network_of(path: Path) -> tuple[MultiTaskNetParams, CropParams]:
    """Architecture and crops of a checkpoint."""
    info = open_model(path).info
    return MultiTaskNetParams(**info.network_params), info.crop


def name_of_gpu(device: str) -> str:
    """
    Name a GPU as its maker does.

    :param device: ``cuda``, ``cuda:1``...
    :raises BackendError: when it is not there.
    """
    if not torch.cuda.is_available():
        reason = 'torch finds none' if torch.version.cuda else 'torch is built without CUDA'
        raise BackendError(f"nothing was measured on '{device}': {reason} on this machine")
    return torch.cuda.get_device_name(find_device(device))


def network_configs(
    backends: Sequence[tuple[str, str]], batches: Sequence[int]
) -> list[NetworkConfig]:
    """
    Everything that tells what the network costs and what its parts do.

    :param backends: pairs of backend and precision; the first is what the others are compared
        with, the last is compared with its BatchNorm twin, single heads and the embedding alone.
    :param batches: sizes; the twin and the heads are run with the last.
    """
    fastest, batch = backends[-1], batches[-1]
    configs = [NetworkConfig(*backends[0], 'group', TASKS, batch)]
    configs += [
        NetworkConfig(*backend, 'group', TASKS, size)
        for backend in backends[1:]
        for size in batches
    ]
    configs.append(NetworkConfig(*fastest, 'batch', TASKS, batch))
    configs += [NetworkConfig(*fastest, 'group', (task,), batch) for task in TASKS]
    return configs


def measure_network(
    configs: Iterable[NetworkConfig],
    params: MultiTaskNetParams,
    crop: CropParams,
    rounds: int,
    device: str = 'cpu',
) -> list[NetworkCost]:
    """
    Measure configurations against each other.

    :param params: of the network; norm and heads are those of the configurations.
    :param crop: size of the crops.
    :param rounds: how often everything is run.
    :param device: ``cpu``, or a GPU as ``cuda:0``.
    """
    with tempfile.TemporaryDirectory(prefix='person_mtl-') as folder, cache_in(Path(folder)):
        networks = _Networks(params, crop, Path(folder), device)
        runs = [_Run(config, networks) for config in configs]
        precisions = {run.config.precision for run in runs}
        ceilings = {precision: Ceiling(precision, device) for precision in precisions}
        for _ in tqdm(range(rounds + 1), desc='rounds', disable=None):
            for ceiling in ceilings.values():
                ceiling.watch.measure(ceiling)
            for run in runs:
                run.watch.measure(run)
        return [run.cost(ceilings[run.config.precision].flops_per_s()) for run in runs]


def compare_costs(costs: Sequence[NetworkCost]) -> list[Ratio]:
    """Ratios of the rows of ``network_configs`` that say what normalisation and heads cost."""
    first, last = costs[0], costs[-1]
    fastest = last.backend, last.precision, last.batch
    same = [c for c in costs if (c.backend, c.precision, c.batch) == fastest]
    joint = next(c for c in same if c.norm == 'group' and len(c.heads) > 1)
    twin = next(c for c in same if c.norm == 'batch')
    single = [c for c in same if len(c.heads) == 1]
    reid = next(c for c in single if c.heads == ('reid',))
    name = f'{joint.backend} {joint.precision}'
    return [
        _ratio(f'{first.backend} {first.precision} / {name}, times faster', [first], [joint]),
        _ratio('BatchNorm twin / GroupNorm, share of its throughput', [twin], [joint]),
        _ratio('all heads / embedding alone, time', [joint], [reid]),
        _ratio('all heads / a network for each, time', [joint], single),
    ]


def _ratio(name: str, above: Sequence[NetworkCost], below: Sequence[NetworkCost]) -> Ratio:
    def total(costs: Sequence[NetworkCost], value: Callable[[NetworkCost], float]) -> float:
        return sum(value(cost) for cost in costs)

    return Ratio(
        name,
        total(above, lambda c: c.ms_p50 / c.batch) / total(below, lambda c: c.ms_p50 / c.batch),
        total(above, lambda c: c.cpu_ms_per_crop) / total(below, lambda c: c.cpu_ms_per_crop),
    )


class _Networks:
    """Random networks, ready to run; each is made once."""

    def __init__(
        self, params: MultiTaskNetParams, crop: CropParams, folder: Path, device: str
    ) -> None:
        # A network with BatchNorm has no groups that need fit; its twin has.
        channels = (*channels_of(params.backbone, params.width), params.part_width)
        self._params = replace(params, norm_groups=math.gcd(params.norm_groups, *channels))
        self.crop = crop
        self._folder = folder
        self._device = device
        self._exported: dict[str, onnx.ModelProto] = {}
        self._backends: dict[NetworkConfig, Backend] = {}

    def backend(self, config: NetworkConfig) -> Backend:
        any_batch = config._replace(batch=0)
        if any_batch not in self._backends:
            self._backends[any_batch] = self._open(config)
        return self._backends[any_batch]

    def _open(self, config: NetworkConfig) -> Backend:
        model = self._model(config, self.checkpoint(config))
        if self._device == 'cpu':
            return create_backend(config.backend, model, self._device, config.heads)
        # Random weights tell nothing about precision, so it is given.
        if config.backend == 'tensorrt':
            from person_mtl_ros.backends.tensorrt_backend import TensorRtBackend

            return TensorRtBackend(model, self._device, config.heads, config.precision)
        graphs = config.backend != EAGER
        return TorchCudaBackend(model, self._device, config.heads, config.precision, graphs)

    def checkpoint(self, config: NetworkConfig) -> Checkpoint:
        params = replace(self._params, norm=config.norm, tasks=config.heads)
        info = CheckpointInfo(
            network='multi_task_net',
            network_params=params.__dict__,
            crop=self.crop,
            attributes=tuple(
                AttributeSpec(f'attribute {i}', tuple(f'class {j}' for j in range(count)))
                for i, count in enumerate(params.class_counts)
            ),
        )
        torch.manual_seed(0)
        network = build_multi_task_net(params)
        tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        name = f'{params.norm}-{"-".join(params.tasks)}'
        return Checkpoint(self._folder / name, name, info, tensors=tensors)

    def _model(self, config: NetworkConfig, checkpoint: Checkpoint) -> ModelFile:
        if config.backend in ('torch', EAGER):
            return checkpoint
        name = checkpoint.model_id
        if name not in self._exported:
            self._exported[name] = onnx_from_checkpoint(checkpoint, config.heads)
        exported = self._exported[name]
        if config.precision == 'int8':
            from person_mtl_ros.backends.quantization import quantize

            exported = quantize(exported, calibration_crops(self.crop))
        path = self._folder / f'{name}-{config.backend}-{config.precision}.onnx'
        write_exported(exported, checkpoint, config.backend, config.precision, path)
        return open_model(path)


class _Run:
    def __init__(self, config: NetworkConfig, networks: _Networks) -> None:
        self.config = config
        self.watch = Stopwatch()
        self._gflop = _gflop(networks.checkpoint(config), config.heads)
        self._backend = networks.backend(config)
        shape = (config.batch, 3, networks.crop.height, networks.crop.width)
        self._crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    def __call__(self) -> None:
        self._backend.infer(self._crops)

    def cost(self, ceiling_flops_per_s: float) -> NetworkCost:
        config = self.config
        p50 = self.watch.percentile_ms(50)
        crops_per_s = 1e3 * config.batch / p50
        return NetworkCost(
            backend=config.backend,
            device=self._backend.device,
            precision=self._backend.precision,
            norm=config.norm,
            heads=config.heads,
            batch=config.batch,
            crops_per_s=crops_per_s,
            ms_p50=p50,
            ms_p99=self.watch.percentile_ms(99),
            cpu_ms_per_crop=self.watch.cpu_ms() / config.batch,
            gflop_per_crop=self._gflop,
            fraction_of_ceiling=crops_per_s * self._gflop * 1e9 / ceiling_flops_per_s,
        )


def _gflop(checkpoint: Checkpoint, heads: Sequence[str]) -> float:
    crop = checkpoint.info.crop
    network = load_network(checkpoint, heads).to('meta')
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network(torch.zeros(1, 3, crop.height, crop.width, device='meta'))
    return counter.get_total_flops() / 1e9
