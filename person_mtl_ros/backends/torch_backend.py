"""Backend: torch, on the CPU."""

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from person_mtl_ros.backends.backend import AUTO, BackendError, DeviceError, first_line
from person_mtl_ros.checkpoint import (
    Checkpoint,
    CheckpointError,
    CheckpointInfo,
    ModelFile,
    load_checkpoint,
)
from person_mtl_ros.networks.decode import Decoder
from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams, build_multi_task_net
from person_mtl_ros.structures import UInt8Array

# Networks a checkpoint can name: parameters and builder.
NETWORKS = {'multi_task_net': (MultiTaskNetParams, build_multi_task_net)}


class TorchBackend:
    """Run the network of a checkpoint; the arguments are those of ``create_backend``."""

    name = 'torch'
    precision = 'fp32'
    remark = ''

    def __init__(self, model: ModelFile, device: str, tasks: Sequence[str]) -> None:
        self._device = find_device(device)
        self.device = str(self._device)
        checkpoint = checkpoint_of(model)
        self._network = load_network(checkpoint, tasks)
        self._decoder = decoder_of(checkpoint.info)
        self._network.to(self._device)
        # Convolutions are faster with the channels innermost.
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """Run the network and decode its outputs, see ``Backend``."""
        try:
            with torch.inference_mode():
                batch = torch.from_numpy(crops).to(self._device)
                batch = batch.contiguous(memory_format=torch.channels_last)
                outputs = self._decoder(self._network(batch))
                return {task: output.cpu().numpy() for task, output in outputs.items()}
        except RuntimeError as error:  # torch has no narrower class for a device that fails
            raise DeviceError(
                f'{self.device} failed on a batch of {len(crops)}: {first_line(error)}'
            ) from error


def checkpoint_of(model: ModelFile) -> Checkpoint:
    """
    Load the weights of a checkpoint, unless they are.

    :raises BackendError: when it is an exported network.
    :raises CheckpointError: when the file is damaged.
    """
    if model.export is not None:
        raise BackendError(
            f'{model.path} is exported; backend torch runs the .safetensors file it came from'
        )
    return model if isinstance(model, Checkpoint) else load_checkpoint(model.path)


def decoder_of(info: CheckpointInfo) -> Decoder:
    """Make the decoder of a network's outputs."""
    return Decoder((info.crop.height, info.crop.width), [len(a.classes) for a in info.attributes])


def load_network(checkpoint: Checkpoint, tasks: Sequence[str]) -> torch.nn.Module:
    """
    Build the network of a checkpoint for inference, without the heads that are not asked for.

    :raises CheckpointError: when the network is unknown or the weights are not its own.
    """
    info = checkpoint.info
    if info.network not in NETWORKS:
        raise CheckpointError(
            f"checkpoint {checkpoint.path}: unknown network '{info.network}'; "
            f'expected one of {", ".join(NETWORKS)}'
        )
    params_class, build = NETWORKS[info.network]
    try:
        network = build(params_class(**info.network_params))
        tensors = {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()}
        network.load_state_dict(tensors)
    except (TypeError, KeyError, ValueError, RuntimeError) as error:
        reason = ' '.join(str(error).split())[:300]
        raise CheckpointError(
            f"checkpoint {checkpoint.path}: not the weights of its '{info.network}': {reason}"
        ) from error
    missing = sorted(set(tasks) - set(network.heads))
    if missing:
        raise BackendError(
            f'checkpoint {checkpoint.path} has no head for {", ".join(missing)}; '
            f'it has {", ".join(network.heads)}'
        )
    network.keep_only(tasks)
    return network.eval()


def find_device(name: str) -> torch.device:
    """
    Find a device of torch; ``auto`` takes a GPU if there is one.

    :raises BackendError: when it is not there.
    """
    if name == AUTO:
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch built without CUDA
        raise BackendError(f"device '{name}' is not there: {first_line(error)}") from error
    return device
