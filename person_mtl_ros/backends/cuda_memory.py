"""GPUs, streams and memory of CUDA without torch, by NVIDIA's own ``cuda-bindings``."""

import ctypes
import weakref
from typing import Any, NamedTuple

import numpy as np
from cuda.bindings import runtime

from person_mtl_ros.structures import UInt8Array


class CudaError(RuntimeError):
    """What CUDA refused to do, and why."""


def checked(answer: tuple[Any, ...]) -> Any:
    """
    Take the result out of what a call of the CUDA runtime, of the driver or of NVRTC returns.

    :raises CudaError: when it is an error.
    """
    error, *results = answer
    if int(error) != 0:
        # The other two name their errors well enough.
        is_of_runtime = isinstance(error, runtime.cudaError_t)
        reason = runtime.cudaGetErrorString(error)[1].decode() if is_of_runtime else error.name
        raise CudaError(reason)
    return results[0] if results else None


class Gpu(NamedTuple):
    """A GPU of this machine."""

    number: int
    name: str
    compute_capability: str

    @classmethod
    def open(cls, number: int) -> 'Gpu':
        """
        Find a GPU by its number.

        :raises CudaError: when there is no driver or no such GPU.
        """
        count = checked(runtime.cudaGetDeviceCount())
        if number >= count:
            raise CudaError(f'there are {count} GPUs')
        properties = checked(runtime.cudaGetDeviceProperties(number))
        return cls(number, properties.name.decode(), f'{properties.major}.{properties.minor}')

    def use(self) -> None:
        """Let what follows in this thread happen on this GPU."""
        checked(runtime.cudaSetDevice(self.number))


class Stream:
    """A queue of work on the GPU in use."""

    def __init__(self) -> None:
        self.handle: int = int(
            checked(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking))
        )
        weakref.finalize(self, runtime.cudaStreamDestroy, self.handle)

    def synchronize(self) -> None:
        """Wait until all that was queued is done."""
        checked(runtime.cudaStreamSynchronize(self.handle))

    def wait(self, event: 'Event') -> None:
        """Let what is queued from now on begin after an event."""
        checked(runtime.cudaStreamWaitEvent(self.handle, event.handle, 0))


class Event:
    """A point in a stream; one that was never recorded counts as past."""

    def __init__(self) -> None:
        flags = runtime.cudaEventDisableTiming
        self.handle: int = int(checked(runtime.cudaEventCreateWithFlags(flags)))
        weakref.finalize(self, runtime.cudaEventDestroy, self.handle)

    def record(self, stream: Stream) -> None:
        """Put it behind all that was queued."""
        checked(runtime.cudaEventRecord(self.handle, stream.handle))

    def synchronize(self) -> None:
        """Wait until it is past."""
        checked(runtime.cudaEventSynchronize(self.handle))


class Memory:
    """
    Bytes on the GPU in use, and as many on the host that it can reach while the host goes on.

    :param size: bytes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.device: int = int(checked(runtime.cudaMalloc(size)))
        weakref.finalize(self, runtime.cudaFree, self.device)
        address = int(checked(runtime.cudaMallocHost(size)))
        weakref.finalize(self, runtime.cudaFreeHost, address)
        content = (ctypes.c_uint8 * size).from_address(address)
        self.host: UInt8Array = np.ctypeslib.as_array(content)

    def upload(self, size: int, stream: Stream) -> None:
        """Queue a copy of the first bytes to the GPU."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        source = self.host.ctypes.data
        checked(runtime.cudaMemcpyAsync(self.device, source, size, kind, stream.handle))

    def clear(self, size: int, stream: Stream) -> None:
        """Queue zeros for the first bytes on the GPU."""
        checked(runtime.cudaMemsetAsync(self.device, 0, size, stream.handle))

    def download(self, size: int, stream: Stream) -> None:
        """Queue a copy of the first bytes to the host."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        target = self.host.ctypes.data
        checked(runtime.cudaMemcpyAsync(target, self.device, size, kind, stream.handle))
