"""
How the camera turned from one image to the next, from the orientation that odometry tells.

The turn alone moves the image by the same amount whatever the distance of what it shows (see
``camera_geometry``). What the camera's travel does to the image depends on distances that one
camera does not know: it is left to the image estimate of ``camera_motion``.
"""

import math
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from person_mtl_ros.camera_geometry import FloatArray, PinholeCamera, turn_homography
from person_mtl_ros.parameters import check_parameters, parameter

NORM_TOLERANCE = 0.01  # of a quaternion's length
MAX_SAMPLES = 2000  # 5 s at 400 Hz: images wait shorter for their detections
MAX_GAP_SEC = 0.25  # between two samples: a robot may begin and end a turn meanwhile
MAX_EXTRAPOLATION_SEC = 0.1  # a robot that begins to turn with 3 rad/s^2 is then a degree ahead
SMALL_ANGLE = 1e-4  # below it the sines of slerp are their angles
# A turn from sample to sample beyond this is no turn: odometry was reset or corrected.
TIME_JUMPS, ORIENTATION_JUMPS = RESTARTS = ('time jumps back', 'orientation jumps')
MAX_STEP_RAD, MAX_SPEED_RAD = 0.1, 15.0  # radians, radians per second on top


@dataclass(frozen=True)
class OdometryParams:
    """Parameters of the camera's turn from odometry."""

    use_odometry: bool = parameter(
        False,
        'take the turn of the camera from odometry too, for fast turns and images with little '
        'texture; needs the topics odometry and camera_info',
        read_only=True,
    )
    camera_orientation: tuple[float, ...] = parameter(
        (-0.5, 0.5, -0.5, 0.5),
        'quaternion x, y, z, w of the optical frame in the child frame of the odometry, as '
        'tf2_echo CHILD OPTICAL prints it; the default looks straight ahead',
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        fault = quaternion_fault(self.camera_orientation)
        if fault:
            raise ValueError(
                f'camera_orientation is {list(self.camera_orientation)}: {fault}; expected a '
                f'unit quaternion x, y, z, w, such as [-0.5, 0.5, -0.5, 0.5]'
            )


def quaternion_fault(quaternion: Sequence[float]) -> str:
    """Why a quaternion x, y, z, w is no orientation; empty if it is one."""
    if len(quaternion) != 4:
        return 'not 4 numbers'
    if not all(map(math.isfinite, quaternion)):
        return 'orientation not finite'
    if abs(math.hypot(*quaternion) - 1.0) > NORM_TOLERANCE:
        return 'orientation not of unit length'
    return ''


class OrientationBuffer:
    """
    The latest stamped orientations, and what lies between them.

    :param time_jump: a stamp this much older than the newest means that time starts again, s.
    """

    def __init__(self, time_jump: float = 1.0) -> None:
        self._time_jump = time_jump
        self._stamps: deque[float] = deque(maxlen=MAX_SAMPLES)  # seconds, increasing
        self._quaternions: deque[Sequence[float]] = deque(maxlen=MAX_SAMPLES)

    def add(self, stamp_sec: float, quaternion_xyzw: Sequence[float]) -> str:
        """
        Take an orientation.

        :param quaternion_xyzw: of the moving frame in one that stands still.
        :returns: why it is refused, or why all before it are forgotten; empty if all is well.
        """
        fault = quaternion_fault(quaternion_xyzw)
        if fault:
            return fault
        if stamp_sec <= 0:
            return 'zero stamp'
        length = math.hypot(*quaternion_xyzw)
        quaternion_xyzw = [value / length for value in quaternion_xyzw]
        if self._stamps:
            passed = stamp_sec - self._stamps[-1]
            if -self._time_jump < passed <= 0:
                return 'late or repeated'
            turned = angle_between(self._quaternions[-1], quaternion_xyzw)
            if passed <= 0:
                fault = TIME_JUMPS
            elif turned > MAX_STEP_RAD + MAX_SPEED_RAD * passed:
                fault = ORIENTATION_JUMPS
            if fault:
                self._stamps.clear()
                self._quaternions.clear()
        self._stamps.append(stamp_sec)
        self._quaternions.append(quaternion_xyzw)
        return fault

    def at(self, stamp_sec: float) -> tuple[Sequence[float] | None, str]:
        """
        Orientation at a time, interpolated between two samples.

        A little after the newest sample, the turn goes on as it went for as long before it.

        :returns: the quaternion x, y, z, w, or None and why it is not known.
        """
        if not self._stamps:
            return None, 'no odometry'
        ahead = stamp_sec - self._stamps[-1]
        if ahead <= 0:
            return self._between(stamp_sec)
        if ahead > MAX_EXTRAPOLATION_SEC:
            return None, 'odometry too old'
        before, fault = self._between(self._stamps[-1] - ahead)
        return before and slerp(before, self._quaternions[-1], 2.0), fault

    def _between(self, stamp_sec: float) -> tuple[Sequence[float] | None, str]:
        """Orientation at a time that is not after the newest sample."""
        after = bisect_left(self._stamps, stamp_sec)
        end = self._stamps[after]
        if end == stamp_sec:
            return self._quaternions[after], ''
        if after == 0:
            return None, 'before the odometry that is kept'
        begin = self._stamps[after - 1]
        if end - begin > MAX_GAP_SEC:
            return None, 'gap in the odometry'
        share = (stamp_sec - begin) / (end - begin)
        return slerp(self._quaternions[after - 1], self._quaternions[after], share), ''


def slerp(first: Sequence[float], second: Sequence[float], share: float) -> Sequence[float]:
    """
    Spherical linear interpolation (Shoemake 1985) the shorter way round.

    In place of that of scipy, which does not extrapolate and takes sixty times as long.

    :param first: quaternion, share 0.
    :param second: quaternion, share 1.
    :param share: above 1 the turn goes on.
    """
    cosine = sum(a * b for a, b in zip(first, second, strict=True))
    angle = math.acos(min(1.0, abs(cosine)))
    if angle < SMALL_ANGLE:
        weights = 1.0 - share, share
    else:
        weights = math.sin((1.0 - share) * angle), math.sin(share * angle)
    sign = math.copysign(1.0, cosine)
    mixed = [weights[0] * a + sign * weights[1] * b for a, b in zip(first, second, strict=True)]
    length = math.hypot(*mixed)
    return [value / length for value in mixed]


def angle_between(first: Sequence[float], second: Sequence[float]) -> float:
    """Radians of the turn from one orientation to another."""
    cosine = abs(sum(a * b for a, b in zip(first, second, strict=True)))
    return 2 * math.acos(min(1.0, cosine))


class CameraOdometry:
    """
    Turns of the camera, from odometry and the camera's parameters. Thread safe.

    :param params: how the camera is mounted.
    :param time_jump: see :class:`OrientationBuffer`.
    """

    def __init__(self, params: OdometryParams | None = None, time_jump: float = 1.0) -> None:
        params = params or OdometryParams()
        self._mounting = Rotation.from_quat(params.camera_orientation)
        self._orientations = OrientationBuffer(time_jump)
        self._camera: PinholeCamera | None = None
        self._camera_fault = 'no camera info'
        self._lock = threading.Lock()

    def add(self, stamp_sec: float, quaternion_xyzw: Sequence[float]) -> str:
        """Take the orientation of the robot; see :meth:`OrientationBuffer.add`."""
        with self._lock:
            return self._orientations.add(stamp_sec, quaternion_xyzw)

    def set_camera(self, camera: PinholeCamera | None, fault: str = '') -> None:
        """Take the camera's parameters, or the reason why they are not known."""
        with self._lock:
            self._camera, self._camera_fault = camera, fault

    def turn(
        self, before_sec: float, after_sec: float, size: tuple[int, int]
    ) -> tuple[FloatArray | None, str]:
        """
        Move points at any distance as the turn of the camera between two images does.

        :param before_sec: stamp of the first image.
        :param after_sec: stamp of the second.
        :param size: width and height of both, pixels.
        :returns: (3, 3) homography, pixels of the first -> pixels of the second; or None and
            why it is not known.
        """
        with self._lock:
            camera, fault = self._camera, self._camera_fault
            before, fault_before = self._orientations.at(before_sec)
            after, fault_after = self._orientations.at(after_sec)
        if camera is None:
            return None, fault
        if before is None or after is None:
            return None, fault_after or fault_before
        matrix = camera.matrix(size)
        if matrix is None:
            return None, 'camera info of another image'
        turned = Rotation.from_quat(after).inv() * Rotation.from_quat(before)
        rotation = self._mounting.inv() * turned * self._mounting
        return turn_homography(matrix, np.asarray(rotation.as_matrix())), ''
