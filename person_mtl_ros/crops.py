"""
From a person's box to the network's crop and back; the same code in training and on the robot.

The box is enlarged a little and its shorter side is grown to the aspect ratio of the network, so
that nobody is stretched: limbs keep their angles for the pose head, and the four heads can share
one crop. What lies outside the image is filled with the mean colour, which is zero after the
network's normalisation, as is the padding of its convolutions.

Coordinates are continuous: pixel k covers [k, k + 1), an image spans [0, width] x [0, height].
Axes: N people, H and W of the crop.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from person_mtl_ros.structures import Float32Array, UInt8Array

FILL_BGR = (104, 116, 124)  # mean of ImageNet
# A source pixel narrower than 1/8 of a crop pixel may be skipped; it bounds memory for any box.
MAX_OVERSAMPLING = 8
CLEAR_DETAIL = 0.1  # share of contrast in the finest detail, of people in focus that fill the crop
MIN_SHARPNESS = 0.01  # of a crop without any detail


@dataclass(frozen=True)
class CropParams:
    """What a network expects to see of a person; the checkpoint carries it."""

    height: int = 256  # pixels (Pfeiffer et al., section 3)
    width: int = 128  # pixels
    context: float = 1.1  # factor on both sides of the box: detectors cut off hands and hair


def crop_boxes(boxes_xyxy: ArrayLike, params: CropParams) -> Float32Array:
    """
    Image area that the crop of each box shows.

    :param boxes_xyxy: (N, 4) boxes of people in pixels of the image, of positive area.
    :param params: size and context of the crops.
    :returns: (N, 4) boxes of the crops' aspect ratio around the same centres; they may reach
        outside the image.
    """
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    width, height = (boxes[:, 2:] - boxes[:, :2]).T * params.context
    height = np.maximum(height, width * params.height / params.width)
    half = np.stack((height * params.width / params.height, height), axis=1) / 2
    return np.concatenate((center - half, center + half), axis=1).astype(np.float32)


def cut_crops(image_bgr: UInt8Array, areas_xyxy: Float32Array, params: CropParams) -> UInt8Array:
    """
    Resample areas of an image to crops, averaging over source pixels where they shrink.

    :param image_bgr: (h, w, 3) uint8.
    :param areas_xyxy: (N, 4) result of ``crop_boxes``.
    :param params: size of the crops.
    :returns: (N, 3, H, W) uint8 RGB.
    """
    crops = np.empty((len(areas_xyxy), 3, params.height, params.width), np.uint8)
    for crop, area in zip(crops, areas_xyxy, strict=True):
        red, green, blue = crop
        cv2.split(_resample(image_bgr, area, params), [blue, green, red])
    return crops


def crop_sharpness(crops: UInt8Array) -> Float32Array:
    """
    How much detail crops show: 1 in a clear view, less when blurred, defocused or far away.

    It is the contrast of what a blur of one pixel takes away, as share of all contrast; a person
    in focus has ``CLEAR_DETAIL`` of it. Noise counts as detail.

    :param crops: (N, 3, H, W) uint8 RGB.
    :returns: (N,) in (0, 1].
    """
    result = np.ones(len(crops), np.float32)
    for row, crop in enumerate(crops):
        green = crop[1]  # most of the brightness, and no conversion
        _, contrast = cv2.meanStdDev(green)
        fine = cv2.subtract(green, cv2.GaussianBlur(green, (0, 0), 1.0), dtype=cv2.CV_16S)
        _, detail = cv2.meanStdDev(fine)
        result[row] = float(detail[0, 0]) / max(float(contrast[0, 0]), 1.0) / CLEAR_DETAIL
    return np.clip(result, MIN_SHARPNESS, 1.0)


def points_to_image(
    points_xy: NDArray[np.floating], areas_xyxy: Float32Array, params: CropParams
) -> Float32Array:
    """
    Points of crops in pixels of the image.

    :param points_xy: (N, J, 2) in pixels of the crops.
    :param areas_xyxy: (N, 4) image areas of the crops.
    :param params: size of the crops.
    :returns: (N, J, 2).
    """
    offset, scale = _offset_and_scale(areas_xyxy, params)
    return (points_xy * scale + offset).astype(np.float32)


def points_to_crop(
    points_xy: NDArray[np.floating], areas_xyxy: Float32Array, params: CropParams
) -> Float32Array:
    """
    Points of the image in pixels of crops; the inverse of ``points_to_image``.

    :param points_xy: (N, J, 2) in pixels of the image.
    :param areas_xyxy: (N, 4) image areas of the crops.
    :param params: size of the crops.
    :returns: (N, J, 2).
    """
    offset, scale = _offset_and_scale(areas_xyxy, params)
    return ((points_xy - offset) / scale).astype(np.float32)


def samples_per_pixel(areas_xyxy: NDArray[np.floating], params: CropParams) -> NDArray[np.int64]:
    """
    Say how finely areas are sampled: at most 1.5 source pixels apart.

    A linear sample reads two source pixels, so none is skipped.

    :param areas_xyxy: (..., 4) result of ``crop_boxes``.
    :param params: size of the crops.
    :returns: (...) samples per crop pixel and axis.
    """
    areas = np.asarray(areas_xyxy, np.float64)
    shrink = (areas[..., 3] - areas[..., 1]) / params.height
    return np.clip(np.round(shrink), 1, MAX_OVERSAMPLING).astype(np.int64)


def _offset_and_scale(
    areas_xyxy: Float32Array, params: CropParams
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    areas = np.asarray(areas_xyxy, np.float64)[:, None, :]
    scale = (areas[..., 2:] - areas[..., :2]) / (params.width, params.height)
    return areas[..., :2], scale


def _resample(image_bgr: UInt8Array, area: Float32Array, params: CropParams) -> UInt8Array:
    x0, y0, x1, y1 = area.astype(np.float64)
    samples = int(samples_per_pixel(area, params))
    size = (params.width * samples, params.height * samples)
    scale_x, scale_y = (x1 - x0) / size[0], (y1 - y0) / size[1]
    # From centres of fine pixels to centres of image pixels.
    matrix = np.array(
        [
            [scale_x, 0, x0 + scale_x / 2 - 0.5],
            [0, scale_y, y0 + scale_y / 2 - 0.5],
        ]
    )
    fine: UInt8Array = cv2.warpAffine(  # type: ignore[assignment]
        image_bgr,
        matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=FILL_BGR,
    )
    if samples == 1:
        return fine
    size = (params.width, params.height)
    return cv2.resize(fine, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
