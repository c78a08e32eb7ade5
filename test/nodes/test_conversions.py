import math

import numpy as np
import pytest

pytest.importorskip('rclpy')

from bench import header_at
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from rclpy.serialization import deserialize_message, serialize_message

from person_mtl_ros.detections import xyxy_from_bounding_box
from person_mtl_ros.nodes.conversions import (
    bounding_box_from_xyxy,
    detections_to_message,
    float_array,
    image_to_message,
)
from person_mtl_ros.structures import Detection

BOX = np.array([10.1, 20.2, 30.3, 70.7], np.float32)


# Not smaller than a thousandth of a pixel: 53 bits hold the sum of two of them exactly.
COORDINATE = st.floats(-1e5, 1e5, width=32).map(lambda v: v if abs(v) > 1e-3 else 0.0)


@given(COORDINATE, COORDINATE, st.floats(1, 1e4, width=32), st.floats(1, 1e4, width=32))
def test_boxes_come_back_bit_by_bit(x, y, width, height):
    box = np.array([x, y, np.float32(x) + width, np.float32(y) + height], np.float32)
    np.testing.assert_array_equal(xyxy_from_bounding_box(bounding_box_from_xyxy(box)), box)


def test_a_rotated_box_becomes_the_upright_one_around_it():
    message = bounding_box_from_xyxy(np.array([40, 45, 60, 55], np.float32))
    message.center.theta = math.pi / 4
    half = (20 + 10) / math.sqrt(2) / 2
    expected = [50 - half, 50 - half, 50 + half, 50 + half]
    np.testing.assert_allclose(xyxy_from_bounding_box(message), expected, rtol=1e-6)


def test_detections_are_people_with_boxes_and_ids():
    found = [Detection(BOX, 0.5, 'a'), Detection(BOX + 1, 1.0)]
    sent = detections_to_message(header_at(1), found)
    message = deserialize_message(serialize_message(sent), type(sent))
    assert [item.id for item in message.detections] == ['a', '']
    assert [item.results[0].hypothesis.class_id for item in message.detections] == ['person'] * 2
    assert [item.results[0].hypothesis.score for item in message.detections] == [0.5, 1.0]
    np.testing.assert_array_equal(xyxy_from_bounding_box(message.detections[1].bbox), BOX + 1)


@given(npst.arrays(np.float32, st.integers(0, 50), elements=st.floats(width=32)))
def test_number_fields_hold_exactly_what_was_given(values):
    np.testing.assert_array_equal(np.array(float_array(values), np.float32), values)
    np.testing.assert_array_equal(float_array(values.astype(np.float64)), values)


@pytest.mark.parametrize('shape', [(4, 6, 3), (1, 1, 3)])
def test_an_image_message_holds_the_pixels_of_a_view_too(shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    flipped = pixels[:, ::-1]
    message = image_to_message(header_at(1), flipped)
    assert (message.height, message.width, message.step) == (shape[0], shape[1], 3 * shape[1])
    assert message.encoding == 'bgr8'
    assert bytes(message.data) == flipped.tobytes()
