import numpy as np
import pytest
import rclpy
from bench import Bench, detection, detections_at, header_at
from nav_msgs.msg import Odometry
from person_mtl.msg import PersonArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.nodes.conversions import image_to_message, stamp_ns
from person_mtl_ros.nodes.node_parameters import ParameterError
from person_mtl_ros.nodes.perception_node import PerceptionNode

NODE = 'perception_node'
SIZE = (320, 240)
FOCAL = 300.0
DARK = np.zeros((240, 320, 3), np.uint8)


def odometry_at(stamp: float, quaternion) -> Odometry:
    message = Odometry(header=header_at(stamp), child_frame_id='base_link')
    orientation = message.pose.pose.orientation
    orientation.x, orientation.y, orientation.z, orientation.w = map(float, quaternion)
    return message


def yaw(radians: float) -> tuple[float, ...]:
    return (0.0, 0.0, np.sin(radians / 2), np.cos(radians / 2))


def camera_info() -> CameraInfo:
    k = [FOCAL, 0.0, 159.5, 0.0, FOCAL, 119.5, 0.0, 0.0, 1.0]
    return CameraInfo(width=SIZE[0], height=SIZE[1], k=k)


class Robot:
    """Turns, its camera in the dark, before a running perception node."""

    def __init__(self, bench: Bench, weights) -> None:
        self.bench = bench
        bench.start(
            NODE, weights=weights, backend='torch', use_odometry='true', silence_warning=3.0
        )
        self._image = bench.publisher(Image, 'image')
        self._detections = bench.publisher(Detection2DArray, 'detections')
        self._odometry = bench.publisher(Odometry, 'odometry')
        self._camera_info = bench.publisher(CameraInfo, 'camera_info')
        self._persons = bench.listen(PersonArray, 'persons')
        self.now = 1.0
        while not self._persons:  # discovery of the way back
            self.look()
            bench.spin_for(0.5)

    def look(self) -> float:
        """Publish the next image."""
        self.now = round(self.now + 0.1, 6)
        self._image.publish(image_to_message(header_at(self.now), DARK))
        self._detections.publish(detections_at(self.now, detection(160, 120, 40, 100)))
        return self.now

    def answer(self, stamp: float) -> PersonArray:
        wanted = stamp_ns(header_at(stamp))
        self.bench.until(lambda: any(stamp_ns(m.header) == wanted for m in self._persons))
        return next(m for m in self._persons if stamp_ns(m.header) == wanted)

    def tell(self, *messages: Odometry) -> None:
        """Publish odometry and wait until it has arrived."""
        arrived = self.bench.count(NODE, 'odometry received') + len(messages)
        for message in messages:
            self._odometry.publish(message)
        self.bench.until(lambda: self.bench.count(NODE, 'odometry received') >= arrived)

    def calibrate(self) -> None:
        self._camera_info.publish(camera_info())

    def counted(self, key: str) -> None:
        """Wait for a counter."""
        self.bench.until(lambda: self.bench.count(NODE, key))


@pytest.fixture(scope='module')
def robot(shared_bench, weights):
    return Robot(shared_bench, weights)


def test_without_odometry_and_camera_info_nothing_breaks(robot):
    for _ in range(2):
        answer = robot.answer(robot.look())
        assert len(answer.persons) == 1 and list(answer.camera_motion) == []
    robot.counted('odometry refused: no camera info')
    warning = 'no odometry and no camera_info; publishers: 1 of /odometry, 1 of /camera_info'
    robot.bench.until(lambda: warning in robot.bench.levels[NODE])
    robot.calibrate()
    while not robot.bench.count(NODE, 'odometry refused: no odometry'):
        assert list(robot.answer(robot.look()).camera_motion) == []
        robot.bench.spin_for(0.2)


def test_a_turn_in_the_dark_is_told_as_camera_motion(robot):
    robot.calibrate()
    begin = robot.now
    robot.tell(*(odometry_at(begin + 0.02 * step, yaw(0.01 * step)) for step in range(21)))
    robot.bench.until(lambda: 'no odometry' not in robot.bench.levels[NODE])
    first = robot.answer(robot.look())
    for _ in range(3):
        second = robot.answer(robot.look())
        motion = np.reshape(second.camera_motion, (2, 3))
        middle = np.array([SIZE[0] / 2, SIZE[1] / 2])
        moved = motion[:, :2] @ middle + motion[:, 2]
        np.testing.assert_allclose(moved - middle, [FOCAL * np.tan(0.05), 0], atol=2)
        assert second.camera_motion_since == first.header.stamp
        first = second
    robot.counted('odometry used alone')


@pytest.mark.parametrize(
    ('quaternion', 'reason'),
    [
        ((0, 0, 0, 0), 'orientation not of unit length'),
        ((0, 0, 5, 5), 'orientation not of unit length'),
        ((np.nan, 0, 0, 1), 'orientation not finite'),
    ],
    ids=['zeros', 'not_normalised', 'nan'],
)
def test_garbage_is_refused_and_counted(robot, quaternion, reason):
    key = f'odometry messages refused: {reason}'
    before = robot.bench.count(NODE, key)
    robot.tell(odometry_at(robot.now + 0.01, quaternion))
    robot.bench.until(lambda: robot.bench.count(NODE, key) == before + 1)
    robot.tell(*(odometry_at(robot.now + 0.02 * step, yaw(0.02)) for step in range(1, 12)))
    robot.answer(robot.look())
    motion = np.reshape(robot.answer(robot.look()).camera_motion, (2, 3))
    np.testing.assert_allclose(motion, np.eye(2, 3), atol=1e-3)


@pytest.fixture
def context():
    made = rclpy.Context()
    rclpy.init(context=made, domain_id=0)
    yield made
    rclpy.shutdown(context=made)


@pytest.mark.parametrize('is_used', [False, True])
def test_odometry_is_read_only_where_it_is_asked_for(context, weights, is_used):
    given = [
        Parameter('weights', value=str(weights)),
        Parameter('backend', value='torch'),
        Parameter('use_odometry', value=is_used),
    ]
    node = PerceptionNode(context=context, parameter_overrides=given)
    try:
        assert node.start()
        topics = {subscription.topic_name for subscription in node.subscriptions}
        assert ({'/odometry', '/camera_info'} <= topics) == is_used
        assert not is_used or '/image' in topics
        node.stop()
        assert not {'/odometry', '/camera_info'} & {s.topic_name for s in node.subscriptions}
    finally:
        node.destroy_node()


def test_a_mounting_that_is_no_orientation_ends_the_node_with_one_line(context):
    given = [Parameter('camera_orientation', value=[0.0, 0.0, 0.0, 0.0])]
    with pytest.raises(ParameterError, match='expected a unit quaternion'):
        PerceptionNode(context=context, parameter_overrides=given)
