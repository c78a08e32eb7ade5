from threading import Thread
from unittest.mock import Mock

import numpy as np
import pytest
from bench import detection, detections_at, header_at, image_at
from person_mtl.msg import PersonArray, TrackedPersonArray
from rclpy.context import Context
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.checkpoint import load_checkpoint, save_checkpoint
from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.own_domain import own_domain
from person_mtl_ros.nodes.person_messages import persons_to_message
from person_mtl_ros.nodes.tracker_node import TrackerNode
from person_mtl_ros.structures import Detection, ModelInfo, PersonEstimate
from person_mtl_ros.tracking.reid_tracker import ReidTracker, ReidTrackerParams


class Robot:
    """Shows images to perception and tracker in one process."""

    def __init__(self, bench, weights):
        self.bench = bench
        bench.start(
            'composed', **{'perception_node:weights': weights, 'perception_node:backend': 'torch'}
        )
        self.image = bench.publisher(Image, 'image')
        self.detections = bench.publisher(Detection2DArray, 'detections')
        self.persons = bench.listen(PersonArray, 'persons')
        self.tracked = bench.listen(TrackedPersonArray, 'tracked_persons')
        self.now = 1.0
        while not (self.persons and self.tracked):
            self.show()
            bench.spin_for(0.5)

    def show(self, *items):
        """Publish the next image; returns its stamp."""
        self.now = round(self.now + 0.1, 6)
        self.image.publish(image_at(self.now))
        message = detections_at(self.now, *items)
        self.detections.publish(message)
        return stamp_ns(message.header)

    def answers(self, stamp):
        """Wait for the people and the tracks of an image."""

        def of(messages):
            return [m for m in messages if stamp_ns(m.header) == stamp]

        self.bench.until(lambda: of(self.persons) and of(self.tracked))
        return of(self.persons)[0], of(self.tracked)[0]


@pytest.fixture
def robot(bench, weights):
    return Robot(bench, weights)


def test_tracks_hold_what_is_published_of_the_people(robot):
    stamp = robot.show(detection(20, 24, 16, 40), detection(44, 24, 16, 40))
    persons, tracks = robot.answers(stamp)
    assert len(persons.persons) == len(tracks.persons) == 2
    assert [t.estimate[0] for t in tracks.persons] == list(persons.persons)
    assert tracks.model_id == persons.model_id != ''
    again = robot.answers(robot.show(detection(20, 24, 16, 40), detection(44, 24, 16, 40)))[1]
    assert [t.track_id for t in again.persons] == [t.track_id for t in tracks.persons]


def test_people_do_not_pass_through_dds(robot):
    assert robot.bench.node.count_subscribers('persons') == 1  # the one of this test
    for _ in range(5):
        robot.answers(robot.show(detection(20, 24, 16, 40)))
    count = robot.bench.count
    robot.bench.until(
        lambda: (
            5
            < count('perception_node', 'images processed')
            == count('tracker_node', 'messages received')
        )
    )
    assert 'persons on the way p50 [ms]' not in robot.bench.status['tracker_node']


def test_answers_that_are_no_numbers_are_refused_and_counted(bench, weights, tmp_path):
    checkpoint = load_checkpoint(weights)
    tensors = {name: np.array(tensor) for name, tensor in checkpoint.tensors.items()}
    tensors['backbone.conv1.weight'][:] = np.nan
    save_checkpoint(tmp_path / 'broken.safetensors', checkpoint.info, tensors)
    robot = Robot(bench, tmp_path / 'broken.safetensors')
    persons, tracks = robot.answers(robot.show(detection(20, 24, 16, 40)))
    assert np.isnan(persons.persons[0].embedding).all()
    assert len(tracks.persons) == 0
    bench.until(lambda: bench.count('tracker_node', 'persons refused: embedding not finite'))


def test_people_are_published_while_the_tracker_rests(robot):
    assert robot.bench.change_state('tracker_node', 'deactivate')
    stamp = robot.show(detection(20, 24, 16, 40))
    robot.bench.until(lambda: any(stamp_ns(m.header) == stamp for m in robot.persons))
    assert robot.bench.change_state('tracker_node', 'activate')
    assert robot.answers(robot.show(detection(20, 24, 16, 40)))[1].persons


@pytest.fixture
def linked():
    """A tracker node and what its source calls with people."""
    source = Mock()
    with own_domain() as domain_id:
        context = Context()
        context.init(domain_id=domain_id)
        node = TrackerNode(source, context=context)
        source.resolve_topic_name.side_effect = node.resolve_topic_name
        try:
            assert node.start()
            yield node, source.hand_to.call_args.args[0]
        finally:
            node.stop()
            node.destroy_node()
            context.try_shutdown()
    assert source.hand_to.call_args.args == (None,)


def _seen(stamp_sec, length):
    """Somebody with an embedding of a length."""
    info = ModelInfo(f'model {length}', embedding_dim=length)
    box = np.array([10, 10, 30, 60], np.float32)
    person = PersonEstimate(Detection(box, 0.9), np.eye(length, dtype=np.float32)[0])
    return persons_to_message(header_at(stamp_sec), (64, 64), [person], info), [person], info


def test_what_the_tracker_cannot_take_costs_the_message_only(linked, monkeypatch):
    node, take = linked
    take(*_seen(1.0, 4))
    monkeypatch.setattr(ReidTracker, 'step', Mock(side_effect=ValueError('no')))
    take(*_seen(1.1, 4))
    values = {entry.key: entry.value for entry in node.diagnostics.status().values}
    assert values['messages dropped: error in persons'] == '1'
    assert node.diagnostics.status().message == "message of 'persons' dropped: no"
    monkeypatch.undo()
    take(*_seen(1.2, 4))
    assert node.diagnostics.status().message == 'active'


def test_a_tracker_that_is_handed_its_network_listens_to_no_other(linked):
    node, _ = linked
    assert node.count_subscribers('model_info') == 0


def test_networks_that_change_all_the_time_do_not_fill_the_log(linked, capfd):
    _, take = linked
    for step in range(20):
        take(*_seen(1.0 + 0.1 * step, 4 + step % 2))
    assert capfd.readouterr().err.count('the network changed') == 1


def test_parameters_change_between_two_images_only(linked, monkeypatch):
    node, take = linked
    seen = []

    def step(tracker, *_, **__):
        changing = Thread(target=node.parameters_changed)
        before = tracker.params
        changing.start()
        changing.join(0.2)
        seen.append(tracker.params is before)
        changed.append(changing)
        return []

    changed = []
    monkeypatch.setattr(ReidTracker, 'step', step)
    node._params = {**node._params, ReidTrackerParams: ReidTrackerParams(confirm_sec=9.0)}
    take(*_seen(1.0, 4))
    changed[0].join()
    assert seen == [True]
    assert node._tracker.params.confirm_sec == 9.0


def test_a_tracker_of_another_topic_listens_to_that():
    source = Mock()
    source.resolve_topic_name.return_value = '/camera_2/persons'
    with own_domain() as domain_id:
        context = Context()
        context.init(domain_id=domain_id)
        node = TrackerNode(source, context=context)
        try:
            assert node.start()
            assert node.count_subscribers('persons') == 1
            source.hand_to.assert_not_called()
        finally:
            node.stop()
            node.destroy_node()
            context.try_shutdown()
