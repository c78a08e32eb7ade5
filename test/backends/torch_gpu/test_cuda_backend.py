"""
The backend for GPUs, on a GPU where there is one.

Elsewhere streams, events and pinned memory are replaced by nothing, since on a CPU everything
happens in the order it is called. A graph is replaced by one that does again what it saw, from the
same input to the same output.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import ClassVar
from unittest.mock import patch

import numpy as np
import pytest
import torch
from fake_checkpoint import INFO
from fake_crops import fake_crops

from person_mtl_ros.backends import BackendError, DeviceError, ImageBackend, agreement
from person_mtl_ros.backends.agreement import disagreements, measure_agreement
from person_mtl_ros.backends.batches import SIZES
from person_mtl_ros.backends.torch_backend import TorchBackend
from person_mtl_ros.backends.torch_gpu import cuda_backend
from person_mtl_ros.backends.torch_gpu.cuda_backend import TorchCudaBackend
from person_mtl_ros.backends.torch_gpu.frame_runner import EagerReplay, RowNetwork
from person_mtl_ros.checkpoint import Checkpoint
from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops
from person_mtl_ros.tasks import TASKS

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')


def _without_pinned_memory(*size: object, pin_memory: bool = False, **options: object) -> object:
    return _empty(*size, **options)


_empty = torch.empty


class Graph:
    """Remembers the run of a network while it is entered, and does it again."""

    entered: ClassVar[list['Graph']] = []

    def __init__(self) -> None:
        self.does_again: Callable[[], object] = lambda: None

    def replay(self) -> None:
        self.does_again()


@contextlib.contextmanager
def _capture(graph: Graph, pool: object, stream: object, **_: object) -> Iterator[None]:
    Graph.entered.append(graph)
    yield
    Graph.entered.pop()


def _run_watched(replay: EagerReplay, size: int) -> torch.Tensor:
    rows = _run(replay, size)
    for graph in Graph.entered:
        graph.does_again = lambda: rows.copy_(_run(replay, size))
    return rows


_run = EagerReplay.run


@pytest.fixture
def on_cpu() -> Iterator[None]:
    """Let the code for GPUs run on the CPU."""
    stream = SimpleNamespace(synchronize=lambda: None, wait_event=lambda event: None)
    event = SimpleNamespace(synchronize=lambda: None, record=lambda stream: None)
    with contextlib.ExitStack() as stack:
        for name, value in {
            'Stream': lambda device: stream,
            'Event': lambda: event,
            'stream': lambda stream: contextlib.nullcontext(),
            'current_stream': lambda device: stream,
            'synchronize': lambda device: None,
            'CUDAGraph': Graph,
            'graph': _capture,
            'graph_pool_handle': lambda: None,
        }.items():
            stack.enter_context(patch.object(torch.cuda, name, value))
        stack.enter_context(patch.object(torch, 'empty', _without_pinned_memory))
        stack.enter_context(patch.object(torch.Tensor, 'pin_memory', lambda tensor: tensor))
        stack.enter_context(patch.object(EagerReplay, 'run', _run_watched))
        stack.enter_context(patch.object(cuda_backend, 'WARM_UP', 0))
        yield


def _agree(expected: dict[str, np.ndarray], actual: dict[str, np.ndarray]) -> bool:
    return not disagreements(measure_agreement(expected, actual, INFO.crop.height))


def _check(backend: TorchCudaBackend, checkpoint: Checkpoint, picture: np.ndarray) -> None:
    """Compare answers about crops and images with those of the CPU."""
    reference = TorchBackend(checkpoint, 'cpu', TASKS)
    assert isinstance(backend, ImageBackend)
    for count in (1, 3, 70):
        assert _agree(reference.infer(fake_crops(count)), backend.infer(fake_crops(count)))
    images = [picture, picture[::-1], 255 - picture, picture[:400]]
    areas = crop_boxes([[10, 10, 60, 150], [300, 200, 360, 400], [-20, 0, 90, 300]], INFO.crop)
    for image, following in zip(images, [*images[1:], None], strict=True):
        if following is not None:
            backend.prefetch(following)
        outputs, sharpness = backend.infer_image(image, areas, max_batch=2)
        assert _agree(reference.infer(cut_crops(image, areas, INFO.crop)), outputs)
        assert sharpness.shape == (3,)


@pytest.mark.usefixtures('on_cpu')
@pytest.mark.parametrize(('precision', 'graphs'), [('fp16', True), ('fp32', False)])
def test_answers_are_those_of_the_cpu(
    checkpoint: Checkpoint, picture: np.ndarray, precision: str, graphs: bool
) -> None:
    _check(TorchCudaBackend(checkpoint, 'cpu', TASKS, precision, graphs), checkpoint, picture)


@pytest.mark.usefixtures('on_cpu')
def test_half_precision_is_verified_first(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    backend = TorchCudaBackend(checkpoint, 'cpu', TASKS, graphs=False)
    assert backend.precision == 'fp16'
    assert 'with torch on cpu in fp16 agrees with fp32: embedding_cosine' in caplog.text
    monkeypatch.setitem(agreement.EXACT.greatest, 'keypoint_error_px', 1e-4)
    backend = TorchCudaBackend(checkpoint, 'cpu', TASKS, graphs=False)
    assert backend.precision == 'fp32'
    assert 'in fp16 does not agree with fp32: keypoint_error_px' in caplog.text


@pytest.mark.usefixtures('on_cpu')
@pytest.mark.parametrize('place', ['convert', 'capture'])
def test_half_precision_that_cannot_be_prepared_is_not_used(
    checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    prepared: list[str] = []
    prepare_for_gpu = cuda_backend.prepare_for_gpu

    def prepare(network: torch.nn.Module, precision: str) -> torch.nn.Module:
        prepared.append(precision)
        if (place, precision) == ('convert', 'fp16'):
            raise torch.cuda.OutOfMemoryError('CUDA out of memory\ndetails')
        return prepare_for_gpu(network, precision)

    class Replay(EagerReplay):
        def __init__(self, network: RowNetwork, crop: CropParams, device, stream) -> None:
            if (place, prepared[-1]) == ('capture', 'fp16'):
                raise RuntimeError('CUDA error: operation not permitted\ndetails')
            super().__init__(network, crop, device)

    monkeypatch.setattr(cuda_backend, 'prepare_for_gpu', prepare)
    monkeypatch.setattr(cuda_backend, 'CudaGraphReplay', Replay)
    backend = TorchCudaBackend(checkpoint, 'cpu', TASKS)
    assert backend.precision == 'fp32'
    assert backend.infer(fake_crops(1))['reid'].shape == (1, INFO.embedding_dim)
    (record,) = caplog.records
    assert 'with torch on cpu in fp16 cannot be prepared: CUDA ' in record.getMessage()
    assert '\n' not in record.getMessage()


@pytest.mark.usefixtures('on_cpu')
def test_a_network_that_cannot_be_prepared_at_all_is_told_in_one_line(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError('out of memory\ndetails')

    monkeypatch.setattr(cuda_backend, 'CudaGraphReplay', out_of_memory)
    reason = 'in fp16 cannot be prepared: out of memory; in fp32 cannot be prepared: out of memory'
    with pytest.raises(BackendError, match=rf'x\.safetensors with torch on cpu {reason}$'):
        TorchCudaBackend(checkpoint, 'cpu', TASKS)
    with pytest.raises(BackendError, match=r'cannot run .*x\.safetensors: out of memory$'):
        TorchCudaBackend(checkpoint, 'cpu', TASKS, 'fp16')


@pytest.mark.usefixtures('on_cpu')
def test_a_device_that_fails_is_told_in_one_line(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = TorchCudaBackend(checkpoint, 'cpu', TASKS, 'fp32', graphs=False)

    def out_of_memory(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError('out of memory\ndetails')

    monkeypatch.setattr(cuda_backend.CudaFrame, 'write', out_of_memory)
    image, areas = np.zeros((9, 9, 3), np.uint8), np.array([[0, 0, 4, 8]], np.float32)
    with pytest.raises(DeviceError, match=r'^cpu failed on 1 people: out of memory$'):
        backend.infer_image(image, areas, 64)
    with pytest.raises(DeviceError, match=r'^cpu cannot take an image: out of memory$'):
        backend.prefetch(image)
    monkeypatch.setattr(cuda_backend.EagerReplay, 'run', out_of_memory)
    with pytest.raises(DeviceError, match=r'^cpu failed on a batch of 2: out of memory$'):
        backend.infer(fake_crops(2))
    with pytest.raises(BackendError, match=r'cannot run .*x\.safetensors: out of memory$'):
        TorchCudaBackend(checkpoint, 'cpu', TASKS, graphs=False)


@needs_gpu
@pytest.mark.parametrize('precision', ['fp16', 'fp32'])
@pytest.mark.parametrize('graphs', [True, False])
def test_answers_on_a_gpu_are_those_of_the_cpu(
    checkpoint: Checkpoint, picture: np.ndarray, precision: str, graphs: bool
) -> None:
    _check(TorchCudaBackend(checkpoint, 'cuda', TASKS, precision, graphs), checkpoint, picture)


@needs_gpu
def test_every_graph_answers_for_its_own_rows(checkpoint: Checkpoint) -> None:
    reference = TorchBackend(checkpoint, 'cpu', TASKS)
    backend = TorchCudaBackend(checkpoint, 'cuda', TASKS, 'fp16')
    for count in (*SIZES, *reversed(SIZES)):
        crops = fake_crops(count + 1)[1:]
        assert _agree(reference.infer(crops), backend.infer(crops))
