import array

import numpy as np
import pytest
from bench import header_at
from person_mtl.msg import (
    PartMask,
    PersonModelInfo,
    TrackedPerson,
)
from person_mtl.srv import ForgetPerson
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from tracker_room import INFO, NODE, Room, look, person

from person_mtl_ros.nodes.conversions import bounding_box_from_xyxy, float_array
from person_mtl_ros.nodes.person_messages import model_info_to_message, persons_to_message
from person_mtl_ros.structures import ModelInfo

NAN = float('nan')


@pytest.fixture(scope='module')
def shared_room(shared_bench):
    return Room(shared_bench).enter()


@pytest.fixture
def room(shared_room):
    """The same node for all, with nobody in it."""
    assert shared_room.bench.call(Trigger, f'/{NODE}/reset').success
    return shared_room


def test_people_keep_their_ids(room):
    ids = [p.track_id for p in room.watch(person(100, 0), person(300, 1))]
    assert len(set(ids)) == 2
    later = room.watch(person(300, 1), person(100, 0), frames=10)
    assert [p.track_id for p in later] == ids
    by_place = {round(p.bbox.center.position.x): p.track_id for p in later}
    assert by_place == dict(zip((100, 300), ids, strict=True))


def test_estimate_and_attributes_are_handed_on(room):
    found = room.watch(person(100))[0]
    np.testing.assert_allclose(found.attribute_probabilities, [0.25, 0.75], atol=0.01)
    np.testing.assert_array_equal(found.estimate[0].embedding, look(0))
    assert found.time_since_seen == 0.0


def test_images_without_people_are_answered_and_age_the_tracks(room):
    room.watch(person(320), frames=15)
    answers = [room.answer(room.show()) for _ in range(4)]
    ages = [a.persons[0].time_since_seen for a in answers]
    np.testing.assert_allclose(ages, [0.1, 0.2, 0.3, 0.4], atol=1e-5)
    assert not any(a.persons[0].is_matched for a in answers)
    for _ in range(3):
        answer = room.answer(room.show(step=1.0))
    assert list(answer.persons) == []


def test_lost_people_are_published_only_if_wanted(room):
    def set_publish_lost(value):
        parameters = [Parameter('publish_lost', value=value).to_parameter_msg()]
        name = f'/{NODE}/set_parameters'
        assert room.bench.call(SetParameters, name, parameters=parameters).results[0].successful

    room.watch(person(320))
    assert list(room.answer(room.show(step=1.5)).persons) == []
    set_publish_lost(True)
    states = [p.state for p in room.answer(room.show(step=0.1)).persons]
    set_publish_lost(False)
    assert states == [TrackedPerson.STATE_LOST]


def test_a_returning_person_gets_the_old_id(room):
    first = room.watch(person(320, 2))[0].track_id
    for _ in range(8):
        room.answer(room.show(step=1.0))
    back = room.watch(person(100, 2), frames=12)[0]
    assert back.track_id == first and back.recovered


def test_after_reset_ids_go_on(room):
    before = room.watch(person(320))[0].track_id
    response = room.bench.call(Trigger, f'/{NODE}/reset')
    assert response.success and 'forgotten' in response.message
    assert room.watch(person(320))[0].track_id > before


def test_a_new_configuration_knows_nobody_but_ids_go_on(room):
    before = [p.track_id for p in room.watch(person(100, 0), person(300, 1))]
    for transition in ('deactivate', 'cleanup', 'configure', 'activate'):
        assert room.bench.change_state(NODE, transition)
    room.tracked.clear()
    room.enter()
    assert min(p.track_id for p in room.watch(person(100, 0), person(300, 1))) > max(before)


def test_one_person_can_be_forgotten(room):
    kept, gone = (p.track_id for p in room.watch(person(100, 0), person(300, 1)))
    response = room.bench.call(ForgetPerson, f'/{NODE}/forget', track_id=gone)
    assert response.success and str(gone) in response.message
    after = [p.track_id for p in room.watch(person(100, 0), person(300, 1))]
    assert after[0] == kept and after[1] > gone


def test_forgetting_zero_is_forgetting_everybody(room):
    before = room.watch(person(100))[0].track_id
    assert room.bench.call(ForgetPerson, f'/{NODE}/forget', track_id=0).success
    assert room.watch(person(100))[0].track_id > before


def test_forgetting_somebody_unknown_says_so(room):
    response = room.bench.call(ForgetPerson, f'/{NODE}/forget', track_id=2**63)
    assert not response.success and 'not known' in response.message


def _first(**fields):
    def change(message):
        for name, value in fields.items():
            setattr(message.persons[0], name, value)

    return change


BOX = np.array([80, 100, 120, 220], np.float32)


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (_first(bbox=bounding_box_from_xyxy(BOX * NAN)), 'box not finite'),
        (_first(bbox=bounding_box_from_xyxy(BOX * 1e9)), 'box out of image'),
        (_first(bbox=bounding_box_from_xyxy(BOX[[2, 1, 0, 3]])), 'box inverted'),
        (_first(score=NAN), 'score not in [0, 1]'),
        (_first(embedding=float_array(look(0) * NAN)), 'embedding not finite'),
        (_first(embedding=float_array([1.0])), 'embedding of another length'),
        (_first(embedding=float_array(np.zeros(8))), 'embedding not of unit length'),
        (_first(embedding=float_array(np.full(8, 3e38))), 'embedding not of unit length'),
        (_first(attribute_probabilities=float_array([1])), 'attributes of another number'),
        (_first(is_evaluated=False), 'results without is_evaluated'),
        (
            _first(part_mask=PartMask(width=2, height=3)),
            'part mask of another size than its data',
        ),
    ],
    ids=[
        *('nan_box', 'far', 'inverted', 'score', 'nan', 'length', 'zero', 'huge', 'attributes'),
        *('not_evaluated', 'mask'),
    ],
)
def test_a_bad_person_costs_only_itself(room, change, reason):
    wait = room.count_grows(f'persons refused: {reason}', 6)
    for _ in range(6):
        answer = room.answer(room.show(person(100, 0), person(300, 1), change=change))
    assert [round(p.bbox.center.position.x) for p in answer.persons] == [300]
    wait()


@pytest.mark.parametrize(
    'motion', [[NAN] * 6, [0.0] * 6, [1e5, 0, 0, 0, 1e5, 0], [1.0, 0, 0], [1, 0, 1e30, 0, 1, 0]]
)
def test_a_camera_motion_that_cannot_be_is_left_out(room, motion):
    def change(message):
        message.camera_motion = array.array('f', motion)

    before = room.watch(person(320))[0]
    after = room.answer(room.show(person(320), change=change)).persons[0]
    assert after.track_id == before.track_id and after.is_matched
    assert after.bbox.center.position.x == pytest.approx(320, abs=1)


def test_camera_motion_moves_the_people(room):
    def change(message):
        message.camera_motion = array.array('f', [1, 0, -60, 0, 1, 0])

    room.watch(person(320))
    moved = room.answer(room.show(change=change)).persons[0]
    assert moved.bbox.center.position.x == pytest.approx(260, abs=3)


def test_camera_motion_holds_only_after_the_message_it_starts_from(room):
    def change(since_sec):
        def move(message):
            message.camera_motion = array.array('f', [1, 0, -60, 0, 1, 0])
            message.camera_motion_since = header_at(since_sec).stamp

        return move

    room.watch(person(320))
    moved = room.answer(room.show(change=change(room.now))).persons[0]
    assert moved.bbox.center.position.x == pytest.approx(260, abs=3)
    wait = room.count_grows('camera motion refused: since an image that was not tracked')
    held = room.answer(room.show(change=change(room.now - 0.1))).persons[0]
    assert held.bbox.center.position.x == pytest.approx(260, abs=3)
    wait()


def test_messages_of_another_network_are_counted(room):
    wait = room.count_grows('messages dropped: model_info of another network')
    room.show(person(100), change=lambda message: setattr(message, 'model_id', 'model-b'))
    wait()
    room.answer(room.show())


def test_repeated_late_and_zero_stamps_are_counted(room):
    room.watch(person(320))
    for step, reason in ((0.0, 'repeated stamp'), (-0.2, 'late')):
        wait = room.count_grows(f'messages dropped: {reason}')
        room.show(person(320), step=step)
        wait()
    wait = room.count_grows('messages dropped: zero stamp', 2)
    for seconds in (0.0, -5.0):
        late = persons_to_message(header_at(seconds), (640, 480), [], INFO)
        room.persons.publish(late)
    wait()
    room.now += 0.2
    assert room.watch(person(320), frames=1)


def test_time_that_jumps_back_starts_afresh(room):
    before = room.watch(person(320))[0].track_id
    wait = room.count_grows('time jumps back')
    room.answer(room.show(person(320), step=-5.0))
    wait()
    assert room.watch(person(320))[0].track_id > before
    room.now += 10.0


def test_parameters_change_while_it_runs(room):
    def set_parameter(name, value):
        service = f'/{NODE}/set_parameters'
        parameters = [Parameter(name, value=value).to_parameter_msg()]
        return room.bench.call(SetParameters, service, parameters=parameters).results[0]

    assert set_parameter('high_score', 0.95).successful
    assert room.watch(person(100)) == []
    assert set_parameter('high_score', 0.5).successful
    assert len(room.watch(person(100))) == 1
    for name, value, words in (
        ('bank_size', 0, 'bank_size'),
        ('low_score', 0.9, 'low_score is 0.9; expected at most high_score 0.5'),
        ('bank_size', 'many', 'Wrong parameter type'),
        ('autostart', False, 'autostart'),
        ('colour', 'red', 'undeclared parameter'),
    ):
        result = set_parameter(name, value)
        assert not result.successful and words in result.reason, result
    assert len(room.watch(person(100))) == 1


def test_persons_below_low_score_are_counted(room):
    wait = room.count_grows('persons ignored: score below low_score', 3)
    for _ in range(3):
        answer = room.answer(room.show(person(100), person(300, 1, score=0.09)))
    assert len(answer.persons) == 1
    wait()


def test_a_detector_that_never_reaches_high_score_is_warned_of(bench):
    room = Room(bench).enter()
    for _ in range(7):
        assert not room.answer(room.show(person(100, score=0.42), step=1.0)).persons
    bench.until(lambda: bench.levels.get(NODE, '').startswith('no track starts: the highest'))
    assert 'is 0.42, below high_score 0.5; set high_score' in bench.levels[NODE]
    assert len(room.watch(person(100))) == 1
    bench.until(lambda: bench.levels[NODE] == 'active')


def test_a_broken_model_description_costs_only_itself(room):
    room.info.publish(model_info_to_message(INFO))
    wait = room.count_grows('model_info refused: keypoint_edges not in pairs')
    room.info.publish(PersonModelInfo(model_id='odd', keypoint_edges=array.array('B', [1])))
    wait()
    text = 'model_info refused: keypoint_edges not in pairs'
    room.bench.until(lambda: room.bench.levels[NODE] == text)
    assert len(room.watch(person(100))) == 1
    room.info.publish(model_info_to_message(INFO))
    room.bench.until(lambda: room.bench.levels[NODE] == 'active')


def test_a_new_network_starts_with_new_people(bench):
    room = Room(bench).enter()
    before = room.watch(person(100))[0].track_id
    other = ModelInfo('model-b', 8, 0.3, INFO.attributes)
    room.info.publish(model_info_to_message(other))

    def change(message):
        message.model_id = 'model-b'

    room.tracked.clear()
    while not room.tracked:  # people who are there before the description are refused
        room.show(person(100), change=change)
        bench.spin_for(0.3)
    answer = room.answer(room.show(person(100), change=change))
    assert answer.persons[0].track_id > before
    bench.until(lambda: bench.status.get(NODE, {}).get('model id') == 'model-b')


def test_a_description_of_a_network_without_people_changes_nothing(room):
    before = [p.track_id for p in room.watch(person(100, 0), person(300, 1))]
    for _ in range(5):
        room.info.publish(PersonModelInfo(model_id='of-somebody-else', embedding_dim=3))
        room.bench.spin_for(0.1)
        after = [p.track_id for p in room.watch(person(100, 0), person(300, 1), frames=1)]
        assert after == before


def test_people_before_the_model_is_known_are_counted(bench):
    room = Room(bench)
    for _ in range(3):
        room.show(person(100))
    bench.until(lambda: bench.count(NODE, 'messages dropped: no model_info yet') == 3)
    assert bench.levels[NODE] == 'persons refused: no model_info yet'
    assert len(room.enter().watch(person(100))) == 1
    bench.until(lambda: bench.levels[NODE] == 'active')
