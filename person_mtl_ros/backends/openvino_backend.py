"""Backend: OpenVINO, on the CPU."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from person_mtl_ros.backends.backend import AUTO, BackendError, DeviceError
from person_mtl_ros.backends.bf16_network import prepare_for_bf16
from person_mtl_ros.backends.conversion import exported_model
from person_mtl_ros.backends.file_cache import cached_file
from person_mtl_ros.checkpoint import ModelFile
from person_mtl_ros.structures import UInt8Array

DEVICE = 'CPU'
REVISION = '3'  # of what is compiled from a network; another one makes kept networks stale
# Names of precisions in OpenVINO.
PRECISION_HINTS = {'fp32': 'f32', 'bf16': 'bf16', 'int8': 'f32'}  # int8: of what stays in floats


class OpenVinoBackend:
    """
    Run an exported network; the arguments are those of ``create_backend``.

    Crops are computed one by one, each by one core: the maps of one crop stay in the cache of
    its core, the shapes are fixed, and cores do not wait for each other. Where that would leave
    half of the cores idle, all of them share one crop.
    """

    name = 'openvino'
    device = 'cpu'

    def __init__(self, model: ModelFile, device: str, tasks: Sequence[str]) -> None:
        if device not in (AUTO, 'cpu'):
            raise BackendError(f"backend openvino runs on the cpu; device is '{device}'")
        core = openvino.Core()
        processor = core.get_property(DEVICE, 'FULL_DEVICE_NAME')
        model = exported_model(model, tasks, 'openvino', 'openvino', processor)
        assert model.export is not None  # for the type
        self.precision = model.export.precision
        self.remark = '; '.join(
            f'{precision} was refused: {reason}'
            for precision, reason in model.export.refused.items()
        )
        abilities = core.get_property(DEVICE, 'OPTIMIZATION_CAPABILITIES')
        if self.precision == 'bf16' and 'BF16' not in abilities:
            self.precision, self.remark = 'fp32', f'{processor} has no bf16'
        self._tasks = tuple(tasks)
        try:
            blob = self._compiled_blob(core, model, processor)
            shared = self._load(core, blob, streams=1)
            self._cores: int = shared.get_property('INFERENCE_NUM_THREADS')
            self._shared = self._queue(shared, 1)
            self._parallel = self._shared
            if self._cores > 1:
                parallel = self._load(core, blob, streams=self._cores)
                self._parallel = self._queue(parallel, self._cores)
        except RuntimeError as error:  # openvino has no class of its own
            reason = _reason(error)
            raise BackendError(f'{model.path} does not run with openvino: {reason}') from error

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """Run the network and decode its outputs, see ``Backend``."""
        queue = self._shared if 2 * len(crops) <= self._cores else self._parallel
        answers: list[dict[str, NDArray[Any]]] = [{} for _ in crops]
        try:
            for crop, answer in zip(np.ascontiguousarray(crops), answers, strict=True):
                queue.start_async({0: crop[None]}, answer, share_inputs=True)
            queue.wait_all()
        except RuntimeError as error:
            raise DeviceError(
                f'{self.device} failed on a batch of {len(crops)}: {_reason(error)}'
            ) from error
        return {task: np.concatenate([answer[task] for answer in answers]) for task in self._tasks}

    def _queue(self, compiled: openvino.CompiledModel, jobs: int) -> openvino.AsyncInferQueue:
        queue = openvino.AsyncInferQueue(compiled, jobs)
        queue.set_callback(self._keep)
        return queue

    def _keep(self, request: openvino.InferRequest, answer: dict[str, NDArray[Any]]) -> None:
        # The memory of a request is used again by the next.
        for task in self._tasks:
            answer[task] = request.get_tensor(task).data.copy()

    def _config(self, streams: int) -> dict[str, Any]:
        return {
            'INFERENCE_PRECISION_HINT': PRECISION_HINTS[self.precision],
            'NUM_STREAMS': str(streams),
            # Pinned threads wait for whoever else runs on their core.
            'ENABLE_CPU_PINNING': False,
        }

    def _compiled_blob(self, core: openvino.Core, model: ModelFile, processor: str) -> bytes:
        assert model.export is not None  # for the type

        def write(path: Path) -> None:
            network = self._network(core, model)
            if self.precision == 'bf16':
                network = prepare_for_bf16(core, network, model.info.crop.height)
            compiled = core.compile_model(network, DEVICE, self._config(1))
            exported = compiled.export_model()
            path.write_bytes(exported if isinstance(exported, bytes) else exported.getvalue())

        key = {
            'revision': REVISION,
            'network': model.export.graph_digest,
            'tasks': ' '.join(self._tasks),
            'precision': self.precision,
            'device': processor,
            'openvino': openvino.get_version(),
        }
        return cached_file(f'{model.model_id}.blob', key, write).read_bytes()

    def _network(self, core: openvino.Core, model: ModelFile) -> openvino.Model:
        network = core.read_model(model.path)
        # Without the other outputs, what only they need is not compiled.
        network = openvino.Model(
            [network.output(task) for task in self._tasks], network.get_parameters()
        )
        crop = model.info.crop
        network.reshape([1, 3, crop.height, crop.width])
        return network

    def _load(self, core: openvino.Core, blob: bytes, streams: int) -> openvino.CompiledModel:
        return core.import_model(blob, DEVICE, self._config(streams))


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else 'no reason given'
