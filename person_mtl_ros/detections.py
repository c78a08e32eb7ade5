"""
Detection messages to structures.

Messages are duck-typed, as in :mod:`person_mtl_ros.images`: those of rclpy and of ``rosbags``.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from person_mtl_ros.structures import Detection, Float32Array

# Detectors name the class or, trained on COCO, number it.
PERSON_CLASS_IDS = ('person', '0')
NOT_A_PERSON = 'class is not a person'  # reason for leaving a detection out
MAX_COORDINATE = 1e6  # pixels; larger numbers are garbage, not boxes


def xyxy_from_bounding_box(message: Any) -> Float32Array:
    """Corners in pixels of the upright box that encloses a (possibly rotated) box message."""
    center = message.center.position
    width, height = message.size_x, message.size_y
    if message.center.theta:
        cos, sin = abs(math.cos(message.center.theta)), abs(math.sin(message.center.theta))
        width, height = width * cos + height * sin, width * sin + height * cos
    return np.array(
        [center.x - width / 2, center.y - height / 2, center.x + width / 2, center.y + height / 2],
        np.float32,
    )


def detection_fault(box: Any, width: int, height: int) -> str:
    """
    Why a box message cannot be a person in an image of this size.

    :returns: the reason, empty if the box is fine.
    """
    center = box.center.position
    numbers = (center.x, center.y, box.size_x, box.size_y, box.center.theta)
    if not all(math.isfinite(number) for number in numbers):
        return 'box not finite'
    if box.size_x < 0 or box.size_y < 0:
        return 'box inverted'
    if max(abs(number) for number in numbers) > MAX_COORDINATE:
        return 'box out of image'
    x0, y0, x1, y1 = xyxy_from_bounding_box(box)
    if x1 - x0 < 1 or y1 - y0 < 1:
        return 'box without area'
    if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
        return 'box out of image'
    return ''


def detections_from_message(
    message: Any, person_class_ids: Iterable[str], width: int, height: int
) -> tuple[list[Detection], list[str]]:
    """
    People in a ``vision_msgs/Detection2DArray``.

    A detection without results counts as a person with score 1: some detectors know one class
    only and leave the field empty.

    :param message: the detections, in pixels of an image of ``width`` x ``height``.
    :param person_class_ids: the class ids that mean a person.
    :returns: the people, and the reason for each detection left out.
    """
    detections, faults = [], []
    wanted = frozenset(person_class_ids)
    for index, item in enumerate(message.detections):
        score = 1.0
        if len(item.results):
            hypotheses = [r.hypothesis for r in item.results if r.hypothesis.class_id in wanted]
            if not hypotheses:
                faults.append(NOT_A_PERSON)
                continue
            score = max(hypothesis.score for hypothesis in hypotheses)
            if not 0.0 <= score <= 1.0:
                faults.append('score not in [0, 1]')
                continue
        fault = detection_fault(item.bbox, width, height)
        if fault:
            faults.append(fault)
            continue
        box_xyxy = xyxy_from_bounding_box(item.bbox)
        detections.append(Detection(box_xyxy, float(score), item.id, index))
    return detections, faults
