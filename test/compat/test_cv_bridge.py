"""Against whatever ``cv_bridge`` is importable: the real package or the stand-in."""

import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('sensor_msgs', reason='needs ROS 2')
cv_bridge = pytest.importorskip('cv_bridge', reason='needs ROS 2 or the stand-ins')

from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

BRIDGE = cv_bridge.CvBridge()
HEIGHT, WIDTH = 6, 8


def _pixels(channels=3, dtype=np.uint8):
    shape = (HEIGHT, WIDTH, channels) if channels > 1 else (HEIGHT, WIDTH)
    top = np.iinfo(dtype).max
    return np.random.default_rng(1).integers(0, top, shape, dtype, endpoint=True)


def _message(pixels, encoding, padding=0):
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.step = rows.shape[1]
    message.is_bigendian = int(sys.byteorder == 'big')
    message.data.frombytes(rows.tobytes())
    return message


@pytest.mark.parametrize(
    ('encoding', 'channels'),
    [('bgr8', 3), ('rgb8', 3), ('bgra8', 4), ('rgba8', 4), ('mono8', 1)],
)
def test_pixels_come_back_from_a_message(encoding, channels):
    pixels = _pixels(channels)
    np.testing.assert_array_equal(BRIDGE.imgmsg_to_cv2(_message(pixels, encoding)), pixels)


@pytest.mark.parametrize(
    ('encoding', 'channels', 'code'),
    [
        ('rgb8', 3, cv2.COLOR_RGB2BGR),
        ('bgra8', 4, cv2.COLOR_BGRA2BGR),
        ('rgba8', 4, cv2.COLOR_RGBA2BGR),
        ('mono8', 1, cv2.COLOR_GRAY2BGR),
        ('yuv422', 2, cv2.COLOR_YUV2BGR_UYVY),
        ('yuv422_yuy2', 2, cv2.COLOR_YUV2BGR_YUY2),
    ],
)
def test_conversion_to_bgr_is_that_of_opencv(encoding, channels, code):
    pixels = _pixels(channels)
    found = BRIDGE.imgmsg_to_cv2(_message(pixels, encoding), 'bgr8')
    np.testing.assert_array_equal(found, cv2.cvtColor(pixels, code))


@pytest.mark.parametrize(
    ('encoding', 'channels'), [('bgr8', 3), ('mono8', 1), ('rgba8', 4), ('yuv422', 2)]
)
def test_padding_at_the_end_of_rows_is_not_part_of_the_image(encoding, channels):
    pixels = _pixels(channels)
    plain = BRIDGE.imgmsg_to_cv2(_message(pixels, encoding), 'bgr8')
    padded = BRIDGE.imgmsg_to_cv2(_message(pixels, encoding, 4 * channels), 'bgr8')
    np.testing.assert_array_equal(padded, plain)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('color', ['red', 'green', 'blue'])
def test_a_bayer_image_of_one_colour_gets_that_colour(pattern, color):
    bgr = {'blue': (200, 0, 0), 'green': (0, 200, 0), 'red': (0, 0, 200)}[color]
    tile = np.array([bgr['bgr'.index(letter)] for letter in pattern], np.uint8).reshape(2, 2)
    message = _message(np.tile(tile, (4, 5)), f'bayer_{pattern}8')
    found = BRIDGE.imgmsg_to_cv2(message, 'bgr8')[2:-2, 2:-2]
    np.testing.assert_array_equal(found, np.broadcast_to(bgr, found.shape))


def test_sixteen_bits_become_eight_by_scaling():
    pixels = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    found = BRIDGE.imgmsg_to_cv2(_message(pixels, 'mono16'), 'mono8')
    np.testing.assert_array_equal(found, [[0, 0, 1, 1, 128, 255]])


@pytest.mark.parametrize('encoding', ['nonsense', ''])
def test_an_unknown_encoding_is_an_error(encoding):
    with pytest.raises((cv_bridge.CvBridgeError, RuntimeError)):
        BRIDGE.imgmsg_to_cv2(_message(_pixels(), encoding), 'bgr8')


@pytest.mark.parametrize('channels', [1, 3])
def test_a_png_comes_back_exactly(channels):
    pixels = _pixels(channels)
    message = CompressedImage(format='png')
    message.data.frombytes(cv2.imencode('.png', pixels)[1].tobytes())
    np.testing.assert_array_equal(BRIDGE.compressed_imgmsg_to_cv2(message), pixels)
