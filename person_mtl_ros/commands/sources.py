"""What ``track`` and ``evaluate`` read: folders, bags, videos and cameras, all as frames."""

import argparse
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from person_mtl_ros import backends
from person_mtl_ros.backends import AUTO, BACKENDS
from person_mtl_ros.checkpoint import default_checkpoint
from person_mtl_ros.commands.errors import CommandError, needs_ros
from person_mtl_ros.evaluation.mot_files import MotTable
from person_mtl_ros.evaluation.sequence import Frame, Sequence, load_sequence
from person_mtl_ros.hog_detector import HOG, HogDetector
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.tasks import TASKS
from person_mtl_ros.video import VideoError, VideoSource
from person_mtl_ros.yolox_detector import YoloxDetector

if TYPE_CHECKING:
    from person_mtl_ros.evaluation.bag_source import BagSource

BAG_SUFFIXES = ('.mcap', '.db3')


class VideoFrames:
    """
    A video file, image folder or camera as a source without detections.

    :param source: what :class:`person_mtl_ros.video.VideoSource` takes.
    :param frame_rate: in Hz, overrides what the source says.
    :raises VideoError: when there is nothing to read.
    """

    has_pictures = True
    has_detections = False
    ground_truth: MotTable | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, source: str, frame_rate: float | None = None) -> None:
        self._video = VideoSource(source, frame_rate)
        self.name = Path(source).stem or source
        self.frame_rate = self._video.frame_rate
        self.image_size = self._video.size
        self.length = self._video.length

    @property
    def is_live(self) -> bool:
        """Whether the source is a camera, whose end is not a fault of a recording."""
        return self._video.is_live

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        try:
            for index, stamp_sec, image_bgr in self._video:
                yield Frame(index, stamp_sec, image_bgr, ())
        except VideoError as error:
            if not (self.is_live and index):
                raise
            print(f'{error}; what came before is kept')


# A recording or a camera, iterated frame by frame.
Source: TypeAlias = 'Sequence | BagSource | VideoFrames'


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """How a bag is read."""
    bag = parser.add_argument_group('bags')
    bag.add_argument('--image-topic', metavar='TOPIC', help='default: the only one of images')
    bag.add_argument(
        '--detections-topic', metavar='TOPIC', help='default: the only one of Detection2DArray'
    )
    bag.add_argument(
        '--slop',
        type=float,
        metavar='SEC',
        help='largest difference between the stamps of an image and its detections (default: 0)',
    )


def add_detector_argument(parser: argparse.ArgumentParser) -> None:
    """Who finds the people."""
    parser.add_argument(
        '--detector',
        metavar='hog|FILE',
        help='finds the people, also where the source has detections: hog, or the file of a YOLOX '
        'network (.onnx); default: the detections of the source, or hog where it has none',
    )


def open_source(
    text: str,
    options: argparse.Namespace,
    *,
    ground_truth: Path | None = None,
    frame_rate: float | None = None,
) -> Source:
    """
    Open what a user names on the command line, and say what was left out on reading.

    :param text: MOT-layout folder, bag, video file, folder of images, or camera.
    :param options: those of :func:`add_source_arguments`.
    :param ground_truth: a ``gt.txt`` whose frame n is the n-th image of the bag.
    :param frame_rate: of a video, folder of images or camera, in Hz.
    :raises SequenceError, BagError, VideoError: when it cannot be read.
    :raises CommandError: for an option that does not go with it.
    """
    source = _open(text, options, ground_truth, frame_rate)
    for note in source.notes:
        print(note)
    return source


def _open(
    text: str,
    options: argparse.Namespace,
    ground_truth: Path | None,
    frame_rate: float | None,
) -> Source:
    path = Path(text)
    _check_bag(path)
    if frame_rate is not None and is_recording(path):
        raise CommandError(f'{text}: tells its own frame rate; --frame-rate does not go with it')
    if _is_bag(path):
        with needs_ros('reading a bag'):
            from person_mtl_ros.evaluation.bag_source import BagSource
        return BagSource(
            path,
            image_topic=options.image_topic or '',
            detections_topic=options.detections_topic or '',
            require_detections=False,
            gt_file=ground_truth,
            slop_sec=options.slop or 0.0,
        )
    if ground_truth is not None:
        raise CommandError(f'{text}: --gt goes with a bag; a sequence folder has its gt/gt.txt')
    for option in ('image_topic', 'detections_topic', 'slop'):
        if getattr(options, option) is not None:
            raise CommandError(f'{text}: --{option.replace("_", "-")} goes with a bag')
    return load_sequence(path) if is_recording(path) else VideoFrames(text, frame_rate)


def _check_bag(path: Path) -> None:
    """Tell a bag whose recorder was killed from a folder of images."""
    files = [file.name for suffix in BAG_SUFFIXES for file in path.glob(f'*{suffix}')]
    if files and not _is_bag(path):
        raise CommandError(
            f'{path}: a bag without metadata.yaml, its recorder did not end; make it by '
            f'ros2 bag reindex {path}, or name {files[0]} alone'
        )


def is_recording(path: Path) -> bool:
    """Whether it is a bag or a MOT-layout folder, which may have ground truth."""
    parts = ('seqinfo.ini', 'det', 'gt')
    return _is_bag(path) or any((path / part).exists() for part in parts)


def _is_bag(path: Path) -> bool:
    return path.suffix in BAG_SUFFIXES or (path / 'metadata.yaml').is_file()


def detected_frames(source: Source, detector: str | None = None) -> Iterable[Frame]:
    """
    Frames of a source with detections: its own, or those of a detector.

    :param detector: see :func:`add_detector_argument`.
    :raises CommandError: for a source with neither detections nor pictures.
    :raises DetectorError: for a file that is no detector.
    """
    if source.has_detections and not detector:
        return source
    if not source.has_pictures and detector:
        raise CommandError(f'{source.name}: no pictures, in which --detector could find people')
    if not source.has_pictures:
        raise CommandError(f'{source.name}: neither det/det.txt nor pictures; nothing to track')
    if not detector:
        print(f'{source.name}: no detections given, using hog (slow, and it misses many)')
    people = open_detector(detector or HOG)
    return (
        replace(frame, detections=tuple(people.detect(frame.image_bgr)))
        for frame in source
        if frame.image_bgr is not None
    )


def open_detector(name: str) -> HogDetector | YoloxDetector:
    """
    Open what ``--detector`` names.

    :raises DetectorError: for a file that is no detector.
    """
    return HogDetector() if name == HOG else YoloxDetector(Path(name))


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Which network to run, where and with what."""
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help='checkpoint (.safetensors) or exported network (.onnx); default: the one shipped',
    )
    parser.add_argument(
        '--backend',
        choices=(AUTO, *BACKENDS),
        help='default: the fastest that works here',
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 ... (default: a GPU if there is one)')


def load_predictor(options: argparse.Namespace, heads: tuple[str, ...] = TASKS) -> Predictor:
    """
    Load the network, and say on stderr what runs it and why nothing faster does.

    :param options: those of :func:`add_network_arguments`.
    :param heads: to compute.
    :raises BackendError, CheckpointError: see ``Predictor``.
    """
    logging.getLogger(backends.__name__).setLevel(logging.INFO)
    return Predictor(
        options.weights or default_checkpoint(),
        options.backend or AUTO,
        options.device or AUTO,
        heads,
    )
