"""
Parts of messages, images and detections to messages: pure functions.

Numeric arrays are set through ``array.array.frombytes``; an ndarray would be copied number by
number, a hundred times slower.
"""

import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from sensor_msgs.msg import Image
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose

from person_mtl_ros.structures import Detection, Float32Array, UInt8Array


def stamp_ns(header: Any) -> int:
    """Time of a header in nanoseconds."""
    return time_ns(header.stamp)


def time_ns(stamp: Any) -> int:
    """``builtin_interfaces/Time`` in nanoseconds."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def float_array(values: Any) -> 'array.array[float]':
    """``float32[]`` field from numbers."""
    result = array.array('f')
    result.frombytes(np.ascontiguousarray(values, dtype=np.float32).tobytes())
    return result


def byte_array(values: Any) -> 'array.array[int]':
    """``uint8[]`` field from numbers or a uint8 image."""
    result = array.array('B')
    result.frombytes(np.ascontiguousarray(values, dtype=np.uint8).data)
    return result


def image_to_message(header: Any, image_bgr: UInt8Array) -> Image:
    """``sensor_msgs/Image``, bgr8, of (H, W, 3) pixels."""
    height, width = image_bgr.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * width,
        data=byte_array(image_bgr),
    )


def bounding_box_from_xyxy(box_xyxy: Float32Array) -> BoundingBox2D:
    """Box message from corners in pixels."""
    x1, y1, x2, y2 = box_xyxy.tolist()
    message = BoundingBox2D()
    message.center.position.x = (x1 + x2) / 2
    message.center.position.y = (y1 + y2) / 2
    message.size_x = x2 - x1
    message.size_y = y2 - y1
    return message


def detections_to_message(header: Any, detections: Sequence[Detection]) -> Detection2DArray:
    """``vision_msgs/Detection2DArray`` of people, class id ``person``."""
    message = Detection2DArray(header=header)
    for detection in detections:
        item = Detection2D(header=header, id=detection.detection_id)
        item.bbox = bounding_box_from_xyxy(detection.box_xyxy)
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = 'person'
        result.hypothesis.score = float(detection.score)
        item.results = [result]
        message.detections.append(item)
    return message
