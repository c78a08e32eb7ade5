"""
Crops cut on a GPU without torch: kernels that NVRTC compiles when they are loaded.

They do what ``crops.cut_crops`` and ``crops.crop_sharpness`` do on a CPU, but for rounding.
"""

import ctypes
import weakref
from typing import Any

from cuda.bindings import driver, nvrtc

from person_mtl_ros.backends.backend import first_line
from person_mtl_ros.backends.cuda_memory import CudaError, Gpu, Stream, checked
from person_mtl_ros.backends.kernel_source import DEFINES, SOURCE
from person_mtl_ros.crops import CropParams

THREADS = 128  # of a block


class CropKernels:
    """
    Compile the kernels for the GPU in use; addresses are those of its memory.

    :param gpu: it is for.
    :param crop: size of the crops.
    :raises CudaError: when NVRTC is not installed or refuses.
    """

    def __init__(self, gpu: Gpu, crop: CropParams) -> None:
        self._crop = crop
        module = checked(driver.cuModuleLoadData(compile_kernels(gpu.compute_capability)))
        weakref.finalize(self, driver.cuModuleUnload, module)
        self._cut = checked(driver.cuModuleGetFunction(module, b'cut_crops'))
        self._sum = checked(driver.cuModuleGetFunction(module, b'sum_detail'))

    def cut(
        self,
        image_bgr: int,
        image_size: tuple[int, int],
        places: int,
        samples: int,
        count: int,
        crops: int,
        stream: Stream,
    ) -> None:
        """
        Queue the cutting of crops.

        :param image_bgr: (h, w, 3) uint8.
        :param image_size: h and w.
        :param places: (N, 4) float32 of a ``CropGrid``.
        :param samples: (N,) int32 of it.
        :param count: N.
        :param crops: (N, 3, H, W) uint8 RGB, to be written.
        :param stream: that the work is queued in.
        """
        crop = self._crop.height, self._crop.width
        pixels = crop[0] * crop[1]
        values = (image_bgr, *image_size, places, samples, *crop, crops)
        _launch(self._cut, (-(-pixels // THREADS), count), values, 'pnnppnnp', stream)

    def sum_detail(self, crops: int, count: int, sums: int, stream: Stream) -> None:
        """
        Queue the sums that ``sharpness_of`` needs.

        :param crops: (N, 3, H, W) uint8 RGB.
        :param count: N.
        :param sums: (N, 4) int64 of zeros, to be added to.
        :param stream: that the work is queued in.
        """
        crop = self._crop.height, self._crop.width
        grid = -(-crop[0] // THREADS), count
        _launch(self._sum, grid, (crops, *crop, sums), 'pnnp', stream)


def compile_kernels(compute_capability: str) -> bytes:
    """
    Compile for a kind of GPU, which need not be there.

    :param compute_capability: as 9.0.
    :returns: machine code.
    :raises CudaError: when NVRTC is not installed or refuses.
    """
    options = [f'--gpu-architecture=sm_{compute_capability.replace(".", "")}'.encode()]
    options += [f'--define-macro={name}={value}'.encode() for name, value in DEFINES.items()]
    try:
        program = checked(nvrtc.nvrtcCreateProgram(SOURCE.encode(), b'crops.cu', 0, [], []))
    except RuntimeError as error:  # of the loader, which has classes of its own
        raise CudaError(
            f'no NVRTC ({first_line(error)}): pip install "cuda-bindings[all]"'
        ) from error
    try:
        checked(nvrtc.nvrtcCompileProgram(program, len(options), options))
        code = b' ' * checked(nvrtc.nvrtcGetCUBINSize(program))
        checked(nvrtc.nvrtcGetCUBIN(program, code))
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return code


def _launch(
    kernel: Any, grid: tuple[int, int], values: tuple[int, ...], kinds: str, stream: Stream
) -> None:
    """Queue a kernel; kinds of its arguments are p for an address and n for a number."""
    types = tuple({'p': ctypes.c_void_p, 'n': ctypes.c_int}[kind] for kind in kinds)
    checked(
        driver.cuLaunchKernel(
            kernel, *grid, 1, THREADS, 1, 1, 0, stream.handle, (values, types), 0
        )
    )
