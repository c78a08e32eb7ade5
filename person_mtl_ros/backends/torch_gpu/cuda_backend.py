"""
Backend: torch on a CUDA GPU.

An image goes to the GPU once, from pinned memory on a stream of its own, so that the next one can
come while the network runs. Crops are cut there, the network runs as a CUDA graph for each of
``batches.SIZES``, and the answers come back in one copy per batch.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from person_mtl_ros.backends.backend import (
    AUTO,
    BackendError,
    DeviceError,
    ImageAnswers,
    first_line,
)
from person_mtl_ros.backends.batches import SIZES
from person_mtl_ros.backends.frame_ring import FrameRing
from person_mtl_ros.backends.precisions import GPU_PRECISIONS
from person_mtl_ros.backends.sample_crops import sample_crops
from person_mtl_ros.backends.torch_backend import (
    checkpoint_of,
    decoder_of,
    find_device,
    load_network,
)
from person_mtl_ros.backends.torch_gpu.device_crops import planar_image
from person_mtl_ros.backends.torch_gpu.frame_runner import (
    EagerReplay,
    FrameRunner,
    Replay,
    RowNetwork,
)
from person_mtl_ros.backends.torch_gpu.half_precision import prepare_for_gpu
from person_mtl_ros.backends.verification import (
    answers_to_batches,
    fastest_precision,
    log_agreement,
    verified_agreement,
)
from person_mtl_ros.checkpoint import ModelFile
from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import Float32Array, UInt8Array

WARM_UP = 3  # runs before a capture: libraries choose their kernels in the first ones


class TorchCudaBackend:
    """
    Run the network of a checkpoint on a GPU; the first arguments are those of ``create_backend``.

    :param precision: one of ``GPU_PRECISIONS``; ``auto`` takes the fastest that can be prepared
        and whose answers to people of the shipped clip agree with those in fp32.
    :param graphs: False launches every operation anew, to compare with.
    """

    name = 'torch'
    remark = ''  # the log tells it when the precision is chosen

    def __init__(
        self,
        model: ModelFile,
        device: str,
        tasks: Sequence[str],
        precision: str = AUTO,
        graphs: bool = True,
    ) -> None:
        self._device = find_device(device)
        self.device = str(self._device)
        checkpoint = checkpoint_of(model)
        self._info = checkpoint.info
        self._graphs = graphs
        self._stream = torch.cuda.Stream(self._device)
        with self._on_device(f'cannot run {model.path}', BackendError):
            network = load_network(checkpoint, tasks).to(self._device)
            if precision == AUTO:
                subject = f'{model.path} with {self.name} on {self.device}'
                self.precision, self._runner = self._fastest(subject, network)
            else:
                self.precision, self._runner = precision, self._prepare(network, precision)
            upload = torch.cuda.Stream(self._device)
            self._frames = FrameRing([CudaFrame(self._device, upload) for _ in range(2)])

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """Run the network and decode its outputs, see ``Backend``."""
        with self._on_device(f'failed on a batch of {len(crops)}', DeviceError):
            return self._runner.infer(crops)

    def prefetch(self, image_bgr: UInt8Array) -> None:
        """Begin to bring an image to the GPU, see ``ImageBackend``."""
        with self._on_device('cannot take an image', DeviceError):
            self._frames.prefetch(image_bgr)

    def infer_image(
        self, image_bgr: UInt8Array, areas_xyxy: Float32Array, max_batch: int
    ) -> ImageAnswers:
        """Cut crops and run the network, see ``ImageBackend``."""
        with self._on_device(f'failed on {len(areas_xyxy)} people', DeviceError):
            planes = self._frames.take(image_bgr).planes()
            return self._runner.infer_image(planes, areas_xyxy, max_batch)

    def _fastest(self, subject: str, network: nn.Module) -> tuple[str, FrameRunner]:
        crops = sample_crops(self._info.crop)
        expected = answers_to_batches(self._runner_of(network, graphs=False), crops)

        def prepare(precision: str) -> FrameRunner:
            runner = self._prepare(network, precision)
            agreement = verified_agreement(runner, expected, crops)
            log_agreement(f'{subject} in {precision}', agreement)
            return runner

        return fastest_precision(subject, GPU_PRECISIONS, prepare)

    def _prepare(self, network: nn.Module, precision: str) -> FrameRunner:
        fast = prepare_for_gpu(copy.deepcopy(network), precision)
        return self._runner_of(fast, self._graphs)

    def _runner_of(self, network: nn.Module, graphs: bool) -> FrameRunner:
        crop, device = self._info.crop, self._device
        one_crop = torch.zeros(1, 3, crop.height, crop.width, dtype=torch.uint8, device=device)
        rows = RowNetwork(network, decoder_of(self._info), one_crop)
        replay: Replay = (
            CudaGraphReplay(rows, crop, device, self._stream)
            if graphs
            else EagerReplay(rows, crop, device)
        )
        return FrameRunner(replay, rows.layout, crop, self._stream.synchronize, pin=True)

    @contextmanager
    def _on_device(self, event: str, error_class: type[Exception]) -> Iterator[None]:
        """Queue the work of the block on our stream; say in one line what failed."""
        # Convolutions in fp32 would be rounded to 10 bits otherwise.
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)
        try:
            with torch.cuda.stream(self._stream), torch.inference_mode(), exact:
                yield
        except RuntimeError as error:  # torch has no narrower class for a device that fails
            if isinstance(error, torch.cuda.OutOfMemoryError):
                torch.cuda.empty_cache()
            raise error_class(f'{self.device} {event}: {first_line(error)}') from error


class CudaGraphReplay:
    """
    All operations of a network as one launch, for each of ``batches.SIZES``; see ``Replay``.

    The graphs share memory, which is safe since they never run at the same time and their results
    are taken before the next one runs. The largest comes first: the others fit into its memory.
    """

    def __init__(
        self,
        network: RowNetwork,
        crop: CropParams,
        device: torch.device,
        stream: torch.cuda.Stream,
    ) -> None:
        eager = EagerReplay(network, crop, device)
        self.crops = eager.crops
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self._rows: dict[int, Tensor] = {}
        pool = torch.cuda.graph_pool_handle()
        for size in reversed(SIZES):
            for _ in range(WARM_UP):
                eager.run(size)
            stream.synchronize()
            self._graphs[size] = torch.cuda.CUDAGraph()
            # Other threads may use the GPU meanwhile.
            with torch.cuda.graph(
                self._graphs[size], pool, stream, capture_error_mode='thread_local'
            ):
                self._rows[size] = eager.run(size)

    def run(self, size: int) -> Tensor:
        """See ``Replay``."""
        self._graphs[size].replay()
        return self._rows[size]


class CudaFrame:
    """
    Memory for one image on the host and on the GPU; see ``FrameBuffer``.

    :param upload: stream of copies to the GPU.
    """

    def __init__(self, device: torch.device, upload: torch.cuda.Stream) -> None:
        self._device = device
        self._upload = upload
        self._host = torch.empty(0, dtype=torch.uint8)
        self._image = self._host
        self._uploaded = torch.cuda.Event()
        self._read = torch.cuda.Event()

    def write(self, image_bgr: UInt8Array) -> None:
        """Begin to bring an image there; waits only while the one before is still on its way."""
        self._uploaded.synchronize()
        if self._host.shape != image_bgr.shape:
            torch.cuda.synchronize(self._device)  # nobody reads what is given back now
            self._host = torch.empty(image_bgr.shape, dtype=torch.uint8, pin_memory=True)
            self._image = torch.empty(image_bgr.shape, dtype=torch.uint8, device=self._device)
        self._host.numpy()[...] = image_bgr
        with torch.cuda.stream(self._upload):
            self._upload.wait_event(self._read)
            self._image.copy_(self._host, non_blocking=True)
            self._uploaded.record(self._upload)

    def planes(self) -> Tensor:
        """Queue what turns the image into ``device_crops.planar_image``."""
        stream = torch.cuda.current_stream(self._device)
        stream.wait_event(self._uploaded)
        planes = planar_image(self._image)
        self._read.record(stream)
        return planes
