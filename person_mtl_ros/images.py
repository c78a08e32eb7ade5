"""
Image messages to pixels, through ``cv_bridge``, with the checks it lacks.

Messages are duck-typed: those of rclpy and those that ``rosbags`` reads from a file.
"""

import struct
import sys
import zlib
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from cv_bridge import CvBridge

from person_mtl_ros.opencv_log import silence_opencv
from person_mtl_ros.structures import UInt8Array

silence_opencv()

# Bytes per pixel of a row for each encoding that shows a camera image.
BYTES_PER_PIXEL = {
    'rgb8': 3,
    'bgr8': 3,
    'rgba8': 4,
    'bgra8': 4,
    'mono8': 1,
    'mono16': 2,
    '8UC1': 1,
    '8UC3': 3,
    'uyvy': 2,
    'yuyv': 2,
    'yuv422': 2,
    'yuv422_yuy2': 2,
    'bayer_rggb8': 1,
    'bayer_bggr8': 1,
    'bayer_gbrg8': 1,
    'bayer_grbg8': 1,
}
# What cv_bridge calls them: OpenCV's type names say no colour, and the current names of the YUV
# formats are younger than some of its versions.
KNOWN_AS = {'8UC1': 'mono8', '8UC3': 'bgr8', 'uyvy': 'yuv422', 'yuyv': 'yuv422_yuy2'}
MAX_SIDE = 16384  # pixels; a larger claim is a broken message
PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'

_bridge = CvBridge()


class ImageError(ValueError):
    """A message that is not an image we can show the network."""


def bgr_from_message(message: Any) -> UInt8Array:
    """
    Pixels of an image message of either kind.

    :param message: ``sensor_msgs/Image`` or ``sensor_msgs/CompressedImage``.
    :returns: (H, W, 3) uint8 BGR, never drawn on.
    :raises ImageError: naming what came and what was expected.
    """
    is_raw = hasattr(message, 'encoding')
    return bgr_from_image(message) if is_raw else bgr_from_compressed(message)


def bgr_from_image(message: Any) -> UInt8Array:
    """
    Pixels of a ``sensor_msgs/Image``.

    :param message: the image, of rclpy or rosbags.
    :returns: (H, W, 3) uint8 BGR; may share memory with the message, so it is never drawn on.
    :raises ImageError: naming what came and what was expected.
    """
    encoding, width, height = message.encoding, message.width, message.height
    if encoding not in BYTES_PER_PIXEL:
        known = ', '.join(BYTES_PER_PIXEL)
        raise ImageError(f"unknown image encoding '{encoding}'; expected one of {known}")
    _check_size(width, height)
    row = width * BYTES_PER_PIXEL[encoding]
    if message.step < row:
        raise ImageError(f'image step {message.step}; a row of {width} {encoding} is {row} bytes')
    size = len(message.data)
    if size < message.step * height:
        raise ImageError(
            f'image data of {size} bytes; step {message.step} x height {height} '
            f'needs {message.step * height}'
        )
    # cv_bridge misreads rows whose padding is no multiple of a pixel, and with NumPy 2 it cannot
    # swap bytes: give it neither.
    rows = np.frombuffer(message.data, np.uint8)[: message.step * height]
    rows = np.ascontiguousarray(rows.reshape(height, message.step)[:, :row])
    if encoding == 'mono16':
        rows = rows.view('>u2' if message.is_bigendian else '<u2').astype(np.uint16)
    tight = SimpleNamespace(
        encoding=KNOWN_AS.get(encoding, encoding),
        width=width,
        height=height,
        step=row,
        is_bigendian=sys.byteorder == 'big',
        data=rows,
    )
    try:
        return _bridge.imgmsg_to_cv2(tight, 'bgr8')
    except Exception as error:  # the compiled bridge raises cv2.error, CvBridgeError, TypeError
        raise ImageError(
            f'{encoding} image cannot be converted to bgr8: {str(error).strip()}'
        ) from error


def bgr_from_compressed(message: Any) -> UInt8Array:
    """
    Pixels of a ``sensor_msgs/CompressedImage`` (JPEG, PNG: whatever OpenCV decodes).

    :param message: the image, of rclpy or rosbags.
    :returns: (H, W, 3) uint8 BGR.
    :raises ImageError: when the data does not decode.
    """
    if len(message.data) == 0:
        raise ImageError(f"compressed image of format '{message.format}' has no data")
    data = memoryview(message.data)
    if data[: len(PNG_SIGNATURE)] == PNG_SIGNATURE:
        _check_png(data)
    try:
        image = _bridge.compressed_imgmsg_to_cv2(message)
    except Exception as error:  # as above
        raise ImageError(
            f"'{message.format}' image cannot be decoded: {str(error).strip()}"
        ) from error
    if image is None:
        raise ImageError(f"'{message.format}' image of {len(message.data)} bytes does not decode")
    _check_size(image.shape[1], image.shape[0])
    # Grey, with alpha or 16 bits deep, as it was compressed; cv_bridge takes it for bgr8.
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=255 / 65535)
    if image.dtype != np.uint8:
        raise ImageError(f"'{message.format}' image of {image.dtype}; expected 8 or 16 bits")
    codes = {1: cv2.COLOR_GRAY2BGR, 4: cv2.COLOR_BGRA2BGR}
    channels = 1 if image.ndim == 2 else image.shape[2]
    return cv2.cvtColor(image, codes[channels]) if channels in codes else image


def _check_png(data: memoryview) -> None:
    """Before libpng prints about each damaged image, or takes the memory that few bytes claim."""
    begin, kind = len(PNG_SIGNATURE), b''
    while kind != b'IEND':  # chunks of length, kind, content, checksum of both
        length = int.from_bytes(data[begin : begin + 4], 'big')
        content, end = begin + 8, begin + 8 + length
        kind = bytes(data[begin + 4 : content])
        checksum = int.from_bytes(data[end : end + 4], 'big')
        if end + 4 > len(data) or zlib.crc32(data[begin + 4 : end]) != checksum:
            raise ImageError(f'PNG image of {len(data)} bytes is damaged or cut at byte {begin}')
        if kind == b'IHDR' and length == 13:
            _check_size(*struct.unpack('>II', data[content : content + 8]))
        begin = end + 4


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ImageError(f'image size {width}x{height}; expected 1 to {MAX_SIDE} pixels a side')
