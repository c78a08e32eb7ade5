"""What a network costs: parameters, memory of a training and time of a crop."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams, build_multi_task_net

BATCH = 10
ROUNDS = 7


@dataclass(frozen=True)
class Cost:
    """Of one network; times of several are comparable when measured together."""

    parameters: int
    training_bytes_per_crop: float  # kept from the forward for the backward pass
    ms_per_crop: float  # forward pass of all tasks, in batches of 10, median


def measure_costs(
    networks: Mapping[str, tuple[MultiTaskNetParams, tuple[int, int]]],
) -> dict[str, Cost]:
    """
    Measure networks on this machine's CPU, in turns, so that noise meets all of them.

    :param networks: by name, with the height and width of their crops.
    """
    built, crops = {}, {}
    times: dict[str, list[float]] = {name: [] for name in networks}
    for name, (params, (height, width)) in networks.items():
        built[name] = build_multi_task_net(params)
        crops[name] = torch.randint(0, 256, (BATCH, 3, height, width), dtype=torch.uint8)
    memory = {name: _saved_bytes(built[name], crops[name]) / BATCH for name in networks}
    for round_ in range(ROUNDS + 1):
        for name, network in built.items():
            network.eval()
            begin = time.perf_counter()
            with torch.inference_mode():
                network(crops[name])
            if round_:  # the first warms up
                times[name].append(1000 * (time.perf_counter() - begin) / BATCH)
    return {
        name: Cost(
            sum(parameter.numel() for parameter in network.parameters()),
            memory[name],
            statistics.median(times[name]),
        )
        for name, network in built.items()
    }


def _saved_bytes(network: torch.nn.Module, crops: torch.Tensor) -> int:
    """Bytes of the tensors that the backward pass will need, weights left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    saved: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    network.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = network(crops)
    del outputs
    return sum(saved.values())
