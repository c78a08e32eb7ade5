"""
Augmentation of labelled crops in numpy and cv2.

Geometry moves image, joints and parts together; what comes in from outside is filled with the
mean colour, as at the border of an image on the robot. Images are RGB.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.crops import FILL_BGR
from person_mtl_ros.structures import Float32Array, UInt8Array

FILL_RGB = FILL_BGR[::-1]


@dataclass(frozen=True)
class LabelledCrop:
    """A crop with the labels that move when it is moved."""

    image_rgb: UInt8Array  # (H, W, 3)
    keypoints: Float32Array  # (J, 3) x, y in pixels; 1 visible, 0 hidden, -1 outside or unknown
    parts: UInt8Array  # (H, W)


@dataclass(frozen=True)
class AugmentationParams:
    """How far a crop may be changed."""

    flip_probability: float = 0.5
    rotation_deg: float = 4.0  # standard deviation; people lean and cameras tilt
    scale: float = 0.05  # standard deviation of its logarithm; detectors differ in tightness
    shift: float = 0.02  # standard deviation, of the size of the crop
    gain: float = 0.15  # standard deviation of the logarithm of brightness
    white_balance: float = 0.06  # same, of each channel; more would change the colour of clothes
    contrast: float = 0.15  # same, of the contrast
    saturation: float = 0.25  # same, of the saturation
    low_resolution_probability: float = 0.1  # shrink and enlarge again: far people
    noise: float = 4.0  # largest standard deviation, grey values
    erasing_probability: float = 0.15  # cover a rectangle: occlusion


def augment(
    crop: LabelledCrop,
    size_hw: tuple[int, int],
    keypoint_flip: Sequence[int],
    part_flip: Sequence[int],
    params: AugmentationParams,
    rng: np.random.Generator,
) -> LabelledCrop:
    """
    Change a crop at random and resize it.

    :param crop: original.
    :param size_hw: of the result.
    :param keypoint_flip: joint that takes the place of each when left and right are exchanged.
    :param part_flip: same for part labels.
    :param params: how far.
    :param rng: decides.
    """
    if rng.random() < params.flip_probability:
        crop = flip(crop, keypoint_flip, part_flip)
    crop = warp(crop, random_affine(crop.parts.shape[:2], size_hw, params, rng), size_hw)
    image = jitter_color(crop.image_rgb, params, rng)
    if rng.random() < params.low_resolution_probability:
        image = lower_resolution(image, rng.uniform(0.3, 0.8))
    image = add_noise(image, rng.uniform(0, params.noise), rng)
    crop = replace(crop, image_rgb=image)
    if rng.random() < params.erasing_probability:
        crop = erase(crop, rng)
    return crop


def flip(
    crop: LabelledCrop, keypoint_flip: Sequence[int], part_flip: Sequence[int]
) -> LabelledCrop:
    """Mirror a crop; left limbs become right ones."""
    keypoints = crop.keypoints[list(keypoint_flip)]
    keypoints[:, 0] = crop.image_rgb.shape[1] - keypoints[:, 0]
    parts = np.asarray(part_flip, np.uint8)[crop.parts[:, ::-1]]
    return LabelledCrop(np.ascontiguousarray(crop.image_rgb[:, ::-1]), keypoints, parts)


def resize_affine(from_hw: tuple[int, int], to_hw: tuple[int, int]) -> NDArray[np.float64]:
    """(2, 3) matrix that maps a crop of one size to another, continuous coordinates."""
    return np.array(
        [[to_hw[1] / from_hw[1], 0.0, 0.0], [0.0, to_hw[0] / from_hw[0], 0.0]], np.float64
    )


def random_affine(
    from_hw: tuple[int, int],
    to_hw: tuple[int, int],
    params: AugmentationParams,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """(2, 3) matrix that resizes, and rotates, scales and shifts a little around the centre."""
    angle = np.radians(rng.normal(0, params.rotation_deg))
    scale = np.exp(rng.normal(0, params.scale))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = np.array(from_hw[::-1], np.float64)
    shift = rng.normal(0, params.shift, 2) * size
    resize = resize_affine(from_hw, to_hw)[:, :2]
    return np.column_stack((resize @ turn, resize @ (size / 2 + shift - turn @ size / 2)))


def warp(
    crop: LabelledCrop, matrix: NDArray[np.float64], size_hw: tuple[int, int]
) -> LabelledCrop:
    """
    Move a crop and its labels.

    :param crop: original.
    :param matrix: (2, 3) from its pixels to those of the result, continuous coordinates.
    :param size_hw: of the result.
    """
    height, width = size_hw
    # cv2 counts from the centre of the first pixel, we from its corner.
    centers = matrix.copy()
    centers[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    image = cv2.warpAffine(
        crop.image_rgb,
        centers,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=FILL_RGB,
    )
    parts = cv2.warpAffine(crop.parts, centers, (width, height), flags=cv2.INTER_NEAREST)
    keypoints = crop.keypoints.copy()
    keypoints[:, :2] = crop.keypoints[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    x, y = keypoints[:, 0], keypoints[:, 1]
    keypoints[(x < 0) | (x >= width) | (y < 0) | (y >= height), 2] = -1
    return LabelledCrop(np.asarray(image, np.uint8), keypoints, np.asarray(parts, np.uint8))


def jitter_color(
    image_rgb: UInt8Array, params: AugmentationParams, rng: np.random.Generator
) -> UInt8Array:
    """Change brightness, white balance, contrast and saturation; one linear map of the colours."""
    gain = np.exp(rng.normal(0, params.gain) + rng.normal(0, params.white_balance, 3))
    contrast = np.exp(rng.normal(0, params.contrast))
    saturation = np.exp(rng.normal(0, params.saturation))
    toward_gray = np.eye(3) * saturation + (1 - saturation) / 3
    matrix = contrast * toward_gray @ np.diag(gain)
    offset = np.full((3, 1), 128 * (1 - contrast))
    # cv2 saturates at 0 and 255.
    return np.asarray(cv2.transform(image_rgb, np.hstack((matrix, offset))), np.uint8)


def lower_resolution(image_rgb: UInt8Array, scale: float) -> UInt8Array:
    """Throw away detail as if the person were far away."""
    height, width = image_rgb.shape[:2]
    small = (max(round(scale * width), 1), max(round(scale * height), 1))
    image = cv2.resize(image_rgb, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(image, (width, height)), np.uint8)


def add_noise(image_rgb: UInt8Array, sigma: float, rng: np.random.Generator) -> UInt8Array:
    """Add sensor noise of a standard deviation in grey values."""
    noise = rng.standard_normal(image_rgb.shape, np.float32) * np.float32(sigma)
    return np.clip(image_rgb + noise, 0, 255).astype(np.uint8)


def erase(crop: LabelledCrop, rng: np.random.Generator) -> LabelledCrop:
    """
    Cover a rectangle with one colour (random erasing, Zhong et al. 2020).

    What it covers is background, a joint under it is hidden.
    """
    height, width = crop.parts.shape
    h, w = (int(rng.uniform(0.1, 0.4) * side) for side in (height, width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    image, parts, keypoints = crop.image_rgb.copy(), crop.parts.copy(), crop.keypoints.copy()
    image[top : top + h, left : left + w] = rng.integers(256, size=3)
    parts[top : top + h, left : left + w] = 0
    x, y, state = keypoints.T
    covered = (x >= left) & (x < left + w) & (y >= top) & (y < top + h) & (state > 0)
    keypoints[covered, 2] = 0
    return LabelledCrop(image, keypoints, parts)
