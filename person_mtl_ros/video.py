"""Pictures in and out: video files, image folders, cameras."""

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.opencv_log import silence_opencv
from person_mtl_ros.structures import UInt8Array

silence_opencv()
# FFmpeg reports broken files on stderr by itself; the error raised here says it in one line.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

IMAGE_SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'})
VIDEO_SUFFIXES = frozenset({'.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg'})
DEFAULT_FRAME_RATE = 30.0  # Hz, for folders and for cameras that do not tell theirs

_log = logging.getLogger(__name__)


class VideoError(ValueError):
    """A source without readable pictures, or a video that cannot be written."""


def stamp_of(index: int, frame_rate: float) -> float:
    """
    Time of a frame in a recording, in seconds, a whole number of nanoseconds.

    The first frame lies one frame period after zero: a zero stamp means "not set" in ROS.

    :param index: number of the frame, the first is 1.
    :param frame_rate: in Hz.
    """
    return round(index * 1e9 / frame_rate) / 1e9


def list_images(folder: Path) -> list[Path]:
    """Image files of a folder, by the numbers in their names, then by name."""

    def sort_key(path: Path) -> tuple[list[int], str]:
        return [int(digits) for digits in re.findall(r'\d+', path.stem)], path.name

    images = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted((path for path in images if not path.name.startswith('.')), key=sort_key)


def read_image(path: Path) -> UInt8Array:
    """
    Image file as (H, W, 3) BGR.

    :raises VideoError: when the file does not decode.
    """
    try:
        image: Any = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # cv2.error: the file is empty
        image = None
    if image is None:
        raise VideoError(f'{path}: not a readable image ({_size_of(path)})')
    return image


class VideoSource:
    """
    Frames of a video file, an image folder or a camera.

    Iterating yields ``(index, stamp_sec, image_bgr)`` with the first index 1. Stamps of recordings
    follow from the frame rate (:func:`stamp_of`), those of a camera are the system time after the
    frame arrived. A recording can be iterated again and starts anew.

    :param source: path of a video file or of a folder of images, or a camera: its number or
        ``/dev/videoN``.
    :param frame_rate: in Hz, overrides what the source says; a folder of images says nothing.
    :raises VideoError: when there is nothing to read.
    """

    frame_rate: float  # Hz
    size: tuple[int, int]  # width, height in pixels
    length: int | None  # frames a recording claims to have, None for cameras

    def __init__(self, source: str | int | Path, frame_rate: float | None = None) -> None:
        self.name = str(source)
        self._camera = _camera_number(source)
        self._path = Path(self.name) if self._camera is None else None
        self._capture: cv2.VideoCapture | None = None
        self._images: list[Path] = []
        told_frame_rate = None
        if self._path is not None and self._path.is_dir():
            self._images = list_images(self._path)
            if not self._images:
                known = ' '.join(sorted(IMAGE_SUFFIXES))
                raise VideoError(f'{source}: no images in this folder; expected {known}')
            height, width = read_image(self._images[0]).shape[:2]
            self.length = len(self._images)
            self.size = (width, height)
        else:
            self._capture = self._open()
            told_frame_rate = self._capture.get(cv2.CAP_PROP_FPS)
            claimed_length = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
            self.length = claimed_length if self._camera is None and claimed_length > 0 else None
            self.size = (
                int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            )
        self.frame_rate = frame_rate or told_frame_rate or DEFAULT_FRAME_RATE
        if not 0 < self.frame_rate < 10000:
            raise VideoError(f'{source}: frame rate {self.frame_rate:g} Hz; expected above 0')

    @property
    def is_live(self) -> bool:
        """Whether the source is a camera."""
        return self._camera is not None

    def __iter__(self) -> Iterator[tuple[int, float, UInt8Array]]:
        if self._images:
            return self._iterate_images()
        return self._iterate_capture()

    def close(self) -> None:
        """Let go of the file or the camera."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def __enter__(self) -> 'VideoSource':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _iterate_images(self) -> Iterator[tuple[int, float, UInt8Array]]:
        width, height = self.size
        for index, path in enumerate(self._images, start=1):
            image = read_image(path)
            if image.shape[:2] != (height, width):
                raise VideoError(
                    f'{path}: {image.shape[1]}x{image.shape[0]} pixels, '
                    f'but the first image of the folder has {width}x{height}'
                )
            yield index, stamp_of(index, self.frame_rate), image

    def _iterate_capture(self) -> Iterator[tuple[int, float, UInt8Array]]:
        capture = self._capture or self._open()
        self._capture = None  # the next iteration opens the recording again
        try:
            index = 0
            while True:
                image: Any
                is_read, image = capture.read()
                if not is_read:
                    break
                index += 1
                stamp_sec = time.time() if self.is_live else stamp_of(index, self.frame_rate)
                yield index, stamp_sec, image
        finally:
            capture.release()
        if self.is_live:
            raise VideoError(f'camera {self.name} stopped delivering after {index} frames')
        if index == 0:
            raise VideoError(f'{self.name}: no frame of this video decodes')
        if self.length is not None and index < self.length:
            _log.warning('%s: %d of %d frames decode', self.name, index, self.length)

    def _open(self) -> cv2.VideoCapture:
        if self._camera is not None:
            capture = cv2.VideoCapture(self._camera)
            if not capture.isOpened():
                raise VideoError(f'camera {self.name} cannot be opened; is it there and free?')
            return capture
        assert self._path is not None
        if not self._path.is_file():
            raise VideoError(f'{self._path}: no such video file, image folder or camera')
        capture = cv2.VideoCapture(str(self._path))
        if not capture.isOpened():
            raise VideoError(f'{self._path}: not a readable video ({_size_of(self._path)})')
        return capture


class VideoWriter:
    """
    Writes an MP4 file (MPEG-4 Part 2, which every OpenCV can write).

    A context manager: the file appears under its name only when the block ends well. The size is
    that of the first frame, less one column or row where that is odd (a limit of the codec).

    :param path: file to write, ending in ``.mp4``; an existing one is replaced.
    :param frame_rate: in Hz.
    :raises VideoError: when the file cannot be written.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        if path.suffix.lower() != '.mp4':
            raise VideoError(f'{path}: expected a file name that ends in .mp4')
        self._path = path
        self._frame_rate = frame_rate
        self._stack = ExitStack()
        self._temporary = path
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._count = 0

    def __enter__(self) -> 'VideoWriter':
        try:
            self._temporary = self._stack.enter_context(atomic_path(self._path))
        except OSError as error:
            raise VideoError(str(error)) from error
        self._stack.push(self._finish)
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(error_type, error, traceback)

    def write(self, image_bgr: UInt8Array) -> None:
        """
        Append a frame.

        :param image_bgr: (H, W, 3), every frame of the same size.
        """
        size = (image_bgr.shape[1], image_bgr.shape[0])
        if self._writer is None:
            self._size = size
            fourcc = cv2.VideoWriter.fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self._temporary), fourcc, self._frame_rate, size)
            if not self._writer.isOpened():
                raise VideoError(f'{self._path}: the video cannot be written here')
        if size != self._size:
            raise VideoError(
                '{}: frame of {}x{} pixels; the video has {}x{}'.format(
                    self._path, *size, *self._size
                )
            )
        self._writer.write(image_bgr)
        self._count += 1

    def _finish(self, error_type: type[BaseException] | None, *_: object) -> None:
        if self._writer is not None:
            self._writer.release()
        if error_type is not None:
            return
        if self._count == 0:
            raise VideoError(f'{self._path}: no frame was written')
        # The writer does not tell what failed; the index of the frames is what it writes last.
        capture = cv2.VideoCapture(str(self._temporary))
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.read()[0] else 0
        if found != self._count:
            raise VideoError(
                f'{self._path}: {found} of {self._count} frames could be written; '
                f'is the disk full?'
            )


def _camera_number(source: str | int | Path) -> int | None:
    match = re.fullmatch(r'(?:/dev/video)?(\d{1,9})', str(source))  # OpenCV takes 32 bits
    return int(match.group(1)) if match else None


def _size_of(path: Path) -> str:
    return f'{path.stat().st_size} bytes' if path.is_file() else 'no such file'
