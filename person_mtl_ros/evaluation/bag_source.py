"""Reads images and detections of a bag, frame by frame."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from person_mtl_ros.detections import PERSON_CLASS_IDS, detections_from_message
from person_mtl_ros.evaluation.bag import (
    COMPRESSED_IMAGE,
    DETECTIONS,
    IMAGE,
    BagError,
    make_typestore,
)
from person_mtl_ros.evaluation.mot_files import MotFileError, MotTable, read_mot_file
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.images import ImageError, bgr_from_compressed, bgr_from_image
from person_mtl_ros.structures import Detection, UInt8Array
from person_mtl_ros.video import DEFAULT_FRAME_RATE

# A stamp this much older than the newest means that time starts again, as in the nodes.
TIME_JUMP_NS = 10**9


class BagSource:
    """
    A bag (sqlite3 or mcap) with images and detections, iterated like a sequence.

    Frame ``n`` is the ``n``-th image; its stamp is that of the message header. Detections belong
    to the image with the same stamp, or with ``slop_sec`` to the nearest one not further away.
    An image without a message of detections is a frame without people. One whose stamp is zero, or
    not later than those before, is no frame but keeps its number; so do the nodes refuse it.

    :param path: folder of the bag.
    :param image_topic: empty to take the only topic of images, raw or compressed.
    :param detections_topic: empty to take the only topic of ``vision_msgs/Detection2DArray``.
    :param require_detections: refuse a bag without detections; otherwise there are none.
    :param gt_file: ground truth in the MOTChallenge format, frame ``n`` the ``n``-th image.
    :param slop_sec: largest difference of stamps in a pair.
    :param person_class_ids: class ids that mean a person.
    :raises BagError: naming what is missing, ambiguous or unreadable.
    """

    has_pictures = True
    is_live = False

    def __init__(
        self,
        path: Path,
        *,
        image_topic: str = '',
        detections_topic: str = '',
        require_detections: bool = True,
        gt_file: Path | None = None,
        slop_sec: float = 0.0,
        person_class_ids: Iterable[str] = PERSON_CLASS_IDS,
    ) -> None:
        self.path = path
        self.name = path.name
        with self._open() as reader:
            self._image_topic = self._choose(
                reader, image_topic, '--image-topic', (IMAGE, COMPRESSED_IMAGE)
            )
            found_topic = self._choose(
                reader, detections_topic, '--detections-topic', (DETECTIONS,), require_detections
            )
            image_stamps: list[int] = []
            messages: list[Any] = []
            for connection, data in self._read(reader, self._image_topic, found_topic):
                message = reader.deserialize(data, connection.msgtype)
                if connection.topic == found_topic:
                    messages.append(message)
                    continue
                if not image_stamps:
                    height, width = self._decode(message, connection, 1).shape[:2]
                image_stamps.append(_stamp_ns(message))
        if not image_stamps:
            raise BagError(f'{path}: no message on {self._image_topic}')
        self.length = len(image_stamps)
        self.image_size = (width, height)
        self.frame_rate = _frame_rate(image_stamps)
        self.has_detections = bool(found_topic)
        self.notes: tuple[str, ...] = ()
        self._left_out = self._refuse(image_stamps)
        self._detections: list[tuple[Detection, ...]] = [() for _ in image_stamps]
        if found_topic:
            self._pair(image_stamps, messages, slop_sec, tuple(person_class_ids))
        self.ground_truth = None if gt_file is None else self._read_ground_truth(gt_file)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Frame]:
        """
        Frames 1 to ``length``, but those left out for their stamps.

        :raises BagError: when an image cannot be decoded.
        """
        with self._open() as reader:
            images = self._read(reader, self._image_topic)
            for index, (connection, data) in enumerate(images, start=1):
                if index - 1 in self._left_out:
                    continue
                message = reader.deserialize(data, connection.msgtype)
                image = self._decode(message, connection, index)
                stamp_sec = _stamp_ns(message) / 1e9
                yield Frame(index, stamp_sec, image, self._detections[index - 1])

    @contextmanager
    def _open(self) -> Iterator[AnyReader]:
        if not self.path.exists():
            raise BagError(f'{self.path}: no such bag')
        try:
            with AnyReader([self.path], default_typestore=make_typestore()) as reader:
                yield reader
        except BagError:
            raise
        except Exception as error:  # rosbags lets the errors of its storage libraries through
            reason = ' '.join(str(error).split())
            raise BagError(f'{self.path}: not a readable bag: {reason}') from error

    @staticmethod
    def _read(reader: AnyReader, *topics: str) -> Iterator[tuple[Connection, bytes]]:
        connections = [c for c in reader.connections if c.topic in topics]
        for connection, _, data in reader.messages(connections):
            yield connection, data

    def _choose(
        self,
        reader: AnyReader,
        topic: str,
        option: str,
        types: tuple[str, ...],
        is_required: bool = True,
    ) -> str:
        """Topic of one of these types, empty if there is none and none is required."""
        there = sorted({c.topic for c in reader.connections if c.msgtype in types})
        if topic in there or (not topic and not there and not is_required):
            return topic
        if not topic and len(there) == 1:
            return there[0]
        if not topic and there:
            raise BagError(f'{self.path}: has {", ".join(there)}; choose with {option}')
        all_topics = ', '.join(sorted(f'{c.topic} ({c.msgtype})' for c in reader.connections))
        raise BagError(
            f'{self.path}: no topic {topic + " " if topic else ""}of type {" or ".join(types)}; '
            f'it has {all_topics or "none"}'
        )

    def _decode(self, message: Any, connection: Connection, index: int) -> UInt8Array:
        try:
            if connection.msgtype == IMAGE:
                return bgr_from_image(message)
            return bgr_from_compressed(message)
        except ImageError as error:
            raise BagError(f'{self.path}: image {index} on {connection.topic}: {error}') from error

    def _refuse(self, image_stamps: list[int]) -> frozenset[int]:
        """Places of images whose stamps tell no time; says how many and why."""
        reasons = _stamp_faults(image_stamps)
        for reason, count in sorted(Counter(reasons.values()).items()):
            self._note(f'{count} of {self.length} images left out: {reason}')
        if len(reasons) == self.length:
            raise BagError(
                f'{self.path}: no image on {self._image_topic} has a stamp; the header of each '
                'needs the time at which it was taken'
            )
        return frozenset(reasons)

    def _note(self, text: str) -> None:
        self.notes += (f'{self.path}: {text}',)

    def _pair(
        self,
        image_stamps: list[int],
        messages: list[Any],
        slop_sec: float,
        person_class_ids: tuple[str, ...],
    ) -> None:
        """Give each message of detections to the image nearest in time, one per image."""
        if not messages:
            raise BagError(f'{self.path}: no message of detections')
        message_stamps = np.array([_stamp_ns(message) for message in messages])
        nearest, differences_ns = _nearest(np.array(image_stamps), message_stamps)
        best: dict[int, int] = {}  # image -> message
        for row in np.argsort(differences_ns, kind='stable').tolist():
            if differences_ns[row] <= slop_sec * 1e9:
                best.setdefault(int(nearest[row]), row)
        if not best:
            raise BagError(
                f'{self.path}: no detections have the stamp of an image within {slop_sec:g} s; '
                f'the closest are {differences_ns.min() / 1e9:g} s apart; --slop accepts more'
            )
        faults: Counter[str] = Counter()
        for image, row in best.items():
            people, reasons = detections_from_message(
                messages[row], person_class_ids, *self.image_size
            )
            self._detections[image] = tuple(people)
            faults.update(reasons)
        for why, count in sorted(faults.items()):
            self._note(f'{count} detections left out: {why}')
        if alone := self.length - len(self._left_out | best.keys()):
            self._note(f'{alone} of {self.length} images have no message of detections')
        if len(best) < len(messages):
            count = len(messages) - len(best)
            self._note(f'{count} of {len(messages)} messages of detections have no image')

    def _read_ground_truth(self, path: Path) -> MotTable:
        try:
            table = read_mot_file(path, unique_ids=True)
        except MotFileError as error:
            raise BagError(str(error)) from error
        if len(table) and table.frames[-1] > self.length:
            raise BagError(
                f'{path}: has frame {table.frames[-1]}; {self.path} has {self.length} images'
            )
        return table


def _stamp_ns(message: Any) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def _stamp_faults(stamps_ns: list[int]) -> dict[int, str]:
    """Place -> why a stamp tells no time, after all those before it."""
    newest, faults = 0, {}
    for place, stamp in enumerate(stamps_ns):
        if stamp <= 0:
            faults[place] = 'zero stamp'
        elif 0 <= newest - stamp < TIME_JUMP_NS:
            faults[place] = 'repeated stamp' if stamp == newest else 'late'
        else:
            newest = stamp
    return faults


def _nearest(
    stamps_ns: NDArray[np.int64], queries_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index of the stamp nearest to each query, and how far it is."""
    order = np.argsort(stamps_ns, kind='stable')
    right = np.searchsorted(stamps_ns[order], queries_ns).clip(max=len(order) - 1)
    candidates = order[np.stack([right, (right - 1).clip(min=0)])]
    distances = np.abs(stamps_ns[candidates] - queries_ns)
    side = distances.argmin(axis=0)
    columns = np.arange(len(queries_ns))
    return candidates[side, columns], distances[side, columns]


def _frame_rate(stamps_ns: list[int]) -> float:
    """Frames per second from the median distance, which a dropped image does not change."""
    period_ns = float(np.median(np.diff(stamps_ns))) if len(stamps_ns) > 1 else 0.0
    return 1e9 / period_ns if period_ns > 0 else DEFAULT_FRAME_RATE
