"""Backend: ONNX Runtime, on the CPU."""

from collections.abc import Sequence
from typing import Any

import onnx
import onnxruntime
from numpy.typing import NDArray

from person_mtl_ros.backends.backend import AUTO, BackendError, DeviceError, first_line
from person_mtl_ros.backends.conversion import exported_model
from person_mtl_ros.backends.typed_graph import cut_to_tasks
from person_mtl_ros.checkpoint import ModelFile
from person_mtl_ros.structures import UInt8Array

PROVIDER = 'CPUExecutionProvider'
ERRORS_ONLY = 3  # severity of the log


class OnnxBackend:
    """Run an exported network; the arguments are those of ``create_backend``."""

    name = 'onnx'
    device = 'cpu'
    remark = ''

    def __init__(self, model: ModelFile, device: str, tasks: Sequence[str]) -> None:
        if device not in (AUTO, 'cpu'):
            raise BackendError(f"backend onnx runs on the cpu; device is '{device}'")
        model = exported_model(model, tasks, 'onnx', 'onnxruntime', self.device)
        assert model.export is not None  # for the type
        # It has no faster convolutions in bf16.
        self.precision = 'int8' if model.export.precision == 'int8' else 'fp32'
        self._tasks = list(tasks)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        try:
            # onnxruntime computes all outputs of a graph.
            network = cut_to_tasks(onnx.load(model.path), self._tasks)
            self._session = onnxruntime.InferenceSession(
                network.SerializeToString(), options, providers=[PROVIDER]
            )
        except Exception as error:  # neither package has a class of its own for a broken file
            raise BackendError(
                f'{model.path} does not run with onnxruntime: {first_line(error)}'
            ) from error

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """Run the network and decode its outputs, see ``Backend``."""
        try:
            outputs = self._session.run(self._tasks, {'crops': crops})
        except Exception as error:  # of onnxruntime, whose classes are not public
            raise DeviceError(
                f'{self.device} failed on a batch of {len(crops)}: {first_line(error)}'
            ) from error
        return dict(zip(self._tasks, outputs, strict=True))
