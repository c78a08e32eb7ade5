from dataclasses import replace
from threading import Semaphore

import numpy as np
import pytest
import rclpy
from bench import DEADLINE_SEC, Bench, header_at, image_at
from person_mtl.msg import PersonArray, PersonModelInfo, TrackedPersonArray
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from person_mtl_ros.drawing import draw_tracks
from person_mtl_ros.images import bgr_from_image
from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.person_messages import (
    model_info_to_message,
    tracks_from_message,
    tracks_to_message,
)
from person_mtl_ros.nodes.visualizer_node import VisualizerNode
from person_mtl_ros.structures import (
    Detection,
    ModelInfo,
    PersonEstimate,
    TrackedPerson,
    TrackState,
)

NODE = 'visualizer_node'
INFO = ModelInfo('m', keypoint_names=('head', 'left_hand'), keypoint_edges=((0, 1),))


def _tracks_at(stamp_sec: float, *boxes, info=INFO) -> TrackedPersonArray:
    tracks = []
    for track_id, box in enumerate(boxes, start=1):
        box_xyxy = np.array(box, np.float32)
        keypoints = np.array([[*box[:2], 0.9], [*box[2:], 0.9]], np.float32)
        estimate = PersonEstimate(Detection(box_xyxy), keypoints=keypoints)
        tracks.append(
            TrackedPerson(
                track_id,
                TrackState.CONFIRMED,
                True,
                box_xyxy,
                np.zeros(2, np.float32),
                1.0,
                0.0,
                {},
                estimate,
            )
        )
    persons = PersonArray(header=header_at(stamp_sec), image_width=64, image_height=48)
    persons.model_id = info.model_id
    return tracks_to_message(persons, tracks, info)


class Robot:
    """Plays camera and tracker for a running visualizer node, and looks at what it draws."""

    def __init__(self, bench: Bench, **parameters) -> None:
        self.bench = bench
        bench.start(NODE, **parameters)
        self.image = bench.publisher(Image, 'image')
        self.tracks = bench.publisher(TrackedPersonArray, 'tracked_persons')
        self.model_info = bench.publisher(PersonModelInfo, 'model_info', latched=True)
        self.model_info.publish(model_info_to_message(INFO))
        bench.until(lambda: bench.status.get(NODE, {}).get('model id') == 'm')
        self.now = 1.0

    def look(self) -> None:
        """Subscribe to both outputs, until something arrives on each."""
        self.overlays = self.bench.listen(Image, 'overlay')
        self.markers = self.bench.listen(MarkerArray, 'markers')
        while not (self.overlays and self.markers):
            stamp = self.tick()
            self.image.publish(image_at(stamp))
            self.tracks.publish(_tracks_at(stamp))
            self.bench.spin_for(0.3)

    def tick(self) -> float:
        """Stamp of the next image."""
        self.now = round(self.now + 0.1, 6)
        return self.now

    def overlay(self, stamp: float) -> Image:
        """Wait for the overlay of an image."""
        wanted = stamp_ns(header_at(stamp))
        self.bench.until(lambda: any(stamp_ns(m.header) == wanted for m in self.overlays))
        return next(m for m in self.overlays if stamp_ns(m.header) == wanted)


@pytest.fixture
def robot(bench):
    robot = Robot(bench)
    robot.look()
    return robot


@pytest.fixture(scope='module')
def shared_robot(shared_bench):
    robot = Robot(shared_bench)
    robot.look()
    return robot


def test_overlay_is_the_image_with_its_people(robot):
    stamp = robot.tick()
    image, tracks = image_at(stamp), _tracks_at(stamp, (10, 10, 30, 44), (36, 8, 56, 40))
    robot.image.publish(image)
    robot.tracks.publish(tracks)
    overlay = robot.overlay(stamp)
    assert overlay.encoding == 'bgr8'
    assert overlay.header == image.header
    expected = draw_tracks(bgr_from_image(image), tracks_from_message(tracks, INFO), INFO)
    assert np.array_equal(bgr_from_image(overlay), expected)


def test_people_who_come_long_after_their_image_are_drawn_into_it(robot):
    stamps = [robot.tick() for _ in range(20)]
    for stamp in stamps:
        robot.image.publish(image_at(stamp))
        robot.bench.spin_for(0.02)
    robot.tracks.publish(_tracks_at(stamps[4], (10, 10, 30, 44)))
    drawn = bgr_from_image(robot.overlay(stamps[4]))
    assert not np.array_equal(drawn, bgr_from_image(image_at(stamps[4])))


def test_markers_come_without_any_image(robot):
    robot.markers.clear()
    robot.tracks.publish(_tracks_at(robot.tick(), (10, 10, 30, 44)))
    robot.bench.until(lambda: robot.markers)
    assert [marker.ns for marker in robot.markers[0].markers] == ['', 'box', 'id', 'skeleton']


def test_people_whose_markers_are_overtaken_by_newer_ones_are_counted():
    begun, may_end = Semaphore(0), Semaphore(0)

    def publish(_):
        begun.release()
        assert may_end.acquire(timeout=DEADLINE_SEC)

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=0)
    node = VisualizerNode(context=context)
    try:
        assert node.start()
        node._markers.publish = publish
        node._markers.get_subscription_count = lambda: 1
        node._take_tracks(_tracks_at(1.0))
        assert begun.acquire(timeout=DEADLINE_SEC)
        for stamp_sec in (1.1, 1.2, 1.3):
            node._take_tracks(_tracks_at(stamp_sec))
        assert node.diagnostics.counts()['messages dropped: replaced by a newer one'] == 2
    finally:
        may_end.release(2)
        node.stop()
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_people_of_an_unknown_network_are_drawn_without_limbs(robot):
    robot.markers.clear()
    other = ModelInfo('other', keypoint_names=INFO.keypoint_names)
    robot.tracks.publish(_tracks_at(robot.tick(), (10, 10, 30, 44), info=other))
    robot.bench.until(lambda: robot.markers)
    assert [marker.ns for marker in robot.markers[0].markers] == ['', 'box', 'id']


def test_a_description_that_cannot_be_used_leaves_the_one_before(robot):
    broken = model_info_to_message(replace(INFO, keypoint_edges=((0, 200),)))
    robot.model_info.publish(broken)
    reason = 'keypoint_edges beyond the keypoints'
    robot.bench.until(lambda: robot.bench.count(NODE, f'model_info refused: {reason}') == 1)
    robot.bench.until(lambda: robot.bench.levels[NODE] == f'model_info refused: {reason}')
    robot.markers.clear()
    robot.tracks.publish(_tracks_at(robot.tick(), (10, 10, 30, 44)))
    robot.bench.until(lambda: robot.markers)
    assert [marker.ns for marker in robot.markers[0].markers] == ['', 'box', 'id', 'skeleton']


def test_a_description_of_another_network_counts_once_its_people_come(robot):
    other = replace(INFO, model_id='other')
    robot.model_info.publish(model_info_to_message(other))
    robot.bench.spin_for(0.5)

    def namespaces(info):
        robot.markers.clear()
        robot.tracks.publish(_tracks_at(robot.tick(), (10, 10, 30, 44), info=info))
        robot.bench.until(lambda: robot.markers)
        return [marker.ns for marker in robot.markers[0].markers]

    assert 'skeleton' in namespaces(INFO)
    robot.bench.until(lambda: 'skeleton' in namespaces(other))
    assert 'skeleton' not in namespaces(INFO)


def _spoil_state(person):
    person.state = 255


def _spoil_box(person):
    person.bbox.center.position.x = float('nan')


def _spoil_box_of_estimate(person):
    person.estimate[0].bbox.size_x = 1e39  # infinite in single precision


def _spoil_keypoint(person):
    person.estimate[0].keypoints[0].x = float('inf')


def _spoil_far_keypoint(person):
    person.estimate[0].keypoints[0].y = -2e6


def _spoil_mask(person):
    person.estimate[0].part_mask.roi.center.theta = float('inf')


def _spoil_flat_mask(person):
    person.estimate[0].part_mask.width = person.estimate[0].part_mask.height = 1
    person.estimate[0].part_mask.data = [1]


def _spoil_keypoints(person):
    person.estimate[0].keypoints = person.estimate[0].keypoints[:1]


@pytest.mark.parametrize(
    ('spoil', 'reason'),
    [
        (_spoil_state, 'unknown state'),
        (_spoil_box, 'box not finite'),
        (_spoil_box_of_estimate, 'box too far out'),
        (_spoil_keypoint, 'keypoints not finite'),
        (_spoil_far_keypoint, 'keypoints too far out'),
        (_spoil_mask, 'part mask out of image'),
        (_spoil_flat_mask, 'part mask without area'),
        (_spoil_keypoints, 'keypoints of another number'),
    ],
)
def test_a_bad_person_costs_only_itself(shared_robot, spoil, reason):
    robot = shared_robot
    stamp = robot.tick()
    tracks = _tracks_at(stamp, (10, 10, 30, 44), (36, 8, 56, 40))
    others = tracks_from_message(tracks, INFO)[1:]
    spoil(tracks.persons[0])
    image = image_at(stamp)
    robot.image.publish(image)
    robot.tracks.publish(tracks)
    expected = draw_tracks(bgr_from_image(image), others, INFO)
    assert np.array_equal(bgr_from_image(robot.overlay(stamp)), expected)
    robot.bench.until(lambda: robot.bench.count(NODE, f'persons refused: {reason}'))


def test_an_unreadable_image_costs_itself_only_and_warns_until_one_is_drawn(robot):
    truncated = image_at(robot.tick())
    truncated.data = truncated.data[:100]
    robot.image.publish(truncated)
    robot.tracks.publish(_tracks_at(robot.now, (10, 10, 30, 44)))
    robot.bench.until(lambda: robot.bench.count(NODE, 'pairs dropped: image cannot be read'))
    assert 'overlay not published: image data of 100 bytes' in robot.bench.levels[NODE]
    stamp = robot.tick()
    robot.image.publish(image_at(stamp))
    robot.tracks.publish(_tracks_at(stamp, (10, 10, 30, 44)))
    robot.overlay(stamp)
    robot.bench.until(lambda: robot.bench.levels[NODE] == 'active')


def test_nothing_is_drawn_while_nobody_looks(bench):
    robot = Robot(bench)
    for _ in range(5):
        stamp = robot.tick()
        robot.image.publish(image_at(stamp))
        robot.tracks.publish(_tracks_at(stamp, (10, 10, 30, 44)))
        bench.spin_for(0.1)
    bench.until(lambda: bench.count(NODE, 'pairs') >= 4)
    bench.spin_for(1.5)
    assert bench.count(NODE, 'overlays published') == 0


def test_silence_is_explained_to_who_looks(bench):
    robot = Robot(bench)
    bench.listen(Image, 'overlay')
    robot.bench.until(lambda: 'no image and tracked_persons' in bench.levels.get(NODE, ''))
    assert '1 of /image' in bench.levels[NODE]
    assert '1 of /tracked_persons' in bench.levels[NODE]


def test_node_ends_when_interrupted(robot):
    assert robot.bench.terminate(NODE) == 0
