"""Source of the kernels that cut crops on a GPU and measure their sharpness, in CUDA C."""

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.backends.crop_grid import GAUSSIAN
from person_mtl_ros.crops import CLEAR_DETAIL, FILL_BGR, MIN_SHARPNESS, CropParams
from person_mtl_ros.structures import Float32Array

# Plain C but for the names CUDA gives, so that it can be tried on a CPU as well.
SOURCE = r"""
// One thread per pixel of a crop, grid.y crops. A pixel is the mean of samples x samples linear
// samples; what lies outside the image has the fill colour.
extern "C" __global__ void cut_crops(
    const unsigned char *image_bgr, int height, int width, const float *places,
    const int *samples, int crop_height, int crop_width, unsigned char *crops_rgb)
{
    const float fill[3] = {FILL_B, FILL_G, FILL_R};
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= crop_height * crop_width)
        return;
    const int crop = blockIdx.y, count = samples[crop];
    const int column = pixel % crop_width, row = pixel / crop_width;
    const float *place = places + 4 * crop;
    float sum[3] = {0, 0, 0};
    for (int j = 0; j < count; j++)
        for (int i = 0; i < count; i++) {
            const float x = place[0] + place[2] * (column * count + i);
            const float y = place[1] + place[3] * (row * count + j);
            const float left = floorf(x), top = floorf(y);
            for (int corner = 0; corner < 4; corner++) {
                const float u = left + corner % 2, v = top + corner / 2;
                const float weight = (1 - fabsf(x - u)) * (1 - fabsf(y - v));
                const bool inside = u >= 0 && u < width && v >= 0 && v < height;
                for (int color = 0; color < 3; color++)
                    sum[color] += weight * (inside
                        ? image_bgr[((long long)v * width + (long long)u) * 3 + color]
                        : fill[color]);
            }
        }
    for (int color = 0; color < 3; color++)
        crops_rgb[((crop * 3LL + 2 - color) * crop_height + row) * crop_width + column] =
            (unsigned char)rintf(sum[color] / (count * count));
}

// Pixels beyond an edge are those before it, the edge itself not repeated.
__device__ int reflected(int place, int size)
{
    place = place < 0 ? -place : place;
    return place < size ? place : 2 * size - 2 - place;
}

// One thread per row of a crop, grid.y crops. Sums of green and of what a Gaussian of one pixel
// takes away from it, and of their squares: whole numbers, so that no order of adding matters.
extern "C" __global__ void sum_detail(
    const unsigned char *crops_rgb, int crop_height, int crop_width, unsigned long long *sums)
{
    const float gaussian[4] = {GAUSSIAN_0, GAUSSIAN_1, GAUSSIAN_2, GAUSSIAN_3};
    const int row = blockIdx.x * blockDim.x + threadIdx.x, crop = blockIdx.y;
    if (row >= crop_height)
        return;
    const unsigned char *green = crops_rgb + (crop * 3LL + 1) * crop_height * crop_width;
    long long sum[4] = {0, 0, 0, 0};
    for (int column = 0; column < crop_width; column++) {
        float blurred = 0;
        for (int j = -3; j <= 3; j++)
            for (int i = -3; i <= 3; i++)
                blurred += gaussian[j < 0 ? -j : j] * gaussian[i < 0 ? -i : i]
                    * green[reflected(row + j, crop_height) * crop_width
                            + reflected(column + i, crop_width)];
        const long long value = green[row * crop_width + column];
        const long long detail = value - (long long)rintf(blurred);
        sum[0] += value;
        sum[1] += value * value;
        sum[2] += detail;
        sum[3] += detail * detail;
    }
    for (int k = 0; k < 4; k++)  // two's complement: negative sums wrap round rightly
        atomicAdd(sums + 4 * crop + k, (unsigned long long)sum[k]);
}
"""
SUMS = 4  # 64-bit numbers that ``sum_detail`` gives for a crop
DEFINES = {
    **{f'FILL_{name}': f'{value}.0f' for name, value in zip('BGR', FILL_BGR, strict=True)},
    **{f'GAUSSIAN_{i}': f'{value:.9f}f' for i, value in enumerate(GAUSSIAN)},
}


def sharpness_of(sums: NDArray[np.int64], params: CropParams) -> Float32Array:
    """
    Sharpness as ``crops.crop_sharpness`` gives it.

    :param sums: (N, 4) of ``CropKernels.sum_detail``.
    :param params: size of the crops.
    """
    means = sums / (params.height * params.width)
    contrast, detail = np.sqrt(np.maximum(means[:, 1::2] - means[:, ::2] ** 2, 0)).T
    sharpness = detail / np.maximum(contrast, 1) / CLEAR_DETAIL
    return np.clip(sharpness, MIN_SHARPNESS, 1).astype(np.float32)
