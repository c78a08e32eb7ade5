"""People who walk, stop, talk, leave the picture and come back."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from training.synthetic.identity import Identity
from training.synthetic.pose import (
    LimbAngles,
    Pose,
    standing_pose,
    stride_length,
    walking_pose,
    with_gesture,
)

FloatArray = NDArray[np.float64]

_SMOOTHING_SEC = 0.3  # corners and starts take about this long
_GESTURE_SEC = 2.5  # until somebody who stands moves on to another posture


@dataclass(frozen=True)
class Stop:
    """A place on a route."""

    xy: tuple[float, float]  # metres
    pause: float = 0.0  # seconds spent there
    facing: tuple[float, float] | None = None  # place looked at meanwhile; None = straight on


@dataclass(frozen=True)
class Route:
    """Where a person goes."""

    stops: tuple[Stop, ...]
    speed: float  # metres per second

    def positions(self, times: FloatArray) -> FloatArray:
        """Places at the given times, seconds: (T, 2) metres, corners not yet rounded."""
        knots, points, now = [], [], 0.0
        for previous, stop in zip((self.stops[0], *self.stops), self.stops, strict=False):
            now += float(np.hypot(*np.subtract(stop.xy, previous.xy))) / self.speed
            knots += [now, now + stop.pause]
            points += [stop.xy, stop.xy]
            now += stop.pause
        columns = np.array(points)
        return np.stack([np.interp(times, knots, columns[:, k]) for k in range(2)], axis=1)

    def facing(self, times: FloatArray) -> NDArray[np.complex128]:
        """Directions looked at while pausing, as unit complex numbers; 0 where free."""
        positions = self.positions(times)
        result = np.zeros(len(times), complex)
        for stop in self.stops:
            if stop.facing is None:
                continue
            is_here = np.hypot(*(positions - stop.xy).T) < 0.15
            x, y = np.subtract(stop.facing, stop.xy)
            result[is_here] = (x + 1j * y) / max(abs(x + 1j * y), 1e-9)
        return result


def smooth_positions(route: Route, times: FloatArray) -> FloatArray:
    """
    Walk a route with rounded corners and gentle starts.

    :param route: to walk.
    :param times: (T,) seconds, evenly spaced.
    :returns: (T, 2) metres.
    """
    sigma = _SMOOTHING_SEC / float(times[1] - times[0])
    return gaussian_filter1d(route.positions(times), sigma, axis=0, mode='nearest')


def _blend_limb(a: LimbAngles, b: LimbAngles, share: float) -> LimbAngles:
    values = {
        field.name: (1 - share) * getattr(a, field.name) + share * getattr(b, field.name)
        for field in fields(LimbAngles)
    }
    return LimbAngles(**values)


def blend_poses(a: Pose, b: Pose, share: float) -> Pose:
    """Mix two poses: 0 gives ``a``, 1 gives ``b``."""
    values: dict[str, object] = {}
    for field in fields(Pose):
        first, second = getattr(a, field.name), getattr(b, field.name)
        if isinstance(first, LimbAngles):
            values[field.name] = _blend_limb(first, second, share)
        elif isinstance(first, str):
            values[field.name] = second if share > 0.5 else first
        else:
            values[field.name] = (1 - share) * first + share * second
    return replace(a, **values)  # type: ignore[arg-type]


class Walker:
    """One person over the time of a scene."""

    def __init__(
        self, identity: Identity, route: Route, times: FloatArray, rng: np.random.Generator
    ) -> None:
        self.identity = identity
        self.times = times
        step = float(times[1] - times[0])
        sigma = _SMOOTHING_SEC / step
        self.positions = smooth_positions(route, times)
        velocity = np.gradient(self.positions, step, axis=0)
        speed = np.hypot(*velocity.T)
        self.yaw = self._headings(velocity, speed, route.facing(times), sigma)

        leg = identity.shape.leg
        amplitude = np.clip(np.arcsin(np.clip(speed * 1.05 / (3.8 * leg), 0, 0.7)) / 0.4, 0.3, 1.5)
        strides = np.array([stride_length(leg, value) for value in amplitude])
        self._phase = rng.random() + np.cumsum(speed / strides) * step
        self._amplitude = amplitude
        self._arm_swing = rng.uniform(0.5, 1.3)
        self._walking = np.clip(speed / 0.6, 0, 1)
        count = int(times[-1] / _GESTURE_SEC) + 2
        self._postures = [
            with_gesture(rng, pose) if rng.random() < 0.6 else pose
            for pose in (standing_pose(rng) for _ in range(count))
        ]
        self._busy_arm = with_gesture(rng, walking_pose(0.0)) if rng.random() < 0.25 else None

    @staticmethod
    def _headings(
        velocity: FloatArray, speed: FloatArray, facing: NDArray[np.complex128], sigma: float
    ) -> FloatArray:
        direction = (velocity[:, 0] + 1j * velocity[:, 1]) / np.maximum(speed, 1e-9)
        is_moving = speed > 0.15
        if not is_moving.any():
            direction[:] = 1.0
        else:
            # Who stands keeps the direction of the last step, or of the first before any step.
            last = np.maximum.accumulate(np.where(is_moving, np.arange(len(speed)), -1))
            last[last < 0] = int(np.argmax(is_moving))
            direction = direction[last]
        is_facing = (np.abs(facing) > 0) & ~is_moving
        direction[is_facing] = facing[is_facing]
        smooth = gaussian_filter1d(direction.real, sigma) + 1j * gaussian_filter1d(
            direction.imag, sigma
        )
        return np.angle(smooth)

    def pose(self, index: int) -> Pose:
        """Pose at ``times[index]``."""
        walking = walking_pose(self._phase[index], self._amplitude[index], self._arm_swing)
        if self._busy_arm is not None:
            walking = replace(walking, right_arm=self._busy_arm.right_arm)
        place, share = divmod(float(self.times[index]) / _GESTURE_SEC, 1.0)
        share = float(np.clip((share - 0.6) / 0.4, 0, 1))
        first, second = self._postures[int(place)], self._postures[int(place) + 1]
        standing = blend_poses(first, second, share * share * (3 - 2 * share))
        return blend_poses(standing, walking, float(self._walking[index]))


def crossing_route(
    rng: np.random.Generator, seconds: float, half_view: float, near: float, far: float
) -> Route:
    """
    Draw a route that leaves the picture on one side, waits there and comes back, and so on.

    :param rng: source of randomness.
    :param seconds: how long to go on at least.
    :param half_view: half the width of the picture per metre of distance.
    :param near: nearest distance from the camera, metres along x.
    :param far: farthest distance.
    """
    speed = float(rng.uniform(1.1, 1.6))
    side = float(rng.choice((-1.0, 1.0)))
    depth = float(rng.uniform(near, far))
    start = (depth, float(side * rng.uniform(-1.2, 0.9) * half_view * depth))
    stops = [Stop(start)]
    seconds_left = seconds
    while seconds_left > 0:
        depth = float(np.clip(depth + rng.uniform(-3, 3), near, far))
        edge = side * (half_view * depth + 1.3)
        back = float(np.clip(depth + rng.uniform(-1.5, 1.5), near, far))
        if rng.random() < 0.3:
            middle = float(rng.uniform(-0.5, 0.5) * half_view * depth)
            stops.append(Stop((depth, middle), pause=float(rng.uniform(1.0, 3.0))))
        stops.append(Stop((depth, float(edge))))
        stops.append(Stop((back, float(edge + 0.4 * side)), pause=float(rng.uniform(0.5, 2.5))))
        seconds_left -= 2 * half_view * depth / speed
        side, depth = -side, back
    return Route(tuple(stops), speed)


def talking_routes(
    rng: np.random.Generator, meeting_xy: tuple[float, float], half_view: float
) -> tuple[Route, Route]:
    """
    Draw the routes of two people who meet, talk and part.

    :param rng: source of randomness.
    :param meeting_xy: where they meet, metres.
    :param half_view: half the width of the picture per metre of distance.
    """
    pause = float(rng.uniform(5, 9))
    turn = rng.uniform(-0.5, 0.5) + np.pi / 2
    offset = 0.5 * np.array([np.cos(turn), np.sin(turn)])
    routes = []
    for sign in (-1.0, 1.0):
        place = np.array(meeting_xy) + sign * offset
        other = np.array(meeting_xy) - sign * offset
        depth = meeting_xy[0] + rng.uniform(-1.5, 2.5)
        start = (float(depth), float(place[1] + sign * rng.uniform(1.0, 5.0)))
        leave = meeting_xy[0] + rng.uniform(-1.0, 3.0)
        stops = (
            Stop(start),
            Stop((float(place[0]), float(place[1])), pause, (float(other[0]), float(other[1]))),
            Stop((float(leave), float(sign * (half_view * leave + 2.0)))),
        )
        routes.append(Route(stops, float(rng.uniform(1.0, 1.4))))
    return routes[0], routes[1]
