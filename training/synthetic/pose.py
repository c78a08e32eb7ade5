"""Joint angles of a person who walks or stands, with the arms busy or not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class LimbAngles:
    """Angles of an arm or a leg that hangs straight down at zero, radians."""

    flexion: float = 0.0  # swings forward
    abduction: float = 0.08  # away from the body
    rotation: float = 0.0  # about its own axis, towards the middle of the body
    bend: float = 0.1  # elbow or knee
    end: float = 0.0  # foot pointing down (legs only)


@dataclass(frozen=True)
class Pose:
    """Joint angles of a whole person, radians."""

    right_arm: LimbAngles = field(default_factory=LimbAngles)
    left_arm: LimbAngles = field(default_factory=LimbAngles)
    right_leg: LimbAngles = field(default_factory=LimbAngles)
    left_leg: LimbAngles = field(default_factory=LimbAngles)
    lean: float = 0.0  # pelvis forward
    tilt: float = 0.0  # pelvis to the left
    spine_bend: float = 0.0  # chest forward of the pelvis
    spine_twist: float = 0.0  # chest turned to the left
    spine_side: float = 0.0  # chest bent to the left
    neck_bend: float = 0.0
    neck_turn: float = 0.0  # to the left
    lift: float = 0.0  # height of the lowest foot above the ground, metres
    action: str = 'stand'


def _bump(phase: float, center: float, width: float) -> float:
    distance = (phase - center + 0.5) % 1.0 - 0.5
    return float(np.exp(-0.5 * (distance / width) ** 2))


def _walking_leg(phase: float, amplitude: float) -> LimbAngles:
    """Angles of a leg; phase 0 is heel strike, stance lasts to 0.6 (normal gait curves)."""
    flexion = 0.13 + 0.40 * amplitude * np.cos(2 * np.pi * phase)
    bend = 0.06 + 0.26 * amplitude * _bump(phase, 0.14, 0.06)
    bend += 1.0 * (0.25 + 0.75 * amplitude) * _bump(phase, 0.73, 0.095)
    foot = 0.30 * amplitude * _bump(phase, 0.63, 0.07) - 0.12 * _bump(phase, 0.95, 0.08)
    return LimbAngles(float(flexion), 0.03, -0.08, float(bend), float(foot))


def walking_pose(phase: float, amplitude: float = 1.0, arm_swing: float = 1.0) -> Pose:
    """
    Pose within the gait cycle.

    :param phase: 0 and 1 are heel strikes of the right foot.
    :param amplitude: 1 = an ordinary stride, 0 = marking time.
    :param arm_swing: relative to an ordinary one.
    """
    swing = 0.42 * amplitude * arm_swing * np.cos(2 * np.pi * phase)
    return Pose(
        right_leg=_walking_leg(phase, amplitude),
        left_leg=_walking_leg(phase + 0.5, amplitude),
        right_arm=LimbAngles(float(0.05 - swing), 0.11, 0.15, float(0.28 - 0.5 * min(swing, 0))),
        left_arm=LimbAngles(float(0.05 + swing), 0.11, 0.15, float(0.28 + 0.5 * max(swing, 0))),
        spine_twist=float(0.10 * amplitude * np.cos(2 * np.pi * phase)),
        lean=0.02 + 0.03 * amplitude,
        tilt=float(0.035 * np.sin(2 * np.pi * phase)),
        action='walk',
    )


def stride_length(leg_length: float, amplitude: float) -> float:
    """
    Way walked in one gait cycle so that the standing foot does not slide, metres.

    :param leg_length: hip to sole, metres.
    :param amplitude: see :func:`walking_pose`.
    """
    return 4.0 * leg_length * float(np.sin(0.40 * amplitude)) * 0.95


def standing_pose(rng: np.random.Generator) -> Pose:
    """Stand about, with the weight on either leg and the arms hanging."""
    shift = rng.normal(0, 0.05)
    return Pose(
        right_leg=LimbAngles(
            rng.normal(0, 0.08), abs(rng.normal(0.05, 0.05)) - shift, -0.2, rng.uniform(0.02, 0.2)
        ),
        left_leg=LimbAngles(
            rng.normal(0, 0.08), abs(rng.normal(0.05, 0.05)) + shift, -0.2, rng.uniform(0.02, 0.2)
        ),
        right_arm=_hanging_arm(rng),
        left_arm=_hanging_arm(rng),
        tilt=shift,
        spine_bend=rng.normal(0.03, 0.05),
        spine_twist=rng.normal(0, 0.12),
        spine_side=rng.normal(0, 0.04),
        neck_bend=rng.normal(0.08, 0.15),
        neck_turn=rng.normal(0, 0.35),
    )


def _hanging_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(
        rng.normal(0.0, 0.15),
        abs(rng.normal(0.12, 0.06)),
        rng.normal(0.2, 0.2),
        rng.uniform(0.05, 0.6),
    )


def _phone_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(rng.uniform(0.5, 0.9), rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.4), 2.35)


def _reading_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(rng.uniform(0.1, 0.5), 0.1, rng.uniform(0.4, 0.9), rng.uniform(1.3, 1.9))


def _pocket_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(
        rng.uniform(-0.35, -0.1), rng.uniform(0.2, 0.35), 0.7, rng.uniform(0.6, 0.95)
    )


def _crossed_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(rng.uniform(0.35, 0.5), 0.02, rng.uniform(1.0, 1.2), rng.uniform(1.55, 1.8))


def _raised_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(
        rng.uniform(0.9, 2.5), rng.uniform(0.0, 0.9), rng.uniform(-0.5, 0.5), rng.uniform(0, 1.2)
    )


def _akimbo_arm(rng: np.random.Generator) -> LimbAngles:
    return LimbAngles(-0.35, rng.uniform(0.6, 0.8), rng.uniform(1.2, 1.5), rng.uniform(1.4, 1.7))


_GESTURES: tuple[Callable[[np.random.Generator], LimbAngles], ...] = (
    _phone_arm,
    _reading_arm,
    _pocket_arm,
    _raised_arm,
    _akimbo_arm,
)


def with_gesture(rng: np.random.Generator, pose: Pose) -> Pose:
    """Give one or both arms something to do."""
    if rng.random() < 0.15:
        return replace(pose, right_arm=_crossed_arm(rng), left_arm=_crossed_arm(rng))
    gesture = _GESTURES[rng.integers(len(_GESTURES))]
    sides = rng.random()
    if sides < 0.7:
        pose = replace(pose, right_arm=gesture(rng))
    if sides > 0.4:
        pose = replace(pose, left_arm=gesture(rng))
    return pose


def mirrored(pose: Pose) -> Pose:
    """Exchange left and right."""
    return replace(
        pose,
        right_arm=pose.left_arm,
        left_arm=pose.right_arm,
        right_leg=pose.left_leg,
        left_leg=pose.right_leg,
        tilt=-pose.tilt,
        spine_twist=-pose.spine_twist,
        spine_side=-pose.spine_side,
        neck_turn=-pose.neck_turn,
    )
