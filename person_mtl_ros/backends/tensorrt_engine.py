"""
Networks compiled by TensorRT (10 or newer), and what runs them.

Axes: N crops, H and W of the crop.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import tensorrt as trt
from numpy.typing import NDArray

from person_mtl_ros.backends.batches import MAX_BATCH, batches
from person_mtl_ros.backends.cuda_memory import Memory, Stream
from person_mtl_ros.backends.typed_graph import cut_to_tasks, type_graph
from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import UInt8Array

REVISION = '1'  # of what is compiled from a network; another one makes kept engines stale
INPUT = 'crops'
USUAL_BATCH = 8  # for which TensorRT chooses its kernels

logger = logging.getLogger(__name__)


class EngineError(RuntimeError):
    """What TensorRT did not do, and why."""


class _Log(trt.ILogger):
    """Passes on what TensorRT says, and keeps errors: its functions return nothing else."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.last_error = ''

    def log(self, severity: trt.ILogger.Severity, message: str) -> None:
        if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
            self.last_error = message
            logger.warning('TensorRT: %s', message)
        elif severity == trt.ILogger.Severity.WARNING:
            logger.info('TensorRT: %s', message)

    def fault(self, event: str) -> EngineError:
        """Say in one line what went wrong."""
        reason, self.last_error = self.last_error.strip(), ''
        return EngineError(f'{event}: {reason or "no reason given"}'[:300])


_LOG = _Log()


def build_plan(
    network: onnx.ModelProto, tasks: Sequence[str], crop: CropParams, precision: str
) -> bytes:
    """
    Compile a network for the GPU in use; takes minutes.

    :param network: exported, in fp32.
    :param tasks: whose answers are needed.
    :param crop: size of the crops.
    :param precision: ``fp16`` or ``fp32``.
    :returns: what ``Engine`` loads; for this GPU and this version of TensorRT only.
    :raises EngineError: when TensorRT cannot.
    """
    graph = cut_to_tasks(network, tasks)
    type_graph(graph, precision)
    builder = trt.Builder(_LOG)
    strongly_typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    definition = builder.create_network(strongly_typed)
    parser = trt.OnnxParser(definition, _LOG)
    if not parser.parse(graph.SerializeToString()):
        reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise EngineError(f'TensorRT cannot read the network: {"; ".join(reasons)}'[:300])
    config = builder.create_builder_config()
    # fp32 would be rounded to 10 bits otherwise.
    config.clear_flag(trt.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    shape = (3, crop.height, crop.width)
    profile.set_shape(INPUT, (1, *shape), (USUAL_BATCH, *shape), (MAX_BATCH, *shape))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(definition, config)
    if plan is None:
        raise _LOG.fault('TensorRT cannot compile the network')
    return bytes(plan)


class _Output(NamedTuple):
    shape: tuple[int, ...]  # of one crop
    dtype: np.dtype[Any]
    memory: Memory

    @property
    def bytes_per_crop(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize


class Engine:
    """
    Run a compiled network on the GPU in use.

    :param plan: result of ``build_plan``.
    :param tasks: it was made for.
    :param crop: size of the crops; ``input`` holds them, (N, 3, H, W) uint8 RGB.
    :raises EngineError: when the plan was made for another GPU or version, or memory is short.
    :raises CudaError: when memory is short.
    """

    def __init__(self, plan: bytes, tasks: Sequence[str], crop: CropParams) -> None:
        self._crop_shape = (3, crop.height, crop.width)
        runtime = trt.Runtime(_LOG)
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise _LOG.fault('TensorRT does not load the compiled network')
        self._context = engine.create_execution_context()
        if self._context is None:
            raise _LOG.fault('TensorRT cannot prepare the network')
        self.stream = Stream()
        self.input = Memory(MAX_BATCH * int(np.prod(self._crop_shape)))
        self._outputs = {}
        for task in tasks:
            shape = tuple(engine.get_tensor_shape(task))[1:]
            dtype = np.dtype(trt.nptype(engine.get_tensor_dtype(task)))
            size = MAX_BATCH * int(np.prod(shape)) * dtype.itemsize
            self._outputs[task] = _Output(shape, dtype, Memory(size))
        # An engine lives as long as somebody refers to it.
        self._owners = runtime, engine
        places = {INPUT: self.input, **{t: o.memory for t, o in self._outputs.items()}}
        for name, memory in places.items():
            if not self._context.set_tensor_address(name, memory.device):
                raise _LOG.fault(f'TensorRT takes no memory for {name}')

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """
        Run the network and decode its outputs, see ``Backend``.

        :raises EngineError: when TensorRT fails, or crops have another size.
        :raises CudaError: when the GPU fails.
        """
        if crops.shape[1:] != self._crop_shape:
            raise EngineError(f'crops are {crops.shape[1:]}; expected {self._crop_shape}')

        def fill(begin: int, end: int) -> None:
            part = crops[begin:end]
            self.input.host[: part.size] = part.reshape(-1)
            self.input.upload(part.size, self.stream)

        return self.run(fill, len(crops))

    def run(
        self, fill: Callable[[int, int], None], count: int, max_batch: int = MAX_BATCH
    ) -> dict[str, NDArray[Any]]:
        """
        Run the network on crops that are on the GPU.

        :param fill: queues in ``stream`` what puts crops ``begin`` to ``end`` into ``input``.
        :param count: of all crops.
        :param max_batch: crops at once.
        """
        parts = []
        for begin, end, _ in batches(count, max_batch):  # an engine takes any size: no padding
            fill(begin, end)
            parts.append(self._run_batch(end - begin))
        return {task: np.concatenate([part[task] for part in parts]) for task in self._outputs}

    def _run_batch(self, count: int) -> dict[str, NDArray[Any]]:
        if not self._context.set_input_shape(INPUT, (count, *self._crop_shape)):
            raise _LOG.fault(f'TensorRT refuses a batch of {count}')
        if not self._context.execute_async_v3(self.stream.handle):
            raise _LOG.fault('TensorRT failed')
        for output in self._outputs.values():
            output.memory.download(count * output.bytes_per_crop, self.stream)
        self.stream.synchronize()
        answers = {}
        for task, output in self._outputs.items():
            content = output.memory.host[: count * output.bytes_per_crop]
            # The memory is used again by the next batch.
            answers[task] = content.view(output.dtype).reshape(-1, *output.shape).copy()
        return answers
