"""The kernels as plain C on the CPU, and NVRTC where it is installed, which needs no GPU."""

import ctypes
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from person_mtl_ros.backends.crop_grid import CropGrid
from person_mtl_ros.backends.kernel_source import DEFINES, SOURCE, SUMS, sharpness_of
from person_mtl_ros.crops import CropParams, crop_boxes, crop_sharpness, cut_crops

PARAMS = CropParams()
THREADS = 64  # of a block
# What the compiler for GPUs provides, and loops over all threads.
BEFORE = """
#include <cmath>
#define __global__
#define __device__ static
static struct { int x, y; } blockIdx, blockDim, threadIdx;
static void atomicAdd(unsigned long long *sum, unsigned long long value) { *sum += value; }
"""
AFTER = """
template <class Kernel> static void for_all(int blocks, int count, int threads, Kernel kernel) {
    blockDim.x = threads;
    for (blockIdx.y = 0; blockIdx.y < count; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
            for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
                kernel();
}
extern "C" void run_cut(int blocks, int count, int threads, const unsigned char *a, int b, int c,
    const float *d, const int *e, int f, int g, unsigned char *h)
{ for_all(blocks, count, threads, [=] { cut_crops(a, b, c, d, e, f, g, h); }); }
extern "C" void run_sum(int blocks, int count, int threads, const unsigned char *a, int b, int c,
    unsigned long long *d)
{ for_all(blocks, count, threads, [=] { sum_detail(a, b, c, d); }); }
"""


@pytest.fixture(scope='module')
def kernels(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which('g++')
    if compiler is None:
        pytest.skip('needs g++')
    folder = tmp_path_factory.mktemp('kernels')
    source, library = folder / 'kernels.cpp', folder / 'kernels.so'
    source.write_text(BEFORE + SOURCE + AFTER)
    defines = [f'-D{name}={value}' for name, value in DEFINES.items()]
    options = ['-std=c++14', '-O2', '-Wall', '-Werror', '-shared', '-fPIC', *defines]
    subprocess.run([compiler, *options, str(source), '-o', str(library)], check=True)
    return ctypes.CDLL(str(library))


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _cut(
    kernels: ctypes.CDLL, image: np.ndarray, areas: np.ndarray, params: CropParams = PARAMS
) -> np.ndarray:
    places, samples = CropGrid.of(areas, params)
    crops = np.zeros((len(areas), 3, params.height, params.width), np.uint8)
    kernels.run_cut(
        -(-params.height * params.width // THREADS),
        len(areas),
        THREADS,
        *(_address(image), *image.shape[:2], _address(places), _address(samples)),
        *(params.height, params.width, _address(crops)),
    )
    return crops


@pytest.mark.parametrize('scale', [0.5, 1, 2.5])
def test_crops_of_pictures_are_those_of_the_cpu(
    kernels: ctypes.CDLL, picture: np.ndarray, scale: float
) -> None:
    image = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height = np.geomspace(40, 900, 8) * scale
    half = np.stack((0.4 * height, height), axis=1) / 2
    center = np.random.default_rng(0).uniform((0, 0), image.shape[1::-1], (8, 2))
    areas = crop_boxes(np.hstack((center - half, center + half)), PARAMS)
    difference = np.abs(
        _cut(kernels, image, areas).astype(int) - cut_crops(image, areas, PARAMS).astype(int)
    )
    assert difference.mean() < 0.2
    assert difference.max() <= 4


@pytest.mark.parametrize(
    'area',
    [
        pytest.param([-500, -500, -468, -436], id='beside the image'),
        pytest.param([-1e6, -2e6, 1e6, 2e6], id='far larger than the image'),
        pytest.param([50, 50, 50.01, 50.02], id='far smaller than a pixel'),
    ],
)
def test_odd_areas_give_the_crops_of_the_cpu(
    kernels: ctypes.CDLL, picture: np.ndarray, area: list[float]
) -> None:
    areas, params = np.array([area], np.float32), CropParams(60, 30)
    expected = cut_crops(picture, areas, params).astype(int)
    assert np.abs(_cut(kernels, picture, areas, params) - expected).max() <= 4


def test_sharpness_is_that_of_the_cpu(kernels: ctypes.CDLL, picture: np.ndarray) -> None:
    areas = crop_boxes([[300, 100, 380, 300], [0, 0, 900, 500], [10, 10, 20, 40]], PARAMS)
    blurred = cv2.GaussianBlur(picture, (0, 0), 3)
    crops = np.concatenate([cut_crops(image, areas, PARAMS) for image in (picture, blurred)])
    crops = np.concatenate((crops, np.full_like(crops[:1], 77)))
    sums = np.zeros((len(crops), SUMS), np.int64)
    kernels.run_sum(
        *(-(-PARAMS.height // THREADS), len(crops), THREADS),
        *(_address(crops), PARAMS.height, PARAMS.width, _address(sums)),
    )
    expected = crop_sharpness(crops)
    assert expected.min() < 0.1 and expected.max() > 0.5
    np.testing.assert_allclose(sharpness_of(sums, PARAMS), expected, atol=0.01)


@pytest.mark.parametrize('compute_capability', ['7.5', '8.7', '9.0'])
def test_nvrtc_takes_the_source(compute_capability: str) -> None:
    pytest.importorskip('cuda.bindings')
    from person_mtl_ros.backends.crop_kernels import compile_kernels
    from person_mtl_ros.backends.cuda_memory import CudaError

    try:
        code = compile_kernels(compute_capability)
    except CudaError as error:
        assert 'cuda-bindings[all]' in str(error)
        pytest.skip('needs NVRTC')
    assert code.startswith(b'\x7fELF')
    assert b'cut_crops' in code and b'sum_detail' in code
