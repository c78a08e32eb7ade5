import struct
import zlib
from contextlib import suppress
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.images import (
    BYTES_PER_PIXEL,
    MAX_SIDE,
    PNG_SIGNATURE,
    ImageError,
    bgr_from_compressed,
    bgr_from_image,
    bgr_from_message,
)

HEIGHT, WIDTH = 6, 8
COLORS = {'red': (0, 0, 200), 'green': (0, 200, 0), 'blue': (200, 0, 0)}


def message(pixels, encoding, padding=0, is_bigendian=False):
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        encoding=encoding,
        height=pixels.shape[0],
        width=pixels.shape[1],
        step=rows.shape[1],
        is_bigendian=int(is_bigendian),
        data=rows.tobytes(),
    )


def picture(*channels):
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, *channels), np.uint8)


def compressed(pixels, suffix='.png'):
    return SimpleNamespace(format=suffix[1:], data=cv2.imencode(suffix, pixels)[1].tobytes())


@pytest.mark.parametrize('padding', [0, 1, 2, 7])
@pytest.mark.parametrize(
    ('encoding', 'from_bgr'),
    [
        ('bgr8', lambda bgr: bgr),
        ('8UC3', lambda bgr: bgr),
        ('rgb8', lambda bgr: bgr[..., ::-1]),
        ('bgra8', lambda bgr: np.dstack([bgr, bgr[..., :1]])),
        ('rgba8', lambda bgr: np.dstack([bgr[..., ::-1], bgr[..., :1]])),
    ],
)
def test_colours_arrive_in_their_place_whatever_the_padding(encoding, from_bgr, padding):
    bgr = picture(3)
    found = bgr_from_image(message(from_bgr(bgr), encoding, padding))
    np.testing.assert_array_equal(found, bgr)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
@pytest.mark.parametrize('padding', [0, 3])
def test_grey_becomes_three_equal_channels(encoding, padding):
    grey = picture()
    found = bgr_from_image(message(grey, encoding, padding))
    np.testing.assert_array_equal(found, np.dstack([grey] * 3))


@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize('padding', [0, 2, 3])
def test_sixteen_bits_are_scaled_to_eight_in_either_byte_order(is_bigendian, padding):
    wide = np.array([[0, 128, 129, 257, 32768, 65535]], '>u2' if is_bigendian else '<u2')
    found = bgr_from_image(message(wide, 'mono16', padding, is_bigendian))
    np.testing.assert_array_equal(found[0, :, 0], [0, 0, 1, 1, 128, 255])
    assert found.shape == (1, 6, 3)


def test_the_byte_order_of_single_bytes_means_nothing():
    bgr = picture(3)
    np.testing.assert_array_equal(bgr_from_image(message(bgr, 'bgr8', 0, True)), bgr)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('color', COLORS)
def test_bayer_patterns_are_named_as_in_ros(pattern, color):
    bgr = COLORS[color]
    tile = np.array([bgr['bgr'.index(letter)] for letter in pattern], np.uint8).reshape(2, 2)
    found = bgr_from_image(message(np.tile(tile, (4, 5)), f'bayer_{pattern}8'))[2:-2, 2:-2]
    np.testing.assert_array_equal(found, np.broadcast_to(bgr, found.shape))


@pytest.mark.parametrize(
    ('encoding', 'code'),
    [
        ('uyvy', cv2.COLOR_YUV2BGR_UYVY),
        ('yuyv', cv2.COLOR_YUV2BGR_YUY2),
        ('yuv422', cv2.COLOR_YUV2BGR_UYVY),
        ('yuv422_yuy2', cv2.COLOR_YUV2BGR_YUY2),
    ],
)
@pytest.mark.parametrize('padding', [0, 1])
def test_yuv_is_read_as_opencv_reads_it(encoding, code, padding):
    pairs = picture(2)
    found = bgr_from_image(message(pairs, encoding, padding))
    np.testing.assert_array_equal(found, cv2.cvtColor(pairs, code))


def test_a_message_of_either_kind_is_read():
    bgr = picture(3)
    for either in (message(bgr, 'bgr8'), compressed(bgr)):
        np.testing.assert_array_equal(bgr_from_message(either), bgr)


def _changed(**fields):
    broken = message(picture(3), 'bgr8')
    for name, value in fields.items():
        setattr(broken, name, value)
    return broken


@pytest.mark.parametrize(
    ('broken', 'words'),
    [
        (_changed(encoding='jpeg2000'), "unknown image encoding 'jpeg2000'; expected one of rgb8"),
        (_changed(encoding='32FC1'), "'32FC1'"),
        (_changed(encoding=''), "''"),
        (_changed(width=0), 'image size 0x6; expected 1 to 16384'),
        (_changed(height=-1), 'image size 8x-1'),
        (_changed(height=2**32 - 1), 'image size'),
        (_changed(step=23), 'image step 23; a row of 8 bgr8 is 24 bytes'),
        (_changed(step=2**31), 'image data of 144 bytes'),
        (_changed(data=b''), 'image data of 0 bytes'),
        (_changed(data=bytes(143)), 'image data of 143 bytes; step 24 x height 6 needs 144'),
    ],
)
def test_a_message_that_is_no_image_says_what_came_and_what_was_expected(broken, words):
    with pytest.raises(ImageError) as error:
        bgr_from_image(broken)
    assert words in str(error.value) and '\n' not in str(error.value)


def test_more_data_than_needed_is_no_fault():
    bgr = picture(3)
    long = message(bgr, 'bgr8')
    long.data += b'tail'
    np.testing.assert_array_equal(bgr_from_image(long), bgr)


@given(
    st.sampled_from([*BYTES_PER_PIXEL, 'nonsense', '32FC1']),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 60),
    st.integers(0, 1),
    st.binary(max_size=400),
)
def test_any_message_is_either_an_image_or_an_image_error(
    encoding, width, height, step, is_bigendian, data
):
    fields = SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=step,
        is_bigendian=is_bigendian,
        data=data,
    )
    try:
        found = bgr_from_image(fields)
    except ImageError:
        return
    assert found.shape == (height, width, 3) and found.dtype == np.uint8


@pytest.mark.parametrize(
    ('pixels', 'expected'),
    [
        (picture(3), picture(3)),
        (picture(), np.dstack([picture()] * 3)),
        (picture(4), picture(4)[..., :3]),
        (picture(3).astype(np.uint16) * 257, picture(3)),
        (picture().astype(np.uint16) * 257, np.dstack([picture()] * 3)),
    ],
    ids=['bgr', 'grey', 'alpha', 'sixteen_bits', 'grey_sixteen_bits'],
)
def test_compressed_images_of_any_kind_become_bgr(pixels, expected):
    np.testing.assert_array_equal(bgr_from_compressed(compressed(pixels)), expected)


def test_jpeg_is_close_to_what_was_compressed():
    bgr = cv2.resize(picture(3), (64, 48), interpolation=cv2.INTER_LINEAR)
    assert np.abs(bgr_from_compressed(compressed(bgr, '.jpg')).astype(int) - bgr).mean() < 20


@pytest.mark.parametrize('data', [b'', b'\xff\xd8\xff', b'not an image', bytes(1000)])
def test_data_that_does_not_decode_says_so(data):
    with pytest.raises(ImageError, match='jpeg'):
        bgr_from_compressed(SimpleNamespace(format='jpeg', data=data))


def test_a_floating_point_picture_is_refused():
    with pytest.raises(ImageError, match='float32; expected 8 or 16 bits'):
        bgr_from_compressed(compressed(picture(3).astype(np.float32), '.tiff'))


def _flipped(data, place):
    return data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]


def test_damaged_pngs_are_not_commented_by_libraries(capfd):
    whole = compressed(picture(3)).data
    cut = [whole[:size] for size in range(1, len(whole), 5)]
    flipped = [_flipped(whole, place) for place in range(0, len(whole), 5)]
    for data in cut + flipped:
        with suppress(ImageError):
            bgr_from_compressed(SimpleNamespace(format='png', data=data))
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('damaged', [lambda png: png[:-5], lambda png: _flipped(png, 70)])
def test_a_damaged_png_says_so(damaged):
    data = damaged(compressed(picture(3)).data)
    with pytest.raises(ImageError, match=f'PNG image of {len(data)} bytes is damaged or cut'):
        bgr_from_compressed(SimpleNamespace(format='png', data=data))


@pytest.mark.parametrize(('width', 'height'), [(MAX_SIDE + 1, 8), (8, MAX_SIDE + 1)])
@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_a_compressed_image_has_the_bounds_of_a_raw_one(width, height, suffix):
    large = compressed(np.zeros((height, width), np.uint8), suffix)
    with pytest.raises(ImageError, match=f'image size {width}x{height}; expected 1 to 16384'):
        bgr_from_compressed(large)


def test_a_png_is_refused_by_the_size_it_claims():
    head = b'IHDR' + struct.pack('>IIBBBBB', 20000, 20000, 8, 0, 0, 0, 0)
    claim = PNG_SIGNATURE + struct.pack('>I', 13) + head + struct.pack('>I', zlib.crc32(head))
    with pytest.raises(ImageError, match='image size 20000x20000'):
        bgr_from_compressed(SimpleNamespace(format='png', data=claim))
