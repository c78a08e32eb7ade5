"""Bone lengths of a body and where its joints are in a pose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.pose import LimbAngles, Pose
from training.synthetic.rotation import rotation_x, rotation_y, rotation_z

FloatArray = NDArray[np.float64]

_DOWN = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class BodyShape:
    """Proportions of a body; widths are relative to an average adult of the same height."""

    height: float = 1.72  # metres
    childhood: float = 0.0  # 0 adult .. 1 small child: larger head, shorter legs
    shoulder_width: float = 1.0
    hip_width: float = 1.0
    waist_width: float = 1.0
    girth: float = 1.0  # of limbs and trunk
    bust: float = 0.0  # 0 flat .. 1
    belly: float = 0.0  # 0 flat .. 1
    stoop: float = 0.0  # bent back of the old, radians

    @property
    def head_height(self) -> float:
        """Chin to crown, metres."""
        return self.height * (0.132 + 0.053 * self.childhood)

    @property
    def thigh(self) -> float:
        """Hip to knee, metres."""
        return self.height * (0.238 - 0.035 * self.childhood)

    @property
    def shank(self) -> float:
        """Knee to ankle, metres."""
        return self.height * (0.240 - 0.035 * self.childhood)

    @property
    def ankle_height(self) -> float:
        """Ankle to sole, metres."""
        return self.height * 0.042

    @property
    def trunk(self) -> float:
        """Hip level to thorax, metres."""
        return self.height * 0.300

    @property
    def upper_arm(self) -> float:
        """Shoulder to elbow, metres."""
        return self.height * (0.168 - 0.015 * self.childhood)

    @property
    def forearm(self) -> float:
        """Elbow to wrist, metres."""
        return self.height * (0.145 - 0.012 * self.childhood)

    @property
    def leg(self) -> float:
        """Hip to sole, metres."""
        return self.thigh + self.shank + self.ankle_height


@dataclass(frozen=True)
class Limb:
    """Joints of an arm or a leg and the axes it bends about."""

    root: FloatArray  # (3,) shoulder or hip
    middle: FloatArray  # (3,) elbow or knee
    end: FloatArray  # (3,) wrist or ankle
    hinge: FloatArray  # (3,) unit axis towards the left about which elbow or knee bends
    end_frame: FloatArray  # (3, 3) columns: forward, left, up of the hand or foot


@dataclass(frozen=True)
class Skeleton:
    """A posed body in metres: x forward, y left, z up, lowest foot on z = 0."""

    shape: BodyShape
    pelvis: FloatArray  # (3,) middle of the hips
    waist: FloatArray
    thorax: FloatArray  # between the shoulders
    upper_neck: FloatArray
    head_top: FloatArray
    pelvis_frame: FloatArray  # (3, 3) columns: forward, left, up
    chest_frame: FloatArray
    head_frame: FloatArray
    right_arm: Limb
    left_arm: Limb
    right_leg: Limb
    left_leg: Limb

    def mpii_joints(self) -> FloatArray:
        """Joints in the order of ``MPII_KEYPOINTS``: (16, 3) metres."""
        right_leg, left_leg, right_arm, left_arm = (
            self.right_leg,
            self.left_leg,
            self.right_arm,
            self.left_arm,
        )
        return np.stack(
            [
                right_leg.end,
                right_leg.middle,
                right_leg.root,
                left_leg.root,
                left_leg.middle,
                left_leg.end,
                self.pelvis,
                self.thorax,
                self.upper_neck,
                self.head_top,
                right_arm.end,
                right_arm.middle,
                right_arm.root,
                left_arm.root,
                left_arm.middle,
                left_arm.end,
            ]
        )


def _limb(
    root: FloatArray,
    parent: FloatArray,
    angles: LimbAngles,
    lengths: tuple[float, float],
    side: float,
    bend_sign: float,
) -> Limb:
    """
    Place a limb.

    :param side: +1 left, -1 right.
    :param bend_sign: +1 for knees, which fold backwards, -1 for elbows.
    """
    upper = (
        parent
        @ rotation_x(side * angles.abduction)
        @ rotation_y(-angles.flexion)
        @ rotation_z(-side * angles.rotation)
    )
    lower = upper @ rotation_y(bend_sign * angles.bend)
    middle = root + upper @ _DOWN * lengths[0]
    end = middle + lower @ _DOWN * lengths[1]
    return Limb(root, middle, end, upper[:, 1], lower @ rotation_y(angles.end))


def posed_skeleton(shape: BodyShape, pose: Pose) -> Skeleton:
    """
    Compute where the joints are (forward kinematics).

    :param shape: lengths of the bones.
    :param pose: joint angles.
    :returns: the skeleton, lowest foot on z = 0 unless lifted, pelvis at x = y = 0.
    """
    pelvis_frame = rotation_x(-pose.tilt) @ rotation_y(pose.lean)
    bend = pose.spine_bend + shape.stoop
    spine = rotation_z(pose.spine_twist) @ rotation_x(-pose.spine_side) @ rotation_y(bend)
    chest_frame = pelvis_frame @ spine
    neck = rotation_z(pose.neck_turn) @ rotation_y(pose.neck_bend - 0.5 * shape.stoop)
    head_frame = chest_frame @ neck

    height = shape.height
    pelvis = np.zeros(3)
    waist = pelvis + pelvis_frame @ np.array([0.0, 0.0, 0.42 * shape.trunk])
    thorax = waist + chest_frame @ np.array([0.0, 0.0, 0.58 * shape.trunk])
    neck_frame = chest_frame @ rotation_y(0.25 + 0.5 * pose.neck_bend)
    upper_neck = thorax + neck_frame @ np.array([0.0, 0.0, 0.047 * height])
    head_top = upper_neck + head_frame @ np.array([0.0, 0.0, 0.97 * shape.head_height])

    half_hip = 0.052 * height * shape.hip_width
    half_shoulder = 0.104 * height * shape.shoulder_width
    arm_lengths = (shape.upper_arm, shape.forearm)
    leg_lengths = (shape.thigh, shape.shank)

    def arm(side: float, angles: LimbAngles) -> Limb:
        offset = np.array([-0.004 * height, side * half_shoulder, -0.026 * height])
        return _limb(thorax + chest_frame @ offset, chest_frame, angles, arm_lengths, side, -1.0)

    def leg(side: float, angles: LimbAngles) -> Limb:
        root = pelvis + pelvis_frame @ np.array([0.0, side * half_hip, 0.0])
        # Legs follow the lean of the pelvis only through the hip angle: feet stay below people.
        parent = rotation_x(-pose.tilt)
        return _limb(root, parent, angles, leg_lengths, side, 1.0)

    skeleton = Skeleton(
        shape,
        pelvis,
        waist,
        thorax,
        upper_neck,
        head_top,
        pelvis_frame,
        chest_frame,
        head_frame,
        arm(-1.0, pose.right_arm),
        arm(1.0, pose.left_arm),
        leg(-1.0, pose.right_leg),
        leg(1.0, pose.left_leg),
    )
    return _on_ground(skeleton, pose.lift)


def _sole_height(limb: Limb, shape: BodyShape) -> float:
    heel = limb.end + limb.end_frame @ np.array([-0.03 * shape.height, 0, -shape.ankle_height])
    toe = limb.end + limb.end_frame @ np.array([0.10 * shape.height, 0, -shape.ankle_height])
    return float(min(heel[2], toe[2]))


def _on_ground(skeleton: Skeleton, height: float) -> Skeleton:
    shape = skeleton.shape
    lowest = min(
        _sole_height(skeleton.right_leg, shape),
        _sole_height(skeleton.left_leg, shape),
        float(skeleton.pelvis[2]) - 0.06 * shape.height,
    )
    lift = np.array([0.0, 0.0, height - lowest])

    def lifted(limb: Limb) -> Limb:
        return Limb(
            limb.root + lift, limb.middle + lift, limb.end + lift, limb.hinge, limb.end_frame
        )

    return Skeleton(
        shape,
        skeleton.pelvis + lift,
        skeleton.waist + lift,
        skeleton.thorax + lift,
        skeleton.upper_neck + lift,
        skeleton.head_top + lift,
        skeleton.pelvis_frame,
        skeleton.chest_frame,
        skeleton.head_frame,
        lifted(skeleton.right_arm),
        lifted(skeleton.left_arm),
        lifted(skeleton.right_leg),
        lifted(skeleton.left_leg),
    )
