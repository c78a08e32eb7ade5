"""What can run a network; all backends take the same crops and give the same answers."""

import ctypes
import logging
from collections.abc import Callable, Sequence
from typing import Any

from person_mtl_ros.backends.backend import (
    AUTO,
    Backend,
    BackendError,
    DeviceError,
    ImageBackend,
)
from person_mtl_ros.checkpoint import ModelFile

__all__ = [
    'AUTO',
    'BACKENDS',
    'Backend',
    'BackendError',
    'DeviceError',
    'ImageBackend',
    'create_backend',
    'open_backend',
]

logger = logging.getLogger(__name__)


def _torch(model: ModelFile, device: str, tasks: Sequence[str]) -> Backend:
    from person_mtl_ros.backends.torch_backend import TorchBackend, find_device

    if find_device(device).type != 'cuda':
        return TorchBackend(model, device, tasks)
    from person_mtl_ros.backends.torch_gpu.cuda_backend import TorchCudaBackend

    return TorchCudaBackend(model, device, tasks)


def _tensorrt(*arguments: Any) -> Backend:
    from person_mtl_ros.backends.tensorrt_backend import TensorRtBackend

    return TensorRtBackend(*arguments)


def _onnx(*arguments: Any) -> Backend:
    from person_mtl_ros.backends.onnx_backend import OnnxBackend

    return OnnxBackend(*arguments)


def _openvino(*arguments: Any) -> Backend:
    from person_mtl_ros.backends.openvino_backend import OpenVinoBackend

    return OpenVinoBackend(*arguments)


# Each imports its runtime only when it is chosen.
BACKENDS: dict[str, Callable[..., Backend]] = {
    'torch': _torch,
    'onnx': _onnx,
    'openvino': _openvino,
    'tensorrt': _tensorrt,
}
PACKAGES = {
    'torch': 'torch torchvision',
    'onnx': 'onnxruntime onnx',
    'openvino': 'openvino',
    'tensorrt': 'tensorrt "cuda-bindings[all]" onnx onnxruntime',
}
# Fastest first, as measured (docs/speed.md).
ON_CPU = ('openvino', 'onnx', 'torch')
# By what they do, not yet measured: TensorRT fuses normalisation with what is around it.
ON_GPU = ('tensorrt', 'torch')


def create_backend(name: str, model: ModelFile, device: str, tasks: Sequence[str]) -> Backend:
    """
    Prepare a network to run.

    :param name: key of ``BACKENDS``; ``auto`` takes the fastest that works here.
    :param model: checkpoint or exported network.
    :param device: ``cpu``, ``cuda``, ``cuda:1``...; ``auto`` takes a GPU if there is one.
    :param tasks: heads to compute.
    :raises BackendError: when the backend, the device or a head is not there.
    """
    if name == AUTO:
        return _fastest(model, device, tasks)
    backend = open_backend(name, model, device, tasks)
    logger.info('%s', _description(backend))
    return backend


def open_backend(name: str, model: ModelFile, device: str, tasks: Sequence[str]) -> Backend:
    """Prepare a network as :func:`create_backend` does, but choose nothing and log nothing."""
    if name not in BACKENDS:
        raise BackendError(
            f"unknown backend '{name}'; expected one of {', '.join((AUTO, *BACKENDS))}"
        )
    try:
        return BACKENDS[name](model, device, tasks)
    except ImportError as error:
        raise BackendError(
            f'backend {name} is not installed ({error}): pip install {PACKAGES[name]}'
        ) from error


def _fastest(model: ModelFile, device: str, tasks: Sequence[str]) -> Backend:
    on_cpu = [(name, 'cpu') for name in ON_CPU]
    if device == 'cpu':
        candidates = on_cpu
    elif device == AUTO:
        candidates = [(name, 'cuda') for name in ON_GPU if _has_cuda_driver()] + on_cpu
    else:
        candidates = [(name, device) for name in ON_GPU]
    faults = []
    for name, place in candidates:
        try:
            backend = open_backend(name, model, place, tasks)
        except BackendError as error:
            faults.append(f'not {name} on {place}: {error}')
            continue
        reasons = ''.join(f'; {fault}' for fault in faults)
        logger.info('%s; the fastest that works here%s', _description(backend), reasons)
        return backend
    raise BackendError(f"no backend runs on device '{device}': {'; '.join(faults)}")


def _description(backend: Backend) -> str:
    remark = f' ({backend.remark})' if backend.remark else ''
    return f'backend {backend.name} on {backend.device} in {backend.precision}{remark}'


def _has_cuda_driver() -> bool:
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        return False
    return True
