"""What is known of people, as messages and back: pure functions."""

import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from person_mtl.msg import (
    AttributeInfo,
    Keypoint,
    PersonArray,
    PersonModelInfo,
    TrackedPersonArray,
)
from person_mtl.msg import PartMask as PartMaskMessage
from person_mtl.msg import Person as PersonMessage
from person_mtl.msg import TrackedPerson as TrackedPersonMessage

from person_mtl_ros.detections import xyxy_from_bounding_box
from person_mtl_ros.nodes.conversions import bounding_box_from_xyxy, byte_array, float_array
from person_mtl_ros.nodes.message_faults import person_fault, tracked_person_fault
from person_mtl_ros.structures import (
    AttributeSpec,
    Detection,
    Float32Array,
    ModelInfo,
    PartMask,
    PersonEstimate,
    TrackedPerson,
    TrackState,
)

# Bounds of the messages, which Python does not check before they leave.
MAX_ID_LENGTH = 256  # bytes
MAX_PERSONS = 1024
MAX_TRACKS = 1024


def _floats(values: Any) -> Float32Array:
    return np.array(values, dtype=np.float32)


def _cut(identity: str) -> str:
    return identity.encode()[:MAX_ID_LENGTH].decode(errors='ignore')


def model_info_to_message(info: ModelInfo) -> PersonModelInfo:
    """Latched description of a network's outputs."""
    return PersonModelInfo(
        model_id=info.model_id,
        embedding_dim=info.embedding_dim,
        same_person_threshold=info.same_person_threshold,
        attributes=[AttributeInfo(name=a.name, classes=list(a.classes)) for a in info.attributes],
        keypoint_names=list(info.keypoint_names),
        keypoint_edges=byte_array(np.array(info.keypoint_edges, np.uint8).ravel()),
        part_names=list(info.part_names),
        part_colors=byte_array(np.array(info.part_colors, np.uint8).ravel()),
    )


def model_info_from_message(message: Any) -> ModelInfo:
    """Inverse of :func:`model_info_to_message`, of a message without ``model_info_fault``."""
    edges = np.array(message.keypoint_edges, int).reshape(-1, 2)
    colors = np.array(message.part_colors, int).reshape(-1, 3)
    return ModelInfo(
        model_id=message.model_id,
        embedding_dim=message.embedding_dim,
        same_person_threshold=message.same_person_threshold,
        attributes=tuple(AttributeSpec(a.name, tuple(a.classes)) for a in message.attributes),
        keypoint_names=tuple(message.keypoint_names),
        keypoint_edges=tuple((int(a), int(b)) for a, b in edges),
        part_names=tuple(message.part_names),
        part_colors=tuple((int(r), int(g), int(b)) for r, g, b in colors),
    )


def _flatten_attributes(attributes: Mapping[str, Float32Array], info: ModelInfo) -> Any:
    if not attributes:
        return array.array('f')
    values = np.full(sum(len(spec.classes) for spec in info.attributes), np.nan, np.float32)
    for name, part in info.attribute_slices.items():
        if name in attributes:
            values[part] = attributes[name]
    return float_array(values)


def _split_attributes(probabilities: Any, info: ModelInfo) -> dict[str, Float32Array]:
    values = _floats(probabilities)
    if len(values) == 0 or len(values) != sum(len(spec.classes) for spec in info.attributes):
        return {}
    pieces = {name: values[part] for name, part in info.attribute_slices.items()}
    if np.isnan(values).any():
        pieces = {name: piece for name, piece in pieces.items() if not np.isnan(piece).any()}
    return pieces


def _keypoints(rows: Float32Array) -> list[Keypoint]:
    # Fields that are set afterwards take half the time of arguments.
    result = []
    for x, y, score in rows.tolist():
        keypoint = Keypoint()
        keypoint.x, keypoint.y, keypoint.score = x, y, score
        result.append(keypoint)
    return result


def person_to_message(person: PersonEstimate, info: ModelInfo) -> PersonMessage:
    """``Person`` from an estimate; attributes are laid out as ``info`` says."""
    message = PersonMessage(
        detection_index=person.detection.index,
        detection_id=_cut(person.detection.detection_id),
        bbox=bounding_box_from_xyxy(person.detection.box_xyxy),
        score=person.detection.score,
        is_evaluated=person.is_evaluated,
        embedding=float_array(person.embedding),
        attribute_probabilities=_flatten_attributes(person.attributes, info),
        keypoints=_keypoints(person.keypoints),
        sharpness=person.sharpness or 0.0,
    )
    if person.part_mask is not None:
        height, width = person.part_mask.labels.shape
        message.part_mask = PartMaskMessage(
            roi=bounding_box_from_xyxy(person.part_mask.box_xyxy),
            width=width,
            height=height,
            data=byte_array(person.part_mask.labels),
        )
    return message


def person_from_message(message: Any, info: ModelInfo) -> PersonEstimate:
    """Inverse of :func:`person_to_message`, of a message without ``person_fault``."""
    mask = message.part_mask
    part_mask = None
    if len(mask.data):
        labels = np.array(mask.data, np.uint8).reshape(mask.height, mask.width)
        part_mask = PartMask(labels, xyxy_from_bounding_box(mask.roi))
    return PersonEstimate(
        detection=Detection(
            xyxy_from_bounding_box(message.bbox),
            message.score,
            message.detection_id,
            message.detection_index,
        ),
        embedding=_floats(message.embedding),
        attributes=_split_attributes(message.attribute_probabilities, info),
        keypoints=_floats([(k.x, k.y, k.score) for k in message.keypoints]).reshape(-1, 3),
        part_mask=part_mask,
        sharpness=message.sharpness or None,
        is_evaluated=message.is_evaluated,
    )


def persons_to_message(
    header: Any,
    image_size: tuple[int, int],
    persons: Sequence[PersonEstimate],
    info: ModelInfo,
    camera_motion: Float32Array | None = None,
    since: Time | None = None,
) -> PersonArray:
    """
    ``PersonArray`` of everybody in one image.

    :param header: of the image.
    :param image_size: width and height in pixels.
    :param camera_motion: (2, 3) affine from the previous image to this one, None if unknown.
    :param since: stamp of that previous image.
    """
    message = PersonArray(
        header=header,
        image_width=image_size[0],
        image_height=image_size[1],
        model_id=info.model_id,
        persons=[person_to_message(person, info) for person in persons],
    )
    if camera_motion is not None and since is not None:
        message.camera_motion = float_array(camera_motion)
        message.camera_motion_since = since
    return message


class ReadPersons(NamedTuple):
    """Everybody in a ``PersonArray`` that the tracker can use."""

    persons: list[PersonEstimate]
    messages: list[PersonMessage]  # they came from, in the same order
    faults: list[str]  # the reason for each one left out


def persons_from_message(
    message: Any, info: ModelInfo, estimates: Sequence[PersonEstimate] | None = None
) -> ReadPersons:
    """
    Check and read a ``PersonArray``.

    :param estimates: what the message was made of, in the same order, where it is at hand; then
        they are only checked.
    """
    read = ReadPersons([], [], [])
    for index, item in enumerate(message.persons):
        fault = person_fault(item, message.image_width, message.image_height, info)
        if fault:
            read.faults.append(fault)
        else:
            read.persons.append(estimates[index] if estimates else person_from_message(item, info))
            read.messages.append(item)
    return read


def tracks_to_message(
    persons: Any,
    tracks: Sequence[TrackedPerson],
    info: ModelInfo,
    read: ReadPersons | None = None,
) -> TrackedPersonArray:
    """
    ``TrackedPersonArray`` after one image; the longest unseen of too many are left out.

    :param persons: the ``PersonArray`` the tracks were updated with.
    :param read: what was read from it: people who are in ``tracks`` as they came are not
        converted again.
    """
    unchanged = {}
    if read is not None:
        unchanged = {id(p): item for p, item in zip(read.persons, read.messages, strict=True)}
    if len(tracks) > MAX_TRACKS:
        seen_last = sorted(tracks, key=lambda track: track.time_since_seen_sec)[:MAX_TRACKS]
        tracks = sorted(seen_last, key=lambda track: track.track_id)
    message = TrackedPersonArray(
        header=persons.header,
        image_width=persons.image_width,
        image_height=persons.image_height,
        model_id=persons.model_id,
    )
    for track in tracks:
        item = TrackedPersonMessage(
            track_id=track.track_id,
            state=int(track.state),
            is_matched=track.is_matched,
            recovered=track.recovered,
            bbox=bounding_box_from_xyxy(track.box_xyxy),
            velocity_x=float(track.velocity_xy[0]),
            velocity_y=float(track.velocity_xy[1]),
            age=track.age_sec,
            time_since_seen=track.time_since_seen_sec,
            result_age=track.result_age_sec,
            attribute_probabilities=_flatten_attributes(track.attributes, info),
        )
        if track.estimate is not None:
            estimate = unchanged.get(id(track.estimate))
            item.estimate = [estimate or person_to_message(track.estimate, info)]
        message.persons.append(item)
    return message


def tracks_from_message(message: Any, info: ModelInfo) -> list[TrackedPerson]:
    """Inverse of :func:`tracks_to_message`."""
    return [_track_from_message(item, info) for item in message.persons]


def drawable_tracks(message: Any, info: ModelInfo) -> tuple[list[TrackedPerson], list[str]]:
    """
    Everybody in a ``TrackedPersonArray`` who can be drawn.

    :returns: the people, and the reason for each one left out.
    """
    faults = [tracked_person_fault(item, info) for item in message.persons]
    tracks = [
        _track_from_message(item, info)
        for item, fault in zip(message.persons, faults, strict=True)
        if not fault
    ]
    return tracks, [fault for fault in faults if fault]


def _track_from_message(item: Any, info: ModelInfo) -> TrackedPerson:
    return TrackedPerson(
        track_id=item.track_id,
        state=TrackState(item.state),
        is_matched=item.is_matched,
        box_xyxy=xyxy_from_bounding_box(item.bbox),
        velocity_xy=np.array([item.velocity_x, item.velocity_y], np.float32),
        age_sec=item.age,
        time_since_seen_sec=item.time_since_seen,
        attributes=_split_attributes(item.attribute_probabilities, info),
        estimate=person_from_message(item.estimate[0], info) if item.estimate else None,
        recovered=item.recovered,
        result_age_sec=item.result_age,
    )
