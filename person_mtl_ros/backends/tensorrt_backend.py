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
from person_mtl_ros.backends.batches import MAX_BATCH
from person_mtl_ros.backends.conversion import exported_model
from person_mtl_ros.backends.cuda_memory import CudaError, Gpu
from person_mtl_ros.backends.file_cache import cached_file
from person_mtl_ros.backends.onnx_backend import OnnxBackend
from person_mtl_ros.backends.precisions import GPU_PRECISIONS
from person_mtl_ros.backends.sample_crops import sample_crops
from person_mtl_ros.backends.tensorrt_engine import (
    REVISION,
    USUAL_BATCH,
    Engine,
    EngineError,
    build_plan,
)
from person_mtl_ros.backends.tensorrt_images import ImageRunner
from person_mtl_ros.backends.verification import (
    DisagreementError,
    answers_to_batches,
    fastest_precision,
    log_agreement,
    verified_agreement,
)
from person_mtl_ros.checkpoint import ModelFile
from person_mtl_ros.structures import Float32Array, UInt8Array

logger = logging.getLogger(__name__)


class TensorRtBackend:
    """
    Run an exported network; the first arguments are those of ``create_backend``.

    It is the file that ONNX Runtime runs, compiled for the GPU when it is first used. What comes
    of it is kept, and so is which precision agrees with ONNX Runtime in fp32.

    :param precision: one of ``GPU_PRECISIONS``; ``auto`` takes the fastest that can be prepared
        and whose answers to people of the shipped clip agree.
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
            if precision == AUTO:
                self.precision, self._engine = fastest_precision(
                    self._subject, GPU_PRECISIONS, self._load_verified
                )
            else:
                self.precision, self._engine = precision, self._load(precision)
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

    @property
    def _subject(self) -> str:
        return f'{self._model.path} with {self.name} on {self.device}'

    def _load_verified(self, precision: str) -> Engine:
        """Load the network in a precision unless its answers were found to be others."""

        def write(path: Path) -> None:
            path.write_text(self._disagreement(precision))

        name = f'{self._model.model_id}.disagreement'
        path = cached_file(name, self._key(precision), write)
        if disagreement := path.read_text():
            raise DisagreementError(disagreement)
        return self._load(precision)

    def _disagreement(self, precision: str) -> str:
        """Compare with ONNX Runtime and say what differs; empty when the answers agree."""
        crops = sample_crops(self._model.info.crop)
        reference = OnnxBackend(self._model, OnnxBackend.device, self._tasks)
        try:
            agreement = verified_agreement(
                self._load(precision), answers_to_batches(reference, crops), crops
            )
        except DisagreementError as error:
            return str(error)
        log_agreement(f'{self._subject} in {precision}', agreement)
        return ''

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

        name, key = f'{self._model.model_id}.plan', self._key(precision)
        path = cached_file(name, key, write)
        try:
            return Engine(path.read_bytes(), self._tasks, crop)
        except EngineError as error:
            logger.warning('%s is made again: %s', path, error)
            path.unlink()
            path = cached_file(name, key, write)
            return Engine(path.read_bytes(), self._tasks, crop)

    def _key(self, precision: str) -> dict[str, str]:
        """All that decides what TensorRT makes."""
        assert self._model.export is not None  # for the type
        return {
            'revision': REVISION,
            'network': self._model.export.graph_digest,
            'tasks': ' '.join(self._tasks),
            'precision': precision,
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
