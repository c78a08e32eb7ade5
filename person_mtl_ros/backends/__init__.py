"""What can run a network; all backends take the same crops and give the same answers."""

from collections.abc import Callable, Sequence
from typing import Any

from person_mtl_ros.backends.backend import Backend, BackendError, DeviceError
from person_mtl_ros.checkpoint import Checkpoint

__all__ = ['BACKENDS', 'Backend', 'BackendError', 'DeviceError', 'create_backend']


def _torch(*arguments: Any) -> Backend:
    from person_mtl_ros.backends.torch_backend import TorchBackend

    return TorchBackend(*arguments)


# Each imports its runtime only when it is chosen.
BACKENDS: dict[str, Callable[..., Backend]] = {'torch': _torch}


def create_backend(
    name: str, checkpoint: Checkpoint, device: str, tasks: Sequence[str]
) -> Backend:
    """
    Prepare a network to run.

    :param name: key of ``BACKENDS``.
    :param checkpoint: weights and description of the network.
    :param device: ``cpu``, ``cuda``, ``cuda:1``...; ``auto`` takes a GPU if there is one.
    :param tasks: heads to compute.
    :raises BackendError: when the backend, the device or a head is not there.
    """
    if name not in BACKENDS:
        raise BackendError(f"unknown backend '{name}'; expected one of {', '.join(BACKENDS)}")
    return BACKENDS[name](checkpoint, device, tasks)
