"""
The crops of ``crops.cut_crops`` and their sharpness in torch, where the image lies on a GPU.

The results are those of the functions there but for rounding: OpenCV places samples on a grid of
1/32 pixel and rounds once more where a crop shrinks.

Axes: N people, H and W of the crop, h and w of the image.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from person_mtl_ros.backends.crop_grid import GAUSSIAN, CropGrid
from person_mtl_ros.crops import (
    CLEAR_DETAIL,
    FILL_BGR,
    MIN_SHARPNESS,
    CropParams,
)
from person_mtl_ros.structures import Float32Array

# Crops sampled at once, one with n x n samples per pixel counting as n x n: 100 MB at 256 x 128.
MAX_SAMPLED = 256


class CropPlan(NamedTuple):
    """How areas are cut out together; what depends on no pixel, and so is known on the host."""

    order: NDArray[np.intp]  # (N,) rows of the areas, those that shrink alike side by side
    samples: tuple[int, ...]  # per crop pixel and axis, in this order
    places: Float32Array  # (N, 4) of the ``CropGrid``, in this order

    @classmethod
    def of(cls, areas_xyxy: Float32Array, params: CropParams) -> 'CropPlan':
        """
        Plan the crops of an image.

        :param areas_xyxy: (N, 4) result of ``crop_boxes``.
        :param params: size of the crops.
        """
        places, samples = CropGrid.of(areas_xyxy, params)
        order = np.argsort(samples, kind='stable')
        return cls(order, tuple(samples[order].tolist()), places[order])


def planar_image(image_bgr: Tensor) -> Tensor:
    """
    Prepare an image to cut crops from: a plane per colour, a frame of the fill colour around.

    :param image_bgr: (h, w, 3) uint8.
    :returns: (1, 3, h + 2, w + 2) float32 RGB.
    """
    height, width, _ = image_bgr.shape
    planes = torch.empty(1, 3, height + 2, width + 2, device=image_bgr.device)
    for plane, fill in enumerate(reversed(FILL_BGR)):
        planes[:, plane] = fill
    planes[0, :, 1:-1, 1:-1] = image_bgr.flip(2).permute(2, 0, 1)
    return planes


def cut_crops(
    planes: Tensor, places: Tensor, samples: Sequence[int], params: CropParams
) -> Tensor:
    """
    Resample areas of an image to crops, averaging over source pixels where they shrink.

    :param planes: result of ``planar_image``.
    :param places: (N, 4) of a ``CropPlan``, on the device of the image.
    :param samples: N, of the plan.
    :param params: size of the crops.
    :returns: (N, 3, H, W) uint8 RGB.
    """
    crops = [
        _sample(planes, places[begin:end], count, params)
        for begin, end, count in _runs_alike(samples)
    ]
    if not crops:
        return torch.empty(
            0, 3, params.height, params.width, dtype=torch.uint8, device=planes.device
        )
    return torch.cat(crops)


def crop_sharpness(crops: Tensor) -> Tensor:
    """
    How much detail crops show, see ``crops.crop_sharpness``.

    :param crops: (N, 3, H, W) uint8 RGB.
    :returns: (N,) float32 in (0, 1].
    """
    green = crops[:, 1:2].float()
    blurred = _blur(_blur(green, 2), 3)
    detail = _deviation(green - blurred.round())
    return (detail / _deviation(green).clamp(min=1) / CLEAR_DETAIL).clamp(MIN_SHARPNESS, 1)


def _blur(maps: Tensor, axis: int) -> Tensor:
    # No convolution: on a GPU it would round to 10 bits.
    padded = F.pad(maps, (3, 3, 0, 0) if axis == 3 else (0, 0, 3, 3), mode='reflect')
    size = maps.shape[axis]
    weighted = [GAUSSIAN[abs(k)] * padded.narrow(axis, 3 + k, size) for k in range(-3, 4)]
    return torch.stack(weighted).sum(dim=0)


def _deviation(maps: Tensor) -> Tensor:
    return maps.flatten(1).std(dim=1, correction=0)


def _runs_alike(samples: Sequence[int]) -> list[tuple[int, int, int]]:
    """Begin, end and samples of the crops that are cut in one go."""
    runs, begin = [], 0
    for count, run in groupby(samples):
        end = begin + len(list(run))
        step = max(MAX_SAMPLED // count**2, 1)
        runs += [(i, min(i + step, end), count) for i in range(begin, end, step)]
        begin = end
    return runs


def _sample(planes: Tensor, places: Tensor, samples: int, params: CropParams) -> Tensor:
    columns, rows = (
        torch.arange(size * samples, device=planes.device, dtype=torch.float32)
        for size in (params.width, params.height)
    )
    # In a picture with a frame of one pixel, on the scale where it spans [-1, 1].
    x = (places[:, 0, None] + places[:, 2, None] * columns + 1.5) * (2 / planes.shape[3]) - 1
    y = (places[:, 1, None] + places[:, 3, None] * rows + 1.5) * (2 / planes.shape[2]) - 1
    shape = (len(places), len(rows), len(columns))
    grid = torch.stack((x[:, None, :].expand(shape), y[:, :, None].expand(shape)), dim=3)
    fine = F.grid_sample(
        planes.expand(len(places), -1, -1, -1),
        grid,
        mode='bilinear',
        padding_mode='border',
        align_corners=False,
    )
    if samples > 1:
        fine = F.avg_pool2d(fine, samples)
    return fine.round().to(torch.uint8)
