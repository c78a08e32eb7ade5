"""Backend: TensorRT, on NVIDIA GPUs."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import tensorrt
from numpy.typing import NDArray

from person_mtl_ros.backends.backend import AUTO, BackendError, DeviceError, ImageAnswers
from person_mtl_ros.backends.conversion import exported_model
from person_mtl_ros.backends.cuda_memory import CudaError, Gpu
from person_mtl_ros.backends.file_cache import cached_file
from person_mtl_ros.backends.onnx_backend import OnnxBackend
from person_mtl_ros.backends.sample_crops import sample_crops
from person_mtl_ros.backends.tensorrt_engine import (
    MAX_BATCH,
    REVISION,
    USUAL_BATCH,
    Engine,
    EngineError,
    build_plan,
)
from person_mtl_ros.backends.tensorrt_images import ImageRunner
from person_mtl_ros.backends.verification import fastest_that_agrees
from person_mtl_ros.checkpoint import ModelFile
from person_mtl_ros.structures import Float32Array, UInt8Array

PRECISIONS = ('fp16', 'fp32')  # fastest first

logger = logging.getLogger(__name__)


class TensorRtBackend:
    """
    Run an exported network; the first arguments are those of ``create_backend``.

    It is the file that ONNX Runtime runs, compiled for the GPU when it is first used. What comes
    of it is kept, and so is which precision agrees with ONNX Runtime in fp32.

    :param precision: one of ``PRECISIONS``; ``auto`` takes the fastest whose answers to people of
        the shipped clip agree.
    """

    name = 'tensorrt'
    remark = ''  # the log tells it when the precision is chosen

    def __init__(
        self, model: ModelFile, device: str, tasks: Sequence[str], precision: str = AUTO
    ) -> None:
        self._tasks = tuple(tasks)
        try:
            self._gpu = Gpu.open(_number(device))
            self._gpu.use()
            self.device = f'cuda:{self._gpu.number}'
            self._model = exported_model(
                model, tasks, OnnxBackend.name, 'onnxruntime', OnnxBackend.device
            )
            self.precision = self._verified_precision() if precision == AUTO else precision
            self._engine = self._load(self.precision)
            self._images = ImageRunner(self._engine, self._gpu, self._model.info.crop)
            self._images.verify()
        except (EngineError, CudaError) as error:
            raise BackendError(f'{model.path} does not run on {device}: {error}') from error

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """Run the network and decode its outputs, see ``Backend``."""
        with self._on_device(f'failed on a batch of {len(crops)}'):
            return self._engine.infer(crops)

    def prefetch(self, image_bgr: UInt8Array) -> None:
        """Begin to bring an image to the GPU, see ``ImageBackend``."""
        with self._on_device('cannot take an image'):
            self._images.prefetch(image_bgr)

    def infer_image(
        self, image_bgr: UInt8Array, areas_xyxy: Float32Array, max_batch: int
    ) -> ImageAnswers:
        """Cut crops and run the network, see ``ImageBackend``."""
        with self._on_device(f'failed on {len(areas_xyxy)} people'):
            return self._images.infer_image(image_bgr, areas_xyxy, max_batch)

    @contextmanager
    def _on_device(self, event: str) -> Iterator[None]:
        """Use the GPU in this thread; say in one line what failed."""
        try:
            self._gpu.use()
            yield
        except (EngineError, CudaError) as error:
            raise DeviceError(f'{self.device} {event}: {error}') from error

    def _verified_precision(self) -> str:
        def write(path: Path) -> None:
            precision, _ = fastest_that_agrees(
                f'{self._model.path} with tensorrt on {self.device}',
                PRECISIONS,
                self._load,
                OnnxBackend(self._model, OnnxBackend.device, self._tasks),
                sample_crops(self._model.info.crop),
            )
            path.write_text(precision)

        return cached_file(f'{self._model.model_id}.precision', self._key(), write).read_text()

    def _load(self, precision: str) -> Engine:
        crop = self._model.info.crop

        def write(path: Path) -> None:
            logger.info(
                'compiling %s in %s for %s, which takes minutes; the result is kept',
                self._model.path,
                precision,
                self._gpu.name,
            )
            network = onnx.load(self._model.path)
            path.write_bytes(build_plan(network, self._tasks, crop, precision))

        key = {**self._key(), 'precision': precision}
        path = cached_file(f'{self._model.model_id}.plan', key, write)
        try:
            return Engine(path.read_bytes(), self._gpu, self._tasks, crop)
        except EngineError as error:
            logger.warning('%s is made again: %s', path, error)
            path.unlink()
            path = cached_file(f'{self._model.model_id}.plan', key, write)
            return Engine(path.read_bytes(), self._gpu, self._tasks, crop)

    def _key(self) -> dict[str, str]:
        """All that decides what TensorRT makes."""
        assert self._model.export is not None  # for the type
        return {
            'revision': REVISION,
            'network': self._model.export.graph_digest,
            'tasks': ' '.join(self._tasks),
            'device': self._gpu.name,
            'compute capability': self._gpu.compute_capability,
            'tensorrt': tensorrt.__version__,
            'batch': f'{USUAL_BATCH} of {MAX_BATCH}',
        }


def _number(device: str) -> int:
    kind, _, number = device.partition(':')
    if device == AUTO:
        return 0
    if kind != 'cuda' or not (number.isdecimal() or device == 'cuda'):
        raise BackendError(f"backend tensorrt runs on a GPU, as cuda:0; device is '{device}'")
    return int(number or 0)
