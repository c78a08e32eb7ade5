"""Why a message or a part of it cannot be used: checks at the borders of the nodes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from person_mtl_ros.detections import MAX_COORDINATE, detection_fault
from person_mtl_ros.structures import ModelInfo, PersonEstimate, TrackState

NORM_TOLERANCE = 0.01  # half precision on the way rounds by 0.001
MAX_AREA_RATIO = 4.0  # from image to image; more is not a camera


# Bounds of the messages, which Python does not check before they leave.
MAX_EMBEDDING_DIM = 4096
MAX_CLASSES = 512  # of all attributes together
MAX_KEYPOINTS = 64
MAX_MASK_PIXELS = 65536


def estimate_fault(person: PersonEstimate) -> str:
    """
    Why what a network says about a person does not fit into a ``Person`` message.

    :returns: all that is too large, empty if it fits.
    """
    sizes = (
        ('embedding numbers', len(person.embedding), MAX_EMBEDDING_DIM),
        ('attribute classes', sum(map(len, person.attributes.values())), MAX_CLASSES),
        ('keypoints', len(person.keypoints), MAX_KEYPOINTS),
        (
            'part mask pixels',
            person.part_mask.labels.size if person.part_mask else 0,
            MAX_MASK_PIXELS,
        ),
    )
    return ', '.join(
        f'{size} {what}, at most {bound} fit into the message'
        for what, size, bound in sizes
        if size > bound
    )


def model_info_fault(message: Any) -> str:
    """
    Why a ``PersonModelInfo`` message cannot be used.

    :returns: the reason, empty if it is fine.
    """
    if not message.model_id:
        return 'no model_id'
    if not 0.0 <= message.same_person_threshold <= 2.0:
        return 'same_person_threshold not in [0, 2]'
    if not all(len(attribute.classes) for attribute in message.attributes):
        return 'attribute without classes'
    if len(message.keypoint_edges) % 2:
        return 'keypoint_edges not in pairs'
    if max(message.keypoint_edges, default=-1) >= len(message.keypoint_names):
        return 'keypoint_edges beyond the keypoints'
    if len(message.part_colors) not in (0, 3 * len(message.part_names)):
        return 'part_colors not three numbers for each part'
    return ''


def person_fault(item: Any, width: int, height: int, info: ModelInfo) -> str:
    """
    Why a ``Person`` message cannot be tracked.

    :param item: the message.
    :param width: of the image, pixels.
    :param height: of the image, pixels.
    :param info: of the network that made it.
    :returns: the reason, empty if it is fine.
    """
    fault = detection_fault(item.bbox, width, height)
    if fault:
        return fault
    if not 0.0 <= item.score <= 1.0:
        return 'score not in [0, 1]'
    embedding = np.asarray(item.embedding, np.float32)
    if len(embedding) not in (0, info.embedding_dim):
        return 'embedding of another length'
    if not np.isfinite(embedding).all():
        return 'embedding not finite'
    norm = np.linalg.norm(embedding.astype(np.float64))
    if len(embedding) and abs(norm - 1.0) > NORM_TOLERANCE:
        return 'embedding not of unit length'
    classes = sum(len(spec.classes) for spec in info.attributes)
    if len(item.attribute_probabilities) not in (0, classes):
        return 'attributes of another number'
    probabilities = np.asarray(item.attribute_probabilities, np.float32)
    if not (np.isnan(probabilities) | ((probabilities >= 0) & (probabilities <= 1))).all():
        return 'attributes not in [0, 1]'
    fault = _keypoints_fault(item.keypoints)
    if fault:
        return fault
    if not 0.0 <= item.sharpness <= 1.0:
        return 'sharpness not in [0, 1]'
    if not item.is_evaluated and (len(embedding) or len(probabilities)):
        return 'results without is_evaluated'
    return _mask_fault(item.part_mask)


def tracked_person_fault(item: Any, info: ModelInfo) -> str:
    """
    Why a ``TrackedPerson`` message cannot be drawn.

    :param item: the message; its box may well lie outside the image.
    :param info: of the network that made it.
    :returns: the reason, empty if it is fine.
    """
    if item.state not in list(TrackState):
        return 'unknown state'
    boxes = [item.bbox, *(person.bbox for person in item.estimate)]
    fault = _range_fault('box', [number for box in boxes for number in _numbers(box)])
    if fault:
        return fault
    for person in item.estimate:
        if info.keypoint_names and len(person.keypoints) not in (0, len(info.keypoint_names)):
            return 'keypoints of another number'
        fault = _keypoints_fault(person.keypoints) or _mask_fault(person.part_mask)
        if fault:
            return fault
    return ''


def _keypoints_fault(keypoints: Any) -> str:
    return _range_fault('keypoints', [v for k in keypoints for v in (k.x, k.y, k.score)])


def _range_fault(what: str, numbers: Sequence[float]) -> str:
    if all(abs(number) <= MAX_COORDINATE for number in numbers):
        return ''
    return f'{what} too far out' if all(map(math.isfinite, numbers)) else f'{what} not finite'


def _mask_fault(mask: Any) -> str:
    if not all(abs(number) <= MAX_COORDINATE for number in _numbers(mask.roi)):
        return 'part mask out of image'
    if len(mask.data) and min(mask.roi.size_x, mask.roi.size_y) < 1:
        return 'part mask without area'
    if len(mask.data) != mask.width * mask.height:
        return 'part mask of another size than its data'
    return ''


def _numbers(box: Any) -> tuple[float, ...]:
    center = box.center.position
    return center.x, center.y, box.size_x, box.size_y, box.center.theta


def camera_motion_fault(motion: Any, since_sec: float, last_sec: float) -> str:
    """
    Why a ``camera_motion`` field cannot be used.

    :param motion: 6 numbers, or none where nothing is known.
    :param since_sec: stamp of the image the motion starts from; 0 where it does not say.
    :param last_sec: stamp of the last message that was used.
    :returns: the reason, empty if it is fine or not given.
    """
    if len(motion) and since_sec and since_sec != last_sec:
        return 'since an image that was not tracked'
    if len(motion) not in (0, 6):
        return 'not 6 numbers'
    if not all(math.isfinite(v) and abs(v) <= MAX_COORDINATE for v in motion):
        return 'not finite'
    if len(motion):
        a, b, _, c, d, _ = motion
        if not 1 / MAX_AREA_RATIO <= a * d - b * c <= MAX_AREA_RATIO:
            return 'not that of a camera'
    return ''
