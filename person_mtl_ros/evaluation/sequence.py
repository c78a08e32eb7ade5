"""A recorded sequence in the folder layout of MOTChallenge."""

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.detections import MAX_COORDINATE
from person_mtl_ros.evaluation.mot_files import MotFileError, MotTable, read_mot_file
from person_mtl_ros.structures import Detection, UInt8Array
from person_mtl_ros.video import (
    VIDEO_SUFFIXES,
    VideoError,
    VideoSource,
    list_images,
    stamp_of,
)

MAX_LENGTH = 2_000_000  # frames, 18 hours at 30 Hz


class SequenceError(ValueError):
    """A folder that is not a complete sequence."""


@dataclass(frozen=True)
class Frame:
    """One moment of a recording."""

    index: int  # the first is 1
    stamp_sec: float
    image_bgr: UInt8Array | None  # (H, W, 3), None in a sequence without pictures
    detections: tuple[Detection, ...]


@dataclass(frozen=True)
class Sequence:
    """
    A sequence that can be iterated any number of times, frame by frame.

    Frame ``n`` has the stamp ``n / frame_rate``, rounded to nanoseconds.
    """

    name: str
    frame_rate: float  # Hz
    length: int  # frames
    image_size: tuple[int, int]  # width, height in pixels
    pictures: Path | None  # video file or folder of images
    detections: tuple[tuple[Detection, ...], ...]  # per frame; all empty without det/det.txt
    has_detections: bool  # there is a det/det.txt
    ground_truth: MotTable | None  # None without gt/gt.txt
    notes: tuple[str, ...] = ()  # what was left out on reading, for the user

    is_live = False

    @property
    def has_pictures(self) -> bool:
        """Whether frames have images; without, people are tracked by motion alone."""
        return self.pictures is not None

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Frame]:
        """
        Frames 1 to ``length``.

        :raises SequenceError: when a picture does not decode or the video ends too early.
        """
        if self.pictures is None:
            for index in range(1, self.length + 1):
                stamp_sec = stamp_of(index, self.frame_rate)
                yield Frame(index, stamp_sec, None, self.detections[index - 1])
            return
        index = 0
        try:
            with VideoSource(self.pictures, self.frame_rate) as video:
                for index, stamp_sec, image in video:
                    yield Frame(index, stamp_sec, image, self.detections[index - 1])
                    if index == self.length:
                        return
        except VideoError as error:
            raise SequenceError(str(error)) from error
        raise SequenceError(
            f'{self.pictures}: ends after frame {index}; seqinfo.ini says {self.length} frames'
        )


def load_sequence(folder: Path) -> Sequence:
    """
    Read a folder with ``seqinfo.ini``, ``det/det.txt``, ``gt/gt.txt`` and a video or ``img1/``.

    Detections, ground truth and pictures may each be missing. Where the image folder holds only
    the first frames of the sequence, the sequence ends with them; the notes say so.

    :param folder: the folder of one sequence.
    :raises SequenceError: naming the file and what was expected.
    """
    if not folder.is_dir():
        raise SequenceError(f'{folder}: no such folder; expected one in the MOTChallenge layout')
    info = _read_seqinfo(folder / 'seqinfo.ini')
    pictures = _find_pictures(folder, info.image_folder)
    length, notes = _check_pictures(pictures, info)
    det_file, gt_file = folder / 'det' / 'det.txt', folder / 'gt' / 'gt.txt'
    detections: list[list[Detection]] = [[] for _ in range(length)]
    ground_truth = None
    try:
        if det_file.is_file():
            table = _cut(read_mot_file(det_file, unique_ids=False), det_file, info.length, length)
            detections, det_notes = detections_per_frame(table, length, info.image_size)
            notes += [f'{det_file}: {note}' for note in det_notes]
        if gt_file.is_file():
            ground_truth = _cut(
                read_mot_file(gt_file, unique_ids=True), gt_file, info.length, length
            )
            _check_ground_truth(gt_file, ground_truth)
    except MotFileError as error:
        raise SequenceError(str(error)) from error
    return Sequence(
        name=info.name,
        frame_rate=info.frame_rate,
        length=length,
        image_size=info.image_size,
        pictures=pictures,
        detections=tuple(tuple(frame) for frame in detections),
        has_detections=det_file.is_file(),
        ground_truth=ground_truth,
        notes=tuple(notes),
    )


def detections_per_frame(
    table: MotTable, length: int, image_size: tuple[int, int]
) -> tuple[list[list[Detection]], list[str]]:
    """
    Turn a det.txt table into detections, without boxes that no person can have.

    Those are the ones that :func:`person_mtl_ros.detections.detection_fault` names in a message.
    Scores outside [0, 1] are the margins of a classifier and become ``1 / (1 + exp(-score))``;
    where all are -1 the detector gave none and they become 1.

    :param table: rows up to frame ``length``.
    :param length: number of frames.
    :param image_size: width, height in pixels.
    :returns: detections of each frame; what was left out or converted, in words.
    """
    notes = []
    with np.errstate(over='ignore', invalid='ignore'):
        left_top, sides = table.boxes_xywh[:, :2], table.boxes_xywh[:, 2:]
        boxes_xyxy = np.hstack([left_top, left_top + sides]).astype(np.float32)
        is_usable = (
            np.isfinite(table.scores)
            & (np.abs(boxes_xyxy) <= MAX_COORDINATE).all(axis=1)
            & (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2] >= 1).all(axis=1)
            & (boxes_xyxy[:, :2] < image_size).all(axis=1)
            & (boxes_xyxy[:, 2:] > 0).all(axis=1)
        )
    if not is_usable.all():
        count = np.count_nonzero(~is_usable)
        notes.append(f'left out {count} boxes not finite, without area or outside the image')
        table, boxes_xyxy = table.where(is_usable), boxes_xyxy[is_usable]
    scores, score_notes = _probabilities(table.scores)
    notes += score_notes
    detections: list[list[Detection]] = [[] for _ in range(length)]
    for frame, box_xyxy, score in zip(table.frames, boxes_xyxy, scores, strict=True):
        found = detections[frame - 1]
        found.append(Detection(box_xyxy, float(score), index=len(found)))
    return detections, notes


@dataclass(frozen=True)
class _SeqInfo:
    name: str
    frame_rate: float
    length: int
    image_size: tuple[int, int]
    image_folder: str


def _read_seqinfo(path: Path) -> _SeqInfo:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding='utf-8'))
        section = parser['Sequence']
    except FileNotFoundError:
        raise SequenceError(
            f'{path}: missing; expected frameRate, seqLength, imWidth, imHeight in [Sequence]'
        ) from None
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        raise SequenceError(f'{path}: not an INI file with a section [Sequence]') from None

    def positive(key: str) -> float:
        text = section.get(key, 'nothing')
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < 1e9:
            raise SequenceError(f'{path}: {key} is {text}; expected a number above 0')
        return value

    name = section.get('name', path.parent.name)
    if not name or name != Path(name).name:  # results are written to files of this name
        raise SequenceError(f"{path}: name is '{name}'; expected one without folders")
    length = int(positive('seqLength'))
    if length > MAX_LENGTH:
        raise SequenceError(f'{path}: seqLength is {length}; expected at most {MAX_LENGTH}')
    return _SeqInfo(
        name=name,
        frame_rate=positive('frameRate'),
        length=length,
        image_size=(int(positive('imWidth')), int(positive('imHeight'))),
        image_folder=section.get('imDir', 'img1'),
    )


def _find_pictures(folder: Path, image_folder: str) -> Path | None:
    images = folder / image_folder
    if images.is_dir() and list_images(images):
        return images
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if len(videos) > 1:
        names = ', '.join(path.name for path in videos)
        raise SequenceError(f'{folder}: {len(videos)} videos ({names}); expected one')
    return videos[0] if videos else None


def _check_pictures(pictures: Path | None, info: _SeqInfo) -> tuple[int, list[str]]:
    """Length of the sequence as far as there are pictures, and what to tell the user."""
    if pictures is None:
        return info.length, [f'{info.name}: no pictures, tracking by motion alone']
    try:
        with VideoSource(pictures, info.frame_rate) as video:
            size = video.size
    except VideoError as error:
        raise SequenceError(str(error)) from error
    if size != info.image_size:
        raise SequenceError(
            f'{pictures}: {size[0]}x{size[1]} pixels; '
            f'seqinfo.ini says {info.image_size[0]}x{info.image_size[1]}'
        )
    if pictures.is_file():
        return info.length, []
    images = list_images(pictures)
    for number, path in enumerate(images, start=1):
        if not path.stem.isdigit() or int(path.stem) != number:
            raise SequenceError(
                f'{path}: in the place of frame {number}; '
                'expected images numbered from 1 without gaps'
            )
    if len(images) < info.length:
        note = f'{pictures}: {len(images)} of {info.length} images, the sequence ends there'
        return len(images), [note]
    return info.length, []


def _cut(table: MotTable, path: Path, told_length: int, length: int) -> MotTable:
    if len(table) and table.frames[-1] > told_length:
        raise SequenceError(
            f'{path}: has frame {table.frames[-1]}; seqinfo.ini says {told_length} frames'
        )
    return table.where(table.frames <= length)


def _check_ground_truth(path: Path, table: MotTable) -> None:
    table = table.counted
    is_bad = ~np.isfinite(table.boxes_xywh).all(axis=1)
    is_bad |= (table.boxes_xywh[:, 2:] <= 0).any(axis=1)
    if is_bad.any():
        row = int(np.argmax(is_bad))
        raise SequenceError(
            f'{path}: the box of id {table.ids[row]} in frame {table.frames[row]} '
            'is not finite or has no area'
        )


def _probabilities(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[str]]:
    if ((scores >= 0) & (scores <= 1)).all():
        return scores, []
    if (scores == -1).all():
        return np.ones_like(scores), ['no scores, 1 is taken']
    return 1 / (1 + np.exp(-scores)), ['scores outside [0, 1] mapped by 1 / (1 + exp(-score))']
