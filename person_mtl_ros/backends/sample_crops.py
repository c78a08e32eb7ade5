"""Crops of people to compare backends on and to calibrate with: those of the shipped clip."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

import person_mtl_ros
from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops
from person_mtl_ros.evaluation.sequence import Frame, load_sequence
from person_mtl_ros.structures import UInt8Array

CLIP = Path(person_mtl_ros.__file__).parent / 'demo_clip'
FRAME_STEP = 20  # frames apart, so that the same people look different
CALIBRATION_STEP = 4  # from its half on, so that no frame serves both


def sample_crops(params: CropParams, count: int = 16) -> UInt8Array:
    """
    Cut people out of the shipped clip.

    :param params: size and context of the crops.
    :param count: how many.
    :returns: (count, 3, H, W) uint8 RGB.
    """
    return crops_of_people(islice(load_sequence(CLIP), 0, None, FRAME_STEP), params, count)


def calibration_crops(params: CropParams) -> UInt8Array:
    """
    Cut people out of other frames of the shipped clip than ``sample_crops`` does.

    :returns: (N, 3, H, W) uint8 RGB.
    """
    frames = islice(load_sequence(CLIP), CALIBRATION_STEP // 2, None, CALIBRATION_STEP)
    return crops_of_people(frames, params)


def crops_of_people(
    frames: Iterable[Frame], params: CropParams, most: int | None = None
) -> UInt8Array:
    """
    Cut out everybody who was detected.

    :param most: how many at most.
    :returns: (N, 3, H, W) uint8 RGB.
    """
    crops: list[UInt8Array] = []
    for frame in frames:
        if not frame.detections or frame.image_bgr is None:
            continue
        areas = crop_boxes([d.box_xyxy for d in frame.detections], params)
        crops.extend(cut_crops(frame.image_bgr, areas, params))
        if most is not None and len(crops) >= most:
            break
    if not crops:
        return np.empty((0, 3, params.height, params.width), np.uint8)
    return np.stack(crops[:most])
