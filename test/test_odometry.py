import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from person_mtl_ros.camera_geometry import PinholeCamera, projected
from person_mtl_ros.odometry import CameraOdometry, OdometryParams, OrientationBuffer, slerp

SIZE = (640, 480)
CAMERA = PinholeCamera((500.0, 500.0), (320.0, 240.0), SIZE)
MIDDLE = np.array([[320.0, 240.0]])


def yaw(radians: float) -> tuple[float, ...]:
    """Quaternion of a robot that has turned to the left."""
    return (0.0, 0.0, float(np.sin(radians / 2)), float(np.cos(radians / 2)))


def turning(speed: float, begin=1.0, end=2.0, step=0.02, **options) -> OrientationBuffer:
    """Odometry of a robot that turns on the spot, radians per second."""
    buffer = OrientationBuffer(**options)
    for stamp in np.arange(begin, end + 1e-9, step):
        assert buffer.add(float(stamp), yaw(speed * stamp)) == ''
    return buffer


def _yaw_at(buffer: OrientationBuffer, stamp: float) -> float:
    orientation, fault = buffer.at(stamp)
    assert not fault
    return float(Rotation.from_quat(orientation).as_rotvec()[2])


@settings(deadline=None)
@given(st.floats(1.0, 2.1), st.floats(-1.4, 1.4))
def test_a_steady_turn_is_known_at_any_time_and_a_little_later(stamp, speed):
    assert _yaw_at(turning(speed), stamp) == pytest.approx(speed * stamp, abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.0, 1.0), st.sampled_from([1e-6, 1e-3, 0.1, 1.0]))
def test_interpolation_is_that_of_scipy(seed, share, size):
    rng = np.random.default_rng(seed)
    first = Rotation.from_quat(rng.normal(size=4))
    second = first * Rotation.from_rotvec(size * rng.uniform(-1, 1, 3))
    expected = Slerp([0, 1], Rotation.concatenate([first, second]))(share)
    quaternions = first.as_quat(), rng.choice([-1, 1]) * second.as_quat()
    found = Rotation.from_quat(slerp(*quaternions, share))
    assert (found.inv() * expected).magnitude() < 1e-7


def test_a_quaternion_and_its_negative_are_one_orientation():
    buffer = OrientationBuffer()
    buffer.add(1.0, yaw(0.1))
    assert buffer.add(1.1, [-value for value in yaw(0.3)]) == ''
    assert _yaw_at(buffer, 1.05) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ('stamp', 'reason'),
    [
        (0.9, 'before the odometry that is kept'),
        (2.15, 'odometry too old'),
        (1e9, 'odometry too old'),
    ],
)
def test_times_far_from_the_samples_are_refused(stamp, reason):
    assert turning(0.5).at(stamp) == (None, reason)


def test_between_samples_far_apart_nothing_is_known():
    buffer = turning(0.1, step=0.5)
    assert buffer.at(1.2) == (None, 'gap in the odometry')
    assert buffer.at(2.05) == (None, 'gap in the odometry')
    assert _yaw_at(buffer, 1.5) == pytest.approx(0.15)


def test_before_the_first_sample_nothing_is_known():
    assert OrientationBuffer().at(1.0) == (None, 'no odometry')


def test_one_sample_is_known_at_its_own_time_alone():
    buffer = OrientationBuffer()
    buffer.add(1.0, yaw(0.3))
    assert _yaw_at(buffer, 1.0) == pytest.approx(0.3)
    assert buffer.at(1.01) == (None, 'before the odometry that is kept')


@pytest.mark.parametrize(
    ('quaternion', 'reason'),
    [
        ((0.0, 0.0, 0.0, 0.0), 'orientation not of unit length'),
        ((0.0, 0.0, 0.7, 0.8), 'orientation not of unit length'),
        ((0.0, 0.0, 0.0, float('nan')), 'orientation not finite'),
        ((float('inf'), 0.0, 0.0, 1.0), 'orientation not finite'),
        ((0.0, 0.0, 1.0), 'not 4 numbers'),
    ],
    ids=['zeros', 'long', 'nan', 'infinite', 'three'],
)
def test_garbage_is_refused_and_leaves_no_trace(quaternion, reason):
    buffer = turning(0.5)
    assert buffer.add(2.02, quaternion) == reason
    assert _yaw_at(buffer, 2.01) == pytest.approx(0.5 * 2.01)


@pytest.mark.parametrize('stamp', [2.0, 1.99, 1.01])
def test_late_and_repeated_odometry_changes_nothing(stamp):
    buffer = turning(0.5)
    assert buffer.add(stamp, yaw(3.0)) == 'late or repeated'
    assert _yaw_at(buffer, 1.5) == pytest.approx(0.75)


def test_a_zero_stamp_is_refused():
    assert turning(0.5).add(0.0, yaw(0.0)) == 'zero stamp'


def test_time_that_jumps_back_starts_again():
    buffer = turning(0.5, begin=10.0, end=11.0)
    assert buffer.add(5.0, yaw(0.0)) == 'time jumps back'
    assert buffer.at(10.5) == (None, 'odometry too old')
    assert _yaw_at(buffer, 5.0) == pytest.approx(0.0)


def test_one_stamp_from_the_future_does_not_deafen_it():
    buffer = turning(0.5)
    buffer.add(1e6, yaw(1.0))
    for stamp in (2.02, 2.04, 2.06):
        buffer.add(stamp, yaw(0.5 * stamp))
    assert _yaw_at(buffer, 2.05) == pytest.approx(0.5 * 2.05)


def test_no_turn_is_known_across_a_reset_of_the_odometry():
    buffer = turning(0.5)
    assert buffer.add(2.02, yaw(0.0)) == 'orientation jumps'
    assert buffer.at(1.5)[0] is None
    assert _yaw_at(buffer, 2.02) == pytest.approx(0.0)


def test_what_is_kept_is_bounded():
    buffer = turning(0.01, end=60.0, step=0.01)
    assert buffer.at(2.0) == (None, 'before the odometry that is kept')
    assert _yaw_at(buffer, 59.0) == pytest.approx(0.59)


def _odometry(quaternions, params=None, camera=CAMERA) -> CameraOdometry:
    odometry = CameraOdometry(params)
    if camera:
        odometry.set_camera(camera)
    for number, quaternion in enumerate(quaternions):
        odometry.add(1.0 + 0.1 * number, quaternion)
    return odometry


@pytest.mark.parametrize(
    ('axis', 'shift'),
    [
        ('z', (500 * np.tan(0.1), 0.0)),  # turns to the left: what it sees moves to the right
        ('y', (0.0, -500 * np.tan(0.1))),  # looks down: what it sees moves up
        ('x', (0.0, 0.0)),  # leans about the optical axis
    ],
    ids=['left', 'down', 'lean'],
)
def test_a_camera_that_looks_ahead_turns_with_the_robot(axis, shift):
    turned = tuple(Rotation.from_euler(axis, 0.1).as_quat())
    turn, fault = _odometry([yaw(0.0), turned]).turn(1.0, 1.1, SIZE)
    assert not fault
    np.testing.assert_allclose(projected(turn, MIDDLE), MIDDLE + shift, atol=1e-6)


def test_only_the_turn_since_the_image_before_counts():
    upright = Rotation.from_euler('z', 2.0)
    later = Rotation.from_euler('z', 2.1)
    turn, _ = _odometry([tuple(upright.as_quat()), tuple(later.as_quat())]).turn(1.0, 1.1, SIZE)
    np.testing.assert_allclose(projected(turn, MIDDLE)[0, 0], 320 + 500 * np.tan(0.1))


def test_a_camera_that_looks_to_the_left_sees_the_robot_pitch_as_a_lean():
    ahead = Rotation.from_quat(OdometryParams().camera_orientation)
    left = tuple(map(float, (Rotation.from_euler('z', 90, degrees=True) * ahead).as_quat()))
    params = OdometryParams(camera_orientation=left)
    pitched = tuple(Rotation.from_euler('y', 0.1).as_quat())
    turn, _ = _odometry([yaw(0.0), pitched], params).turn(1.0, 1.1, SIZE)
    np.testing.assert_allclose(projected(turn, MIDDLE), MIDDLE, atol=1e-6)
    assert np.hypot(*(projected(turn, np.array([[320.0, 0.0]])) - (320, 0)).T) > 20


@pytest.mark.parametrize(
    ('camera', 'before', 'size', 'reason'),
    [
        (None, 1.0, SIZE, 'no camera info'),
        (CAMERA, 0.5, SIZE, 'before the odometry that is kept'),
        (CAMERA, 1.0, (640, 360), 'camera info of another image'),
    ],
    ids=['camera', 'time', 'size'],
)
def test_what_is_missing_is_said(camera, before, size, reason):
    odometry = _odometry([yaw(0.0), yaw(0.1)], camera=camera)
    assert odometry.turn(before, 1.1, size) == (None, reason)


def test_why_the_camera_is_not_known_is_said():
    odometry = _odometry([yaw(0.0), yaw(0.1)])
    odometry.set_camera(None, 'camera not calibrated')
    assert odometry.turn(1.0, 1.1, SIZE) == (None, 'camera not calibrated')


@pytest.mark.parametrize(
    'orientation', [(0.0,) * 4, (0.0, 0.0, 1.0), (1.0, 1.0, 0.0, 0.0), (float('nan'),) * 4]
)
def test_a_mounting_that_is_no_orientation_is_refused(orientation):
    with pytest.raises(ValueError, match='expected a unit quaternion'):
        OdometryParams(camera_orientation=orientation)


def test_a_length_a_little_off_is_no_turn() -> None:
    buffer = OrientationBuffer()
    quaternion = (0.383, 0.0, 0.0, 0.92)  # of length 0.9965
    assert [buffer.add(1 + 0.005 * i, quaternion) for i in range(5)] == [''] * 5
    orientation, fault = buffer.at(1.01)
    assert not fault and np.linalg.norm(orientation) == pytest.approx(1)
