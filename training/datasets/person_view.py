"""
Cuts a person and its labels out of an image, with the cropper of the robot.

Without margin the pixels are those that the network sees on the robot, bit by bit.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops, points_to_crop
from person_mtl_ros.structures import Float32Array, UInt8Array
from training.datasets.sample import IGNORED_PART, UNLABELLED, DatasetError

_INCOMPLETE = 'is the data set complete?'


@dataclass(frozen=True)
class PersonView:
    """The part of an image that a sample shows."""

    area_xyxy: Float32Array  # (1, 4) pixels of the image
    params: CropParams  # size of the sample

    @classmethod
    def around(cls, box_xyxy: ArrayLike, crop: CropParams, margin: float = 1.0) -> 'PersonView':
        """
        Show a person.

        :param box_xyxy: (4,) of the person in pixels of the image.
        :param crop: of the network.
        :param margin: factor on both sides of the network's crop; see ``Sample.margin``.
        """
        params = replace(
            crop, height=round(crop.height * margin), width=round(crop.width * margin)
        )
        area = crop_boxes(box_xyxy, crop)
        center, half = (area[:, :2] + area[:, 2:]) / 2, (area[:, 2:] - area[:, :2]) / 2
        half = half * (params.width / crop.width, params.height / crop.height)
        return cls(np.concatenate((center - half, center + half), 1).astype(np.float32), params)

    @classmethod
    def of_whole(cls, image_hw: tuple[int, int], crop: CropParams) -> 'PersonView':
        """Show a whole image, which a data set gives as the crop of a person."""
        height, width = image_hw
        return cls.around((0, 0, width, height), replace(crop, context=1.0))

    @property
    def scale(self) -> float:
        """Pixels of the sample per pixel of the image."""
        return float(self.params.height / (self.area_xyxy[0, 3] - self.area_xyxy[0, 1]))

    def image(self, image_bgr: UInt8Array) -> UInt8Array:
        """Cut (h, w, 3) BGR to (H, W, 3) RGB."""
        crop = cut_crops(image_bgr, self.area_xyxy, self.params)[0]
        return np.ascontiguousarray(crop.transpose(1, 2, 0))

    def keypoints(self, keypoints: NDArray[np.floating]) -> Float32Array:
        """Move (J, 3) x, y, state from the image to the sample."""
        points = points_to_crop(keypoints[None, :, :2], self.area_xyxy, self.params)[0]
        moved = np.column_stack((points, keypoints[:, 2])).astype(np.float32)
        moved[moved[:, 2] == UNLABELLED, :2] = 0
        return moved

    def parts(self, labels: UInt8Array) -> UInt8Array:
        """Sample (h, w) classes at the pixel centres; outside the image nothing is labelled."""
        x0, y0, x1, y1 = self.area_xyxy[0].astype(np.float64)
        height, width = self.params.height, self.params.width
        columns = np.floor(x0 + (np.arange(width) + 0.5) * (x1 - x0) / width).astype(int)
        rows = np.floor(y0 + (np.arange(height) + 0.5) * (y1 - y0) / height).astype(int)
        h, w = labels.shape
        parts = labels[np.ix_(rows.clip(0, h - 1), columns.clip(0, w - 1))]
        parts[(rows < 0) | (rows >= h)] = IGNORED_PART
        parts[:, (columns < 0) | (columns >= w)] = IGNORED_PART
        return parts


def box_of_keypoints(keypoints: NDArray[np.floating], context: float = 0.1) -> Float32Array:
    """
    Box of a person of whom only joints are labelled.

    :param keypoints: (J, 3) with at least one labelled.
    :param context: share of the longer side to add on every side: joints lie inside the body.
    :returns: (4,) xyxy.
    """
    points = keypoints[keypoints[:, 2] != UNLABELLED, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    around = max(context * (high - low).max(), 1.0)
    return np.concatenate((low - around, high + around)).astype(np.float32)


def read_image(path: Path) -> UInt8Array:
    """
    Read an image as its labels see it: a rotation in its EXIF data is ignored.

    :returns: (h, w, 3) BGR.
    :raises DatasetError: when there is none.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise DatasetError(f'{path}: missing or not an image; {_INCOMPLETE}')
    return np.asarray(image, np.uint8)


def read_label_map(path: Path) -> UInt8Array:
    """
    Read a PNG whose pixel values, or palette indices, are classes.

    :returns: (h, w).
    :raises DatasetError: when there is none or it has colours.
    """
    try:
        with Image.open(path) as image:
            labels = np.array(image)
    except OSError as error:
        raise DatasetError(
            f'{path}: missing or not an image; is the data set complete?'
        ) from error
    if labels.ndim == 3 and (labels == labels[..., :1]).all():
        labels = labels[..., 0]
    if labels.ndim != 2:
        raise DatasetError(f'{path}: colours {labels.shape}; expected one class per pixel')
    return np.asarray(labels, np.uint8)
