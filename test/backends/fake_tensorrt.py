"""
TensorRT and the CUDA runtime as far as they are used, on a machine that has neither.

Memory of the GPU is memory of the host; a compiled network is its graph, run by ONNX Runtime. The
fakes are as strict as the real ones where mistakes would go unnoticed: types, shapes, memory.
"""

import ctypes
import enum
from types import ModuleType, SimpleNamespace

import numpy as np
import onnx
import onnxruntime

MAGIC = b'plan of '


class cudaError_t(enum.IntEnum):  # noqa: N801
    cudaSuccess = 0  # noqa: N815
    cudaErrorMemoryAllocation = 2  # noqa: N815


OK = cudaError_t.cudaSuccess


class FakeCuda(ModuleType):
    """``cuda.bindings.runtime``."""

    cudaError_t = cudaError_t  # noqa: N815
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)  # noqa: N815
    cudaStreamNonBlocking = 1  # noqa: N815

    def __init__(self) -> None:
        super().__init__('cuda.bindings.runtime')
        self.gpus = 1
        self.fails = False
        self.blocks: dict[int, ctypes.Array] = {}
        self.queue: list = []

    def cudaGetErrorString(self, error):  # noqa: N802
        return OK, {2: b'out of memory'}[error]

    def cudaGetDeviceCount(self):  # noqa: N802
        return OK, self.gpus

    def cudaGetDeviceProperties(self, device):  # noqa: N802
        return OK, SimpleNamespace(name=b'Fake GPU', major=9, minor=0)

    def cudaSetDevice(self, device):  # noqa: N802
        return (OK,)

    def cudaStreamCreateWithFlags(self, flags):  # noqa: N802
        return OK, 7

    def cudaStreamDestroy(self, stream):  # noqa: N802
        return (OK,)

    def cudaMalloc(self, size):  # noqa: N802
        if self.fails:
            return cudaError_t.cudaErrorMemoryAllocation, None
        block = (ctypes.c_uint8 * size)()
        self.blocks[ctypes.addressof(block)] = block
        return OK, ctypes.addressof(block)

    cudaMallocHost = cudaMalloc  # noqa: N815

    def cudaFree(self, address):  # noqa: N802
        del self.blocks[address]
        return (OK,)

    cudaFreeHost = cudaFree  # noqa: N815

    def cudaMemcpyAsync(self, target, source, size, kind, stream):  # noqa: N802
        if self.fails:
            return (cudaError_t.cudaErrorMemoryAllocation,)
        assert size <= min(len(self.blocks[target]), len(self.blocks[source]))
        self.queue.append(lambda: ctypes.memmove(target, source, size))
        return (OK,)

    def cudaStreamSynchronize(self, stream):  # noqa: N802
        for job in self.queue:
            job()
        self.queue.clear()
        return (OK,)


class FakeTensorRt(ModuleType):
    """``tensorrt``."""

    __version__ = '11.4.0'
    ILogger = type(
        'ILogger',
        (),
        {'Severity': enum.Enum('Severity', 'INTERNAL_ERROR ERROR WARNING INFO VERBOSE')},
    )
    NetworkDefinitionCreationFlag = enum.IntEnum(
        'NetworkDefinitionCreationFlag', {'STRONGLY_TYPED': 1}
    )
    BuilderFlag = enum.Enum('BuilderFlag', 'TF32')

    def __init__(self, cuda: FakeCuda) -> None:
        super().__init__('tensorrt')
        self.cuda = cuda
        self.builds: list[onnx.ModelProto] = []
        self.refuses = ''  # what goes wrong: parse, build, load, prepare, shape, run
        self.error = 0.0  # of half precision, added to every joint
        self.Builder = lambda log: _Builder(self, log)
        self.OnnxParser = lambda network, log: _Parser(self, network)
        self.Runtime = lambda log: _Runtime(self, log)

    @staticmethod
    def nptype(dtype):
        return dtype


class _Builder:
    def __init__(self, trt, log):
        self.trt, self.log = trt, log

    def create_network(self, flags):
        assert flags == 1 << 1
        return SimpleNamespace(model=None)

    def create_builder_config(self):
        return SimpleNamespace(
            flags={self.trt.BuilderFlag.TF32},
            clear_flag=lambda flag: None,
            add_optimization_profile=lambda profile: 0,
        )

    def create_optimization_profile(self):
        def set_shape(name, least, usual, most):
            assert name == 'crops'
            assert least[0] == 1 and least[1:] == usual[1:] == most[1:]
            assert 1 <= usual[0] <= most[0]

        return SimpleNamespace(set_shape=set_shape)

    def build_serialized_network(self, network, config):
        if self.trt.refuses == 'build':
            self.log.log(self.trt.ILogger.Severity.ERROR, 'no tactic\n')
            return None
        self.trt.builds.append(network.model)
        return memoryview(MAGIC + network.model.SerializeToString())


class _Parser:
    num_errors = 1

    def __init__(self, trt, network):
        self.trt, self.network = trt, network

    def parse(self, content):
        if self.trt.refuses == 'parse':
            return False
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
        self.network.model = model
        _check_types(model)
        return True

    def get_error(self, index):
        return SimpleNamespace(desc=lambda: 'unknown operation')


def _check_types(model):
    """Labels go through floats: TensorRT makes uint8 of nothing else."""
    types = {v.name: v.type.tensor_type.elem_type for v in _inferred(model)}
    for node in model.graph.node:
        if node.op_type == 'Cast' and types.get(node.output[0]) == onnx.TensorProto.UINT8:
            assert types[node.input[0]] in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


def _inferred(model):
    graph = onnx.shape_inference.infer_shapes(model).graph
    return (*graph.value_info, *graph.output)


class _Runtime:
    def __init__(self, trt, log):
        self.trt, self.log = trt, log

    def deserialize_cuda_engine(self, plan):
        if self.trt.refuses == 'load' or not plan.startswith(MAGIC):
            self.log.log(self.trt.ILogger.Severity.ERROR, 'made by another version')
            return None
        return _Engine(self.trt, self.log, onnx.load_from_string(plan[len(MAGIC) :]))


class _Engine:
    def __init__(self, trt, log, model):
        self.trt, self.log, self.model = trt, log, model
        self.outputs = {output.name: output.type.tensor_type for output in model.graph.output}

    def create_execution_context(self):
        return None if self.trt.refuses == 'prepare' else _Context(self)

    def get_tensor_shape(self, name):
        return [size.dim_value or -1 for size in self.outputs[name].shape.dim]

    def get_tensor_dtype(self, name):
        return onnx.helper.tensor_dtype_to_np_dtype(self.outputs[name].elem_type)


class _Context:
    def __init__(self, engine):
        self.engine, self.trt = engine, engine.trt
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(engine.model.SerializeToString(), options)
        self.addresses: dict[str, int] = {}
        self.shape = ()

    def set_tensor_address(self, name, address):
        self.addresses[name] = address
        return address in self.trt.cuda.blocks

    def set_input_shape(self, name, shape):
        self.shape = tuple(shape)
        return self.trt.refuses != 'shape' and name == 'crops' and 1 <= shape[0] <= 64

    def execute_async_v3(self, stream):
        assert stream == 7
        if self.trt.refuses == 'run':
            self.engine.log.log(self.trt.ILogger.Severity.ERROR, 'illegal address')
            return False
        self.trt.cuda.queue.append(self._run)
        return True

    def _run(self):
        blocks = self.trt.cuda.blocks
        size = int(np.prod(self.shape))
        crops = np.frombuffer(blocks[self.addresses['crops']], np.uint8, size).reshape(self.shape)
        names = list(self.engine.outputs)
        halves = any(t.data_type == 10 for t in self.engine.model.graph.initializer)
        for name, value in zip(names, self.session.run(names, {'crops': crops}), strict=True):
            if name == 'pose' and halves:
                value = value + np.float32(self.trt.error)
            target = blocks[self.addresses[name]]
            assert value.nbytes <= len(target)
            ctypes.memmove(target, value.tobytes(), value.nbytes)
