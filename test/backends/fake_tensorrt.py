"""
TensorRT and the CUDA runtime as far as they are used, on a machine that has neither.

Memory of the GPU is memory of the host; a compiled network is its graph, run by ONNX Runtime. The
fakes are as strict as the real ones where mistakes would go unnoticed: types, shapes, memory.
"""

import ctypes
import enum
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import onnx
import onnxruntime

from person_mtl_ros.crops import CropParams, cut_crops

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
    cudaEventDisableTiming = 2  # noqa: N815

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
        self.cudaStreamSynchronize(7)  # the real one waits too
        del self.blocks[address]
        return (OK,)

    cudaFreeHost = cudaFree  # noqa: N815

    def cudaMemcpyAsync(self, target, source, size, kind, stream):  # noqa: N802
        if self.fails:
            return (cudaError_t.cudaErrorMemoryAllocation,)
        self.queue.append(lambda: self._copy(target, source, size))
        return (OK,)

    def _copy(self, target, source, size):
        assert size <= min(len(self.blocks[target]), len(self.blocks[source]))
        ctypes.memmove(target, source, size)

    def cudaMemsetAsync(self, target, value, size, stream):  # noqa: N802
        self.queue.append(lambda: self._set(target, value, size))
        return (OK,)

    def _set(self, target, value, size):
        assert size <= len(self.blocks[target])
        ctypes.memset(target, value, size)

    def cudaEventCreateWithFlags(self, flags):  # noqa: N802
        return OK, 8

    def cudaEventDestroy(self, event):  # noqa: N802
        return (OK,)

    cudaEventSynchronize = cudaEventDestroy  # noqa: N815

    def cudaEventRecord(self, event, stream):  # noqa: N802
        return (OK,)

    def cudaStreamWaitEvent(self, stream, event, flags):  # noqa: N802
        return (OK,)

    def cudaStreamSynchronize(self, stream):  # noqa: N802
        for job in self.queue:
            job()
        self.queue.clear()
        return (OK,)


class FakeDriver(ModuleType):
    """``cuda.bindings.driver``, with the two kernels done by the functions for CPUs."""

    def __init__(self, cuda: FakeCuda) -> None:
        super().__init__('cuda.bindings.driver')
        self.cuda = cuda
        self.brightness = 0  # what crops are too bright by

    def cuModuleLoadData(self, code):  # noqa: N802
        return OK, code

    def cuModuleUnload(self, module):  # noqa: N802
        return (OK,)

    def cuModuleGetFunction(self, module, name):  # noqa: N802
        assert name in module
        return OK, {b'cut_crops': self._cut_crops, b'sum_detail': self._sum_detail}[name]

    def cuLaunchKernel(self, kernel, *arguments):  # noqa: N802
        count, (values, types) = arguments[1], arguments[8]
        assert len(values) == len(types)
        self.cuda.queue.append(lambda: kernel(count, *values))
        return (OK,)

    def _cut_crops(self, count, image, height, width, places, samples, *rest):
        (crop_height, crop_width, crops) = rest
        image_bgr = self._array(image, (height, width, 3), np.uint8)
        x, y, step_x, step_y = self._array(places, (count, 4), np.float32).astype(float).T
        number = self._array(samples, (count,), np.int32)
        x, y = x + 0.5 - step_x / 2, y + 0.5 - step_y / 2
        right, bottom = x + step_x * number * crop_width, y + step_y * number * crop_height
        areas = np.stack((x, y, right, bottom), axis=1).astype(np.float32)
        cut = cut_crops(image_bgr, areas, CropParams(crop_height, crop_width))
        self._array(crops, cut.shape, np.uint8)[:] = cut + self.brightness

    def _sum_detail(self, count, crops, height, width, sums):
        result = self._array(sums, (count, 4), np.int64)
        rgb = self._array(crops, (count, 3, height, width), np.uint8)
        for row, crop in zip(result, rgb, strict=True):
            green = crop[1].astype(int)
            detail = green - cv2.GaussianBlur(crop[1], (0, 0), 1.0)
            row += [green.sum(), (green**2).sum(), detail.sum(), (detail**2).sum()]

    def _array(self, address, shape, dtype):
        """Memory from an address on, which may lie inside a block."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        assert any(
            begin <= address and address + size <= begin + len(block)
            for begin, block in self.cuda.blocks.items()
        )
        content = (ctypes.c_uint8 * size).from_address(address)
        return np.frombuffer(content, dtype).reshape(shape)


class FakeNvrtc(ModuleType):
    """``cuda.bindings.nvrtc``, whose machine code is the source."""

    def __init__(self) -> None:
        super().__init__('cuda.bindings.nvrtc')
        self.is_installed = True

    def nvrtcCreateProgram(self, source, name, count, headers, names):  # noqa: N802
        if not self.is_installed:
            raise RuntimeError('Failure finding "libnvrtc.so"\ndetails')
        return OK, source

    def nvrtcCompileProgram(self, program, count, options):  # noqa: N802
        assert count == len(options)
        assert options[0] == b'--gpu-architecture=sm_90'
        return (OK,)

    def nvrtcGetCUBINSize(self, program):  # noqa: N802
        return OK, len(program)

    def nvrtcGetCUBIN(self, program, code):  # noqa: N802
        ctypes.memmove(code, program, len(program))
        return (OK,)

    def nvrtcDestroyProgram(self, program):  # noqa: N802
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
        self.driver = FakeDriver(cuda)
        self.nvrtc = FakeNvrtc()
        self.builds: list[onnx.ModelProto] = []
        self.refuses = ''  # what goes wrong: parse, build, load, prepare, shape, run
        self.refuses_halves_only = False
        self.error = 0.0  # of half precision, added to every joint
        self.Builder = lambda log: _Builder(self, log)
        self.OnnxParser = lambda network, log: _Parser(self, network)
        self.Runtime = lambda log: _Runtime(self, log)

    @staticmethod
    def nptype(dtype):
        return dtype

    def does_refuse(self, step, model):
        return self.refuses == step and (_has_halves(model) or not self.refuses_halves_only)


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
        if self.trt.does_refuse('build', network.model):
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


def _has_halves(model):
    return any(t.data_type == onnx.TensorProto.FLOAT16 for t in model.graph.initializer)


def _inferred(model):
    graph = onnx.shape_inference.infer_shapes(model).graph
    return (*graph.value_info, *graph.output)


class _Runtime:
    def __init__(self, trt, log):
        self.trt, self.log = trt, log

    def deserialize_cuda_engine(self, plan):
        is_whole = plan.startswith(MAGIC)
        model = onnx.load_from_string(plan[len(MAGIC) :]) if is_whole else None
        if not is_whole or self.trt.does_refuse('load', model):
            self.log.log(self.trt.ILogger.Severity.ERROR, 'made by another version')
            return None
        return _Engine(self.trt, self.log, model)


class _Engine:
    def __init__(self, trt, log, model):
        self.trt, self.log, self.model = trt, log, model
        self.outputs = {output.name: output.type.tensor_type for output in model.graph.output}

    def create_execution_context(self):
        return None if self.trt.does_refuse('prepare', self.model) else _Context(self)

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
        if self.trt.does_refuse('run', self.engine.model):
            self.engine.log.log(self.trt.ILogger.Severity.ERROR, 'illegal address')
            return False
        self.trt.cuda.queue.append(self._run)
        return True

    def _run(self):
        blocks = self.trt.cuda.blocks
        size = int(np.prod(self.shape))
        crops = np.frombuffer(blocks[self.addresses['crops']], np.uint8, size).reshape(self.shape)
        names = list(self.engine.outputs)
        halves = _has_halves(self.engine.model)
        for name, value in zip(names, self.session.run(names, {'crops': crops}), strict=True):
            if name == 'pose' and halves:
                value = value + np.float32(self.trt.error)
            target = blocks[self.addresses[name]]
            assert value.nbytes <= len(target)
            ctypes.memmove(target, value.tobytes(), value.nbytes)
