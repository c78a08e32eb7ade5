"""What people do: each action draws a pose."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from training.synthetic.pose import (
    LimbAngles,
    Pose,
    mirrored,
    standing_pose,
    walking_pose,
    with_gesture,
)


def _walk(rng: np.random.Generator) -> Pose:
    return walking_pose(rng.random(), rng.uniform(0.5, 1.25), rng.uniform(0.3, 1.5))


def _run(rng: np.random.Generator) -> Pose:
    phase = rng.random()
    pose = walking_pose(phase, rng.uniform(1.4, 1.9), 1.4)
    elbow = rng.uniform(1.2, 1.8)
    return replace(
        pose,
        right_leg=replace(pose.right_leg, bend=pose.right_leg.bend * 1.3 + 0.15),
        left_leg=replace(pose.left_leg, bend=pose.left_leg.bend * 1.3 + 0.15),
        right_arm=replace(pose.right_arm, bend=elbow, rotation=0.4),
        left_arm=replace(pose.left_arm, bend=elbow, rotation=0.4),
        lean=rng.uniform(0.08, 0.25),
        action='run',
    )


def _gesture_while_standing(rng: np.random.Generator) -> Pose:
    return with_gesture(rng, standing_pose(rng))


def _gesture_while_walking(rng: np.random.Generator) -> Pose:
    return with_gesture(rng, _walk(rng))


def _sit(rng: np.random.Generator) -> Pose:
    lean = rng.uniform(-0.2, 0.25)
    hip = 1.5 + rng.uniform(-0.1, 0.15) + lean
    knee = rng.uniform(1.2, 1.8)
    pose = Pose(
        right_leg=LimbAngles(hip, rng.uniform(0.02, 0.3), 0.0, knee),
        left_leg=LimbAngles(hip, rng.uniform(0.02, 0.3), 0.0, knee + rng.normal(0, 0.15)),
        right_arm=LimbAngles(
            rng.uniform(0.2, 0.7), 0.1, rng.uniform(0, 0.6), rng.uniform(0.6, 1.4)
        ),
        left_arm=LimbAngles(
            rng.uniform(0.2, 0.7), 0.1, rng.uniform(0, 0.6), rng.uniform(0.6, 1.4)
        ),
        lean=lean,
        spine_bend=rng.uniform(0, 0.35),
        neck_bend=rng.normal(0, 0.15),
        neck_turn=rng.normal(0, 0.3),
        action='sit',
    )
    return with_gesture(rng, pose) if rng.random() < 0.3 else pose


def _crouch(rng: np.random.Generator) -> Pose:
    knee = rng.uniform(1.2, 2.3)
    hip = knee * rng.uniform(0.75, 0.95)
    lean = rng.uniform(0.2, 0.5)
    return Pose(
        right_leg=LimbAngles(hip + lean, rng.uniform(0.1, 0.35), -0.2, knee, 0.0),
        left_leg=LimbAngles(
            hip + lean, rng.uniform(0.1, 0.35), -0.2, knee + rng.normal(0, 0.1), 0.0
        ),
        right_arm=LimbAngles(
            rng.uniform(0.3, 1.2), 0.15, rng.uniform(0, 0.5), rng.uniform(0.3, 1.3)
        ),
        left_arm=LimbAngles(
            rng.uniform(0.3, 1.2), 0.15, rng.uniform(0, 0.5), rng.uniform(0.3, 1.3)
        ),
        lean=lean,
        spine_bend=rng.uniform(0.1, 0.5),
        neck_bend=rng.uniform(-0.4, 0.1),
        action='crouch',
    )


def _cycle(rng: np.random.Generator) -> Pose:
    turn = rng.uniform(0, 2 * np.pi)
    lean = rng.uniform(0.1, 0.45)
    arm = LimbAngles(rng.uniform(0.75, 1.0) + lean * 0.6, 0.12, 0.2, rng.uniform(0.25, 0.8))

    def leg(angle: float) -> LimbAngles:
        return LimbAngles(
            1.05 + lean + 0.35 * np.sin(angle), 0.06, 0.0, 1.3 + 0.4 * np.cos(angle + 0.9)
        )

    return Pose(
        right_leg=leg(turn),
        left_leg=leg(turn + np.pi),
        right_arm=arm,
        left_arm=arm,
        lean=lean,
        spine_bend=rng.uniform(0.1, 0.3),
        neck_bend=-0.8 * lean,
        neck_turn=rng.normal(0, 0.2),
        lift=0.1,
        action='cycle',
    )


def _sport(rng: np.random.Generator) -> Pose:
    """Any angles a body allows, as in sports."""

    def arm() -> LimbAngles:
        return LimbAngles(
            rng.uniform(-0.8, 2.8),
            rng.uniform(-0.1, 1.5),
            rng.uniform(-0.8, 1.2),
            rng.uniform(0, 2.4),
        )

    def leg() -> LimbAngles:
        flexion = rng.uniform(-0.4, 1.4)
        return LimbAngles(
            flexion,
            rng.uniform(-0.05, 0.7),
            rng.uniform(-0.5, 0.3),
            rng.uniform(max(0.0, 0.8 * flexion - 0.4), 1.8),
            rng.uniform(-0.3, 0.6),
        )

    return Pose(
        right_arm=arm(),
        left_arm=arm(),
        right_leg=leg(),
        left_leg=leg(),
        lean=rng.normal(0.15, 0.3),
        tilt=rng.normal(0, 0.12),
        spine_bend=rng.normal(0.15, 0.25),
        spine_twist=rng.normal(0, 0.35),
        spine_side=rng.normal(0, 0.15),
        neck_bend=rng.normal(0, 0.25),
        neck_turn=rng.normal(0, 0.5),
        lift=float(max(0.0, rng.normal(0, 0.12))),
        action='sport',
    )


def _jump(rng: np.random.Generator) -> Pose:
    """Take off, fly or land."""
    bend = rng.uniform(0.1, 1.7)
    arms = LimbAngles(rng.uniform(-0.6, 3.0), rng.uniform(0.1, 0.9), 0.0, rng.uniform(0.1, 1.2))

    def leg() -> LimbAngles:
        knee = max(0.02, bend + rng.normal(0, 0.35))
        flexion = 0.55 * knee + rng.normal(0, 0.25)
        return LimbAngles(flexion, rng.uniform(0.0, 0.5), -0.1, knee, rng.uniform(0.1, 0.8))

    return Pose(
        right_arm=_varied(rng, arms, 0.3),
        left_arm=_varied(rng, arms, 0.3),
        right_leg=leg(),
        left_leg=leg(),
        lean=rng.normal(0.15, 0.2),
        spine_bend=rng.normal(0.1, 0.2),
        spine_twist=rng.normal(0, 0.25),
        neck_bend=rng.normal(-0.1, 0.2),
        neck_turn=rng.normal(0, 0.3),
        lift=rng.uniform(0.05, 0.5),
        action='jump',
    )


def _varied(rng: np.random.Generator, limb: LimbAngles, spread: float) -> LimbAngles:
    """Move one limb a little from the position of its twin."""
    return replace(
        limb,
        flexion=limb.flexion + rng.normal(0, spread),
        abduction=max(0.0, limb.abduction + rng.normal(0, spread)),
        bend=max(0.02, limb.bend + rng.normal(0, spread)),
    )


def _reach(rng: np.random.Generator) -> Pose:
    """Stretch one arm or both for something high, far or at the side."""
    far = LimbAngles(rng.uniform(1.0, 3.0), rng.uniform(0.0, 0.8), 0.0, rng.uniform(0.0, 0.5))
    pose = replace(standing_pose(rng), right_arm=far, spine_side=rng.normal(0, 0.2))
    if rng.random() < 0.5:
        pose = replace(pose, left_arm=_varied(rng, far, 0.3))
    lunge = rng.uniform(0, 1.0)
    return replace(
        pose,
        right_leg=LimbAngles(lunge, 0.15, -0.1, 1.2 * lunge),
        left_leg=LimbAngles(-0.4 * lunge, 0.2, -0.2, 0.4 * lunge, 0.3 * lunge),
        lean=rng.normal(0.1, 0.15),
        spine_twist=rng.normal(0, 0.3),
        action='reach',
    )


def _bend_down(rng: np.random.Generator) -> Pose:
    """Pick something up, tie a shoe, stretch."""
    lean, knee = rng.uniform(0.4, 1.3), rng.uniform(0.0, 0.9)
    arm = LimbAngles(lean + rng.uniform(0.0, 0.9), 0.1, 0.2, rng.uniform(0.0, 0.8))
    leg = LimbAngles(0.5 * knee + 0.1, rng.uniform(0.05, 0.4), -0.2, knee)
    return Pose(
        right_arm=_varied(rng, arm, 0.2),
        left_arm=_varied(rng, arm, 0.2),
        right_leg=_varied(rng, leg, 0.12),
        left_leg=_varied(rng, leg, 0.12),
        lean=lean,
        spine_bend=rng.uniform(0.1, 0.7),
        spine_twist=rng.normal(0, 0.2),
        neck_bend=rng.uniform(-0.6, 0.2),
        neck_turn=rng.normal(0, 0.3),
        action='bend',
    )


def _swing(rng: np.random.Generator) -> Pose:
    """Throw, hit or serve: a lunge, the trunk turned, one arm drawn back or swung through."""
    turn = rng.choice((-1.0, 1.0)) * rng.uniform(0.2, 0.8)
    arm = LimbAngles(
        rng.uniform(-0.9, 2.6), rng.uniform(0.3, 1.6), rng.normal(0, 0.5), rng.uniform(0.1, 1.9)
    )
    lunge = rng.uniform(0.2, 1.1)
    return Pose(
        right_arm=arm,
        left_arm=_varied(rng, replace(arm, flexion=rng.uniform(-0.3, 1.8)), 0.4),
        right_leg=LimbAngles(lunge, rng.uniform(0.05, 0.35), -0.1, rng.uniform(0.4, 1.3) * lunge),
        left_leg=LimbAngles(-0.5 * lunge, 0.2, -0.4, rng.uniform(0.1, 0.8), 0.4 * lunge),
        lean=rng.uniform(0.0, 0.4),
        spine_twist=turn,
        spine_side=rng.normal(0, 0.2),
        neck_turn=-0.7 * turn,
        neck_bend=rng.normal(0, 0.2),
        lift=float(max(0.0, rng.normal(0, 0.08))),
        action='swing',
    )


def _kick(rng: np.random.Generator) -> Pose:
    """Stand on one leg and swing the other."""
    swing = rng.uniform(-0.8, 1.6)
    arm = LimbAngles(rng.normal(0, 0.5), rng.uniform(0.3, 1.3), 0.0, rng.uniform(0.1, 1.0))
    return Pose(
        right_arm=_varied(rng, arm, 0.3),
        left_arm=_varied(rng, arm, 0.3),
        right_leg=LimbAngles(
            swing, rng.uniform(0, 0.6), -0.3, rng.uniform(0.0, 1.5) if swing < 0.5 else 0.3, 0.5
        ),
        left_leg=LimbAngles(rng.uniform(0.0, 0.3), 0.05, 0.0, rng.uniform(0.05, 0.6)),
        lean=-0.2 * swing + rng.normal(0.1, 0.15),
        spine_twist=rng.normal(0, 0.25),
        spine_bend=rng.uniform(0, 0.3),
        neck_bend=rng.uniform(0, 0.5),
        action='kick',
    )


def _pose_for_a_picture(rng: np.random.Generator) -> Pose:
    """Stand on one leg with the other set aside, forward or crossed over."""
    free = LimbAngles(
        rng.uniform(-0.15, 0.4),
        rng.uniform(-0.15, 0.3),
        rng.uniform(-0.7, 0.1),
        rng.uniform(0, 0.7),
    )
    pose = standing_pose(rng)
    side = rng.uniform(-0.12, 0.12)
    pose = replace(
        pose,
        right_leg=free,
        tilt=side,
        spine_side=-1.2 * side,
        spine_twist=rng.normal(0, 0.25),
        neck_turn=rng.normal(0, 0.4),
        action='picture',
    )
    return with_gesture(rng, pose) if rng.random() < 0.75 else pose


_ACTIONS: Mapping[str, Callable[[np.random.Generator], Pose]] = {
    'walk': _walk,
    'walk with gesture': _gesture_while_walking,
    'stand': standing_pose,
    'stand with gesture': _gesture_while_standing,
    'run': _run,
    'sit': _sit,
    'crouch': _crouch,
    'cycle': _cycle,
    'sport': _sport,
    'jump': _jump,
    'reach': _reach,
    'bend': _bend_down,
    'swing': _swing,
    'kick': _kick,
    'picture': _pose_for_a_picture,
}


def sample_pose(rng: np.random.Generator, shares: Mapping[str, float]) -> Pose:
    """
    Draw something to do and a moment of it.

    :param rng: source of randomness.
    :param shares: how often each action is done, relative to the others.
    """
    weights = np.array(list(shares.values()))
    name = list(shares)[rng.choice(len(weights), p=weights / weights.sum())]
    pose = _ACTIONS[name](rng)
    return mirrored(pose) if rng.random() < 0.5 else pose
