"""Crops of people to compare backends on: those of the clip that is shipped with the package."""

from pathlib import Path

import numpy as np

import person_mtl_ros
from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.structures import UInt8Array

CLIP = Path(person_mtl_ros.__file__).parent / 'demo_clip'
FRAME_STEP = 20  # frames apart, so that the same people look different


def sample_crops(params: CropParams, count: int = 16) -> UInt8Array:
    """
    Cut people out of the shipped clip.

    :param params: size and context of the crops.
    :param count: how many.
    :returns: (count, 3, H, W) uint8 RGB.
    """
    crops: list[UInt8Array] = []
    for index, frame in enumerate(load_sequence(CLIP)):
        if index % FRAME_STEP or not frame.detections or frame.image_bgr is None:
            continue
        areas = crop_boxes([d.box_xyxy for d in frame.detections], params)
        crops.extend(cut_crops(frame.image_bgr, areas, params))
        if len(crops) >= count:
            break
    return np.stack(crops[:count])
