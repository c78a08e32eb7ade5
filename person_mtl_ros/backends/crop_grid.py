"""What devices that cut crops need to know: where samples lie, and how sharpness is weighted."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.crops import CropParams, samples_per_pixel
from person_mtl_ros.structures import Float32Array

_weights = np.exp(-(np.arange(4) ** 2) / 2)
# Of sigma 1 as OpenCV samples it for 8-bit images, from the centre outwards: for sharpness.
GAUSSIAN: tuple[float, ...] = tuple((_weights / (2 * _weights.sum() - _weights[0])).tolist())


class CropGrid(NamedTuple):
    """
    Samples of N crops; pixel k of an image has its centre at k.

    Those of ``crops.cut_crops``: their mean over a pixel of the crop is its value.
    """

    places: Float32Array  # (N, 4) x, y of the first sample, x, y of the step to the next
    samples: NDArray[np.int32]  # (N,) per pixel of the crop and axis

    @classmethod
    def of(cls, areas_xyxy: Float32Array, params: CropParams) -> 'CropGrid':
        """
        Find the samples of areas.

        :param areas_xyxy: (N, 4) result of ``crop_boxes``.
        :param params: size of the crops.
        """
        areas = areas_xyxy.astype(np.float64).reshape(-1, 4)
        samples = samples_per_pixel(areas, params)
        size = np.array([params.width, params.height]) * samples[:, None]
        step = (areas[:, 2:] - areas[:, :2]) / size
        places = np.concatenate((areas[:, :2] + step / 2 - 0.5, step), axis=1)
        return cls(places.astype(np.float32), samples.astype(np.int32))
