"""Writes a sequence as a bag that ``ros2 bag play`` plays."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore
from tqdm import tqdm

from person_mtl_ros.evaluation.sequence import Sequence
from person_mtl_ros.structures import Detection, UInt8Array

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
DETECTIONS = 'vision_msgs/msg/Detection2DArray'

IMAGE_TOPIC = '/image'
COMPRESSED_IMAGE_TOPIC = '/image/compressed'  # where image_transport looks for it
DETECTIONS_TOPIC = '/detections'

FRAME_ID = 'camera'
# rosbag2 metadata version: the newest that Humble reads as well.
METADATA_VERSION: Final = 8
JPEG_QUALITY = 95

# vision_msgs 4.1, which rosbags does not know.
_VISION_MSGS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'Detection2D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id'
    ),
    'Detection2DArray': 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
}


class BagError(ValueError):
    """A bag that cannot be written or read."""


def make_typestore() -> Typestore:
    """Messages of ROS 2 Humble, the ones used here being the same later, and vision_msgs."""
    typestore = get_typestore(Stores.ROS2_HUMBLE)
    for name, definition in _VISION_MSGS.items():
        typestore.register(get_types_from_msg(definition, f'vision_msgs/msg/{name}'))
    return typestore


def write_bag(sequence: Sequence, path: Path, *, compressed: bool = False) -> None:
    """
    Write images and detections of a sequence, stamped with the times of its frames.

    The bag (storage mcap) appears under its name only when it is complete. Its topics are
    ``/image`` or ``/image/compressed``, and ``/detections`` if the sequence has any.

    :param sequence: one with pictures.
    :param path: folder to make.
    :param compressed: JPEG images: a fraction of the size, slightly different pixels.
    :raises BagError: when ``path`` exists, cannot be made, or there are no pictures.
    :raises SequenceError: when the pictures cannot be read.
    """
    if path.exists():
        raise BagError(f'{path}: exists already; choose another name or remove it')
    if sequence.pictures is None:
        raise BagError(f'{sequence.name}: has no pictures, so there is nothing to play')
    typestore = make_typestore()
    try:
        # The bag's file is named after its folder, so the folder has its name from the start.
        with TemporaryDirectory(dir=path.parent, prefix='.partial-') as folder:
            temporary = Path(folder) / path.name
            with Writer(
                temporary, version=METADATA_VERSION, storage_plugin=StoragePlugin.MCAP
            ) as writer:
                _write_messages(sequence, writer, typestore, compressed)
            temporary.rename(path)
    except OSError as error:
        raise BagError(f'{path}: cannot be written: {error.strerror or error}') from error


def _write_messages(
    sequence: Sequence, writer: Writer, typestore: Typestore, compressed: bool
) -> None:
    image_topic, image_type, make_image = (
        (COMPRESSED_IMAGE_TOPIC, COMPRESSED_IMAGE, _compressed_image)
        if compressed
        else (IMAGE_TOPIC, IMAGE, _image)
    )
    images = writer.add_connection(image_topic, image_type, typestore=typestore)
    detections = None
    if sequence.has_detections:
        detections = writer.add_connection(DETECTIONS_TOPIC, DETECTIONS, typestore=typestore)
    for frame in tqdm(sequence, desc=f'{sequence.name} -> bag', unit='frame', disable=None):
        stamp_ns = round(frame.stamp_sec * 1e9)
        header = _header(typestore, stamp_ns)
        assert frame.image_bgr is not None
        message = make_image(typestore, header, frame.image_bgr)
        writer.write(images, stamp_ns, typestore.serialize_cdr(message, image_type))
        if detections is not None:
            message = _detections(typestore, header, frame.detections)
            writer.write(detections, stamp_ns, typestore.serialize_cdr(message, DETECTIONS))


def _header(typestore: Typestore, stamp_ns: int) -> Any:
    sec, nanosec = divmod(stamp_ns, 10**9)
    stamp = typestore.types['builtin_interfaces/msg/Time'](sec=sec, nanosec=nanosec)
    return typestore.types['std_msgs/msg/Header'](stamp=stamp, frame_id=FRAME_ID)


def _image(typestore: Typestore, header: Any, image_bgr: UInt8Array) -> Any:
    height, width = image_bgr.shape[:2]
    return typestore.types[IMAGE](
        header=header,
        height=height,
        width=width,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(image_bgr).ravel(),
    )


def _compressed_image(typestore: Typestore, header: Any, image_bgr: UInt8Array) -> Any:
    _, data = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    # The format in the words of image_transport, whose subscribers read the colours from it.
    return typestore.types[COMPRESSED_IMAGE](
        header=header, format='bgr8; jpeg compressed bgr8', data=data.ravel()
    )


def _detections(typestore: Typestore, header: Any, detections: Iterable[Detection]) -> Any:
    types = {name: typestore.types[f'vision_msgs/msg/{name}'] for name in _VISION_MSGS}
    items = []
    for detection in detections:
        x0, y0, x1, y1 = (float(value) for value in detection.box_xyxy)
        center = types['Pose2D'](
            position=types['Point2D'](x=(x0 + x1) / 2, y=(y0 + y1) / 2), theta=0.0
        )
        result = types['ObjectHypothesisWithPose'](
            hypothesis=types['ObjectHypothesis'](class_id='person', score=detection.score),
            pose=_unset_pose(typestore),
        )
        items.append(
            types['Detection2D'](
                header=header,
                results=[result],
                bbox=types['BoundingBox2D'](center=center, size_x=x1 - x0, size_y=y1 - y0),
                id=detection.detection_id,
            )
        )
    return types['Detection2DArray'](header=header, detections=items)


def _unset_pose(typestore: Typestore) -> Any:
    """Pose of a detection that has none, with the defaults of the message definition."""
    types = {
        name: typestore.types[f'geometry_msgs/msg/{name}']
        for name in ('Point', 'Quaternion', 'Pose', 'PoseWithCovariance')
    }
    pose = types['Pose'](
        position=types['Point'](x=0.0, y=0.0, z=0.0),
        orientation=types['Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
    )
    return types['PoseWithCovariance'](pose=pose, covariance=np.zeros(36))
