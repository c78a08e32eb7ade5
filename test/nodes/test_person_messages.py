import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from bench import header_at
from person_mtl.msg import AttributeInfo, Keypoint, PersonArray
from person_mtl.msg import PartMask as PartMaskMessage
from rclpy.serialization import deserialize_message, serialize_message

from person_mtl_ros.nodes.conversions import (
    bounding_box_from_xyxy,
    byte_array,
    float_array,
    stamp_ns,
)
from person_mtl_ros.nodes.message_faults import estimate_fault, model_info_fault
from person_mtl_ros.nodes.person_messages import (
    MAX_ID_LENGTH,
    MAX_TRACKS,
    model_info_from_message,
    model_info_to_message,
    person_from_message,
    person_to_message,
    persons_from_message,
    persons_to_message,
    tracks_from_message,
    tracks_to_message,
)
from person_mtl_ros.structures import (
    AttributeSpec,
    Detection,
    ModelInfo,
    PartMask,
    PersonEstimate,
    TrackedPerson,
    TrackState,
)

INFO = ModelInfo(
    model_id='0123456789ab',
    embedding_dim=4,
    same_person_threshold=0.25,
    attributes=(AttributeSpec('hat', ('no', 'yes')), AttributeSpec('色', ('a', 'b', 'c'))),
    keypoint_names=('head', 'hand'),
    keypoint_edges=((0, 1),),
    part_names=('background', 'head'),
    part_colors=((0, 0, 0), (255, 1, 2)),
)
NOTHING = ModelInfo('')
BOX = np.array([10.1, 20.2, 30.3, 70.7], np.float32)


def _full(**changes):
    fields = {
        'detection': Detection(BOX, 0.75, 'Jürgen 🙂', 3),
        'embedding': np.array([0.5, -0.5, 0.5, 0.5], np.float32),
        'attributes': {
            'hat': np.array([0.25, 0.75], np.float32),
            '色': np.array([0.1, 0.2, 0.7], np.float32),
        },
        'keypoints': np.array([[11, 22.5, 0.9], [1e-3, -4, 0]], np.float32),
        'part_mask': PartMask(np.arange(6, dtype=np.uint8).reshape(2, 3), BOX - 5),
        'sharpness': 0.625,
    }
    return PersonEstimate(**(fields | changes))


def _over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def _assert_same(a: PersonEstimate, b: PersonEstimate) -> None:
    np.testing.assert_array_equal(a.detection.box_xyxy, b.detection.box_xyxy)
    assert a.detection.score == pytest.approx(b.detection.score)
    assert a.detection.detection_id == b.detection.detection_id
    assert a.detection.index == b.detection.index
    np.testing.assert_array_equal(a.embedding, b.embedding)
    assert a.attributes.keys() == b.attributes.keys()
    for name, probabilities in a.attributes.items():
        np.testing.assert_array_equal(probabilities, b.attributes[name])
    np.testing.assert_array_equal(a.keypoints, b.keypoints)
    assert a.sharpness == b.sharpness
    assert a.is_evaluated == b.is_evaluated
    assert (a.part_mask is None) == (b.part_mask is None)
    if a.part_mask is not None and b.part_mask is not None:
        np.testing.assert_array_equal(a.part_mask.labels, b.part_mask.labels)
        np.testing.assert_array_equal(a.part_mask.box_xyxy, b.part_mask.box_xyxy)


@pytest.mark.parametrize(
    'person',
    [
        _full(),
        _full(embedding=np.zeros(0, np.float32)),
        _full(attributes={}),
        _full(attributes={'色': np.array([0, 0, 1], np.float32)}),
        _full(keypoints=np.zeros((0, 3), np.float32)),
        _full(part_mask=None),
        PersonEstimate(Detection(BOX)),
    ],
    ids=['full', 'no_reid', 'no_attributes', 'one_unknown', 'no_pose', 'no_parts', 'box_only'],
)
def test_an_estimate_comes_back(person):
    message = _over_the_wire(person_to_message(person, INFO))
    _assert_same(person_from_message(message, INFO), person)


def test_an_unknown_attribute_is_nan_in_the_message():
    person = _full(attributes={'色': np.array([0, 0, 1], np.float32)})
    values = person_to_message(person, INFO).attribute_probabilities
    np.testing.assert_array_equal(values, [np.nan, np.nan, 0, 0, 1])


def test_attributes_are_laid_out_by_the_model_not_by_the_estimate():
    shuffled = {name: _full().attributes[name] for name in ('色', 'hat')}
    values = person_to_message(_full(attributes=shuffled), INFO).attribute_probabilities
    np.testing.assert_allclose(values, [0.25, 0.75, 0.1, 0.2, 0.7], rtol=1e-6)


@pytest.mark.parametrize('info', [INFO, NOTHING], ids=['full', 'empty'])
def test_model_info_comes_back(info):
    assert model_info_from_message(_over_the_wire(model_info_to_message(info))) == info


@pytest.mark.parametrize(
    ('field', 'value', 'fault'),
    [
        ('model_id', '', 'no model_id'),
        ('same_person_threshold', math.nan, 'same_person_threshold not in [0, 2]'),
        ('attributes', [AttributeInfo(name='hat')], 'attribute without classes'),
        ('keypoint_edges', byte_array([0, 1, 1]), 'keypoint_edges not in pairs'),
        ('keypoint_edges', byte_array([0, 2]), 'keypoint_edges beyond the keypoints'),
        ('keypoint_names', [], 'keypoint_edges beyond the keypoints'),
        ('part_colors', byte_array([1, 2, 3]), 'part_colors not three numbers for each part'),
        ('part_colors', byte_array([]), ''),
        ('attributes', [], ''),
        ('same_person_threshold', 0.0, ''),
    ],
)
def test_a_model_description_that_cannot_be_used_says_why(field, value, fault):
    message = model_info_to_message(INFO)
    assert model_info_fault(message) == ''
    setattr(message, field, value)
    assert model_info_fault(message) == fault


@pytest.mark.parametrize('count', [0, 1, 3])
def test_everybody_of_an_image_comes_back(count):
    people = [_full(detection=Detection(BOX + i, 0.5, str(i), i)) for i in range(count)]
    message = _over_the_wire(persons_to_message(header_at(12.5), (640, 480), people, INFO))
    assert stamp_ns(message.header) == 12_500_000_000
    assert (message.image_width, message.image_height) == (640, 480)
    assert message.model_id == INFO.model_id
    back, _, faults = persons_from_message(message, INFO)
    assert faults == []
    for a, b in zip(back, people, strict=True):
        _assert_same(a, b)


def _turned(theta):
    box = bounding_box_from_xyxy(BOX)
    box.center.theta = theta
    return box


def _mask(width, height):
    """A part mask of six pixels that says another size."""
    data = byte_array(np.zeros(6, np.uint8))
    return PartMaskMessage(roi=_turned(0.0), width=width, height=height, data=data)


def _with(field, value):
    message = persons_to_message(header_at(1), (640, 480), [_full(), _full()], INFO)
    setattr(message.persons[0], field, value)
    return message


@pytest.mark.parametrize(
    ('message', 'fault'),
    [
        (_with('bbox', bounding_box_from_xyxy(BOX * np.nan)), 'box not finite'),
        (_with('bbox', bounding_box_from_xyxy(BOX + 1000)), 'box out of image'),
        (_with('score', math.nan), 'score not in [0, 1]'),
        (_with('score', -0.5), 'score not in [0, 1]'),
        (_with('embedding', float_array([math.nan, 0, 0, 0])), 'embedding not finite'),
        (_with('embedding', float_array([0, 1, 0])), 'embedding of another length'),
        (_with('embedding', float_array([3, 4, 0, 0])), 'embedding not of unit length'),
        (_with('embedding', float_array([0, 0, 0, 0])), 'embedding not of unit length'),
        (_with('attribute_probabilities', float_array([0, 1])), 'attributes of another number'),
        (
            _with('attribute_probabilities', float_array([-1] * 5)),
            'attributes not in [0, 1]',
        ),
        (_with('keypoints', [Keypoint(x=math.nan)]), 'keypoints not finite'),
        (_with('keypoints', [Keypoint(x=3e38)]), 'keypoints too far out'),
        (_with('part_mask', PartMaskMessage(roi=_turned(math.inf))), 'part mask out of image'),
        (_with('part_mask', PartMaskMessage(roi=_turned(1e300))), 'part mask out of image'),
        (_with('part_mask', _mask(4, 3)), 'part mask of another size than its data'),
        (_with('part_mask', _mask(0, 0)), 'part mask of another size than its data'),
        (
            _with('part_mask', PartMaskMessage(width=2, height=3)),
            'part mask of another size than its data',
        ),
    ],
    ids=lambda value: value.replace(' ', '_') if isinstance(value, str) else '',
)
def test_a_bad_person_costs_only_itself(message, fault):
    people, messages, faults = persons_from_message(message, INFO)
    assert faults == [fault]
    _assert_same(people[0], _full())
    assert [m.detection_index for m in messages] == [3] and len(people) == 1


def test_people_who_are_tracked_as_they_came_are_not_converted_again():
    persons = PersonArray(
        image_width=640,
        image_height=480,
        persons=[person_to_message(_full(), INFO), person_to_message(_full(), INFO)],
    )
    read = persons_from_message(persons, INFO)
    changed = replace(read.persons[1], keypoints=read.persons[1].keypoints + 1)
    tracks = [replace(TRACKS[0], estimate=estimate) for estimate in (read.persons[0], changed)]
    message = tracks_to_message(persons, tracks, INFO, read)
    assert message.persons[0].estimate[0] is persons.persons[0]
    for item, track in zip(
        tracks_from_message(_over_the_wire(message), INFO), tracks, strict=True
    ):
        _assert_same(item.estimate, track.estimate)


@pytest.mark.parametrize(
    ('fields', 'fault'),
    [
        ({'embedding': np.zeros(4097, np.float32)}, '4097 embedding numbers, at most 4096 fit'),
        ({'keypoints': np.zeros((65, 3), np.float32)}, '65 keypoints, at most 64 fit'),
        (
            {'part_mask': PartMask(np.zeros((384, 192), np.uint8), BOX)},
            '73728 part mask pixels, at most 65536 fit into the message',
        ),
        ({'keypoints': np.zeros((64, 3), np.float32)}, ''),
    ],
)
def test_what_does_not_fit_into_a_message_is_said_with_the_bound(fields, fault):
    found = estimate_fault(replace(_full(), **fields))
    assert found.startswith(fault) and bool(found) == bool(fault)


TRACKS = [
    TrackedPerson(
        2**40 + 7,
        state,
        state == TrackState.CONFIRMED,
        BOX,
        np.array([1.5, -2.25], np.float32),
        2.5,
        0.25,
        {'hat': np.array([0.5, 0.5], np.float32)},
        _full(is_evaluated=state != TrackState.OCCLUDED) if state != TrackState.LOST else None,
        state == TrackState.CONFIRMED,
        math.inf if state == TrackState.TENTATIVE else 1.25,
    )
    for state in TrackState
]


@pytest.mark.parametrize('tracks', [[], TRACKS], ids=['nobody', 'each_state'])
def test_tracks_come_back(tracks):
    persons = PersonArray(header=header_at(3), image_width=640, image_height=480, model_id='m')
    message = _over_the_wire(tracks_to_message(persons, tracks, INFO))
    assert message.header == persons.header and message.model_id == 'm'
    for a, b in zip(tracks_from_message(message, INFO), tracks, strict=True):
        assert (a.track_id, a.state, a.is_matched) == (b.track_id, b.state, b.is_matched)
        assert (a.age_sec, a.time_since_seen_sec) == (b.age_sec, b.time_since_seen_sec)
        assert (a.recovered, a.result_age_sec) == (b.recovered, b.result_age_sec)
        np.testing.assert_array_equal(a.box_xyxy, b.box_xyxy)
        np.testing.assert_array_equal(a.velocity_xy, b.velocity_xy)
        assert a.attributes.keys() == b.attributes.keys()
        assert (a.estimate is None) == (b.estimate is None)
        if a.estimate is not None and b.estimate is not None:
            _assert_same(a.estimate, b.estimate)


def test_more_tracks_than_the_message_holds_leave_the_longest_unseen_out():
    tracks = [
        TrackedPerson(
            i + 1, TrackState.LOST, False, BOX, np.zeros(2, np.float32), 9.0, float(i), {}, None
        )
        for i in range(MAX_TRACKS + 5)
    ]
    message = _over_the_wire(tracks_to_message(PersonArray(), tracks, INFO))
    assert [item.track_id for item in message.persons] == list(range(1, MAX_TRACKS + 1))


@pytest.mark.parametrize('identity', ['x' * 1000, '🙂' * 1000, 'é' * 300])
def test_a_long_detection_id_is_cut_instead_of_losing_the_person(identity):
    person = PersonEstimate(Detection(BOX, detection_id=identity))
    message = _over_the_wire(person_to_message(person, INFO))
    assert identity.startswith(message.detection_id)
    assert 0 < len(message.detection_id.encode()) <= MAX_ID_LENGTH
