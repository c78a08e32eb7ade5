"""The surface of a posed body as tubes, on which clothes are laid."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.mesh import Tube
from training.synthetic.rotation import cross, normalized
from training.synthetic.skeleton import Limb, Skeleton

FloatArray = NDArray[np.float64]

# Half depth and half width of the trunk, as shares of the body height, by the share of the way
# from the hips (0) to the thorax (1) and on to the head.
_TRUNK = np.array(
    [
        # t, depth, width, forward shift
        (-0.20, 0.018, 0.030, 0.0),
        (-0.14, 0.050, 0.066, 0.0),
        (-0.04, 0.068, 0.092, -0.009),
        (0.10, 0.072, 0.100, -0.010),
        (0.25, 0.061, 0.092, -0.002),
        (0.42, 0.055, 0.083, 0.004),
        (0.60, 0.060, 0.090, 0.004),
        (0.76, 0.067, 0.100, 0.004),
        (0.88, 0.064, 0.103, 0.0),
        (0.94, 0.057, 0.095, -0.004),
        (0.99, 0.047, 0.080, -0.006),
        (1.04, 0.040, 0.058, -0.006),
        (1.09, 0.034, 0.040, -0.003),
        (1.14, 0.0325, 0.033, -0.002),
        (1.25, 0.032, 0.032, 0.0),
        (1.40, 0.031, 0.031, 0.004),
    ]
)
# Radius of a limb and, for the leg, how far its middle lies before the bone: thigh muscles are in
# front, the calf is behind; shares of the body height, by the share of the length.
_ARM = np.array(
    [
        (-0.10, 0.027),
        (0.0, 0.0315),
        (0.10, 0.0325),
        (0.3, 0.030),
        (0.48, 0.0255),
        (0.54, 0.0245),
        (0.66, 0.0255),
        (0.85, 0.019),
        (1.0, 0.0155),
    ]
)
_LEG = np.array(
    [
        (-0.08, 0.050, 0.0),
        (0.0, 0.055, 0.0),
        (0.12, 0.054, 0.004),
        (0.3, 0.046, 0.005),
        (0.46, 0.035, 0.002),
        (0.54, 0.0315, -0.003),
        (0.66, 0.0345, -0.010),
        (0.75, 0.031, -0.009),
        (0.9, 0.0215, -0.003),
        (1.0, 0.0205, 0.0),
    ]
)
# Half depth, half width and forward shift of the head, shares of its height, chin to crown.
_HEAD = np.array(
    [
        (0.0, 0.08, 0.08, 0.20),
        (0.04, 0.22, 0.19, 0.14),
        (0.14, 0.32, 0.26, 0.09),
        (0.28, 0.38, 0.315, 0.05),
        (0.45, 0.415, 0.345, 0.02),
        (0.62, 0.425, 0.36, 0.0),
        (0.78, 0.40, 0.34, -0.02),
        (0.90, 0.31, 0.27, -0.03),
        (0.97, 0.18, 0.16, -0.03),
        (1.0, 0.02, 0.02, -0.03),
    ]
)


@njit(cache=True, error_model='numpy', fastmath=True)
def _bent_curve(
    root: FloatArray, middle: FloatArray, end: FloatArray, lengths: FloatArray, blend: float
) -> FloatArray:
    """Points at arc lengths along root-middle-end, the corner rounded by a quadratic Bezier."""
    first = middle - root
    second = end - middle
    length_1 = np.sqrt(np.sum(first * first))
    length_2 = np.sqrt(np.sum(second * second))
    first = first / length_1
    second = second / length_2
    points = np.empty((len(lengths), 3))
    for i in range(len(lengths)):
        s = lengths[i] - length_1
        if s < -blend:
            points[i] = middle + s * first
        elif s > blend:
            points[i] = middle + s * second
        else:
            t = (s + blend) / (2 * blend)
            a = middle - blend * first
            b = middle + blend * second
            points[i] = (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t * t * b
    return points


def _table(table: FloatArray, at: FloatArray, column: int) -> FloatArray:
    return np.interp(at, table[:, 0], table[:, column])


class BodySurface:
    """Tubes of a posed body; every method takes the places of the rings along the part."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.shape = skeleton.shape

    def trunk(self, at: FloatArray) -> Tube:
        """
        Trunk and neck.

        :param at: (R,) 0 at the hips, 1 at the shoulders, 1.4 inside the head.
        """
        skeleton, shape = self.skeleton, self.shape
        spine = _bent_curve(
            skeleton.pelvis, skeleton.waist, skeleton.thorax, at * shape.trunk, 0.25 * shape.trunk
        )
        above = at > 1.0
        neck = skeleton.upper_neck - skeleton.thorax
        spine[above] = skeleton.thorax + ((at[above] - 1.0) / 0.25)[:, None] * neck
        blend = np.clip((at - 0.1) / 0.75, 0, 1)[:, None]
        blend = blend * blend * (3 - 2 * blend)
        axis_x = normalized(
            (1 - blend) * skeleton.pelvis_frame[:, 0] + blend * skeleton.chest_frame[:, 0]
        )
        axis_y = normalized(
            (1 - blend) * skeleton.pelvis_frame[:, 1] + blend * skeleton.chest_frame[:, 1]
        )
        girth = 0.4 + 0.6 * shape.girth
        hips = np.interp(at, (0.1, 0.35), (shape.hip_width, 1.0))
        waist = np.interp(at, (0.2, 0.42, 0.65), (1.0, shape.waist_width, 1.0))
        shoulders = np.interp(at, (0.6, 0.85, 1.03, 1.08), (1.0, *[shape.shoulder_width] * 2, 1.0))
        bust = shape.bust * np.exp(-0.5 * ((at - 0.74) / 0.07) ** 2)
        belly = shape.belly * np.exp(-0.5 * ((at - 0.32) / 0.16) ** 2)
        depth = _table(_TRUNK, at, 1) * girth + 0.013 * bust + 0.022 * belly
        width = _table(_TRUNK, at, 2) * girth * hips * waist * shoulders + 0.008 * belly
        shift = _table(_TRUNK, at, 3) + 0.009 * bust + 0.018 * belly
        height = shape.height
        centers = spine + (shift * height)[:, None] * axis_x
        return Tube(centers, axis_x, axis_y, depth * height, width * height)

    def _limb(
        self, limb: Limb, at: FloatArray, lengths: tuple[float, float], radii: FloatArray
    ) -> Tube:
        total = lengths[0] + lengths[1]
        blend = 0.16 * total
        points = _bent_curve(limb.root, limb.middle, limb.end, at * total, blend)
        ahead = _bent_curve(limb.root, limb.middle, limb.end, at * total + 0.005, blend)
        tangent = normalized(ahead - points)
        axis_y = np.broadcast_to(limb.hinge, points.shape).copy()
        axis_x = normalized(cross(tangent, axis_y))
        return Tube(points, axis_x, axis_y, radii, radii.copy())

    def arm(self, limb: Limb, at: FloatArray) -> Tube:
        """
        Arm without the hand.

        :param at: (R,) 0 at the shoulder, 1 at the wrist.
        """
        shape = self.shape
        radii = _table(_ARM, at, 1) * shape.height * shape.girth
        tube = self._limb(limb, at, (shape.upper_arm, shape.forearm), radii)
        self._round_shoulder(tube, limb, at)
        return tube

    def _round_shoulder(self, tube: Tube, limb: Limb, at: FloatArray) -> None:
        """Lead the upper end of an arm into the trunk, along a quadratic Bezier."""
        chest = self.skeleton.chest_frame
        inward = normalized(self.skeleton.thorax - limb.root)
        reach = 0.045 * self.shape.height
        start = limb.root + reach * inward - 0.2 * reach * chest[:, 2]
        down = normalized(limb.middle - limb.root)
        end = limb.root + 0.1 * (self.shape.upper_arm + self.shape.forearm) * down
        forward = cross(down, limb.hinge)
        near = at < 0.1
        t = np.clip((at[near] + 0.1) / 0.2, 0, 1)[:, None]
        tangent = normalized((1 - t) * (limb.root - start) + t * (end - limb.root))
        tube.centers[near] = (1 - t) ** 2 * start + 2 * t * (1 - t) * limb.root + t * t * end
        axis_x = normalized(forward - (tangent @ forward)[:, None] * tangent)
        tube.axis_x[near] = axis_x
        tube.axis_y[near] = cross(axis_x, tangent)

    def leg(self, limb: Limb, at: FloatArray) -> Tube:
        """
        Leg without the foot.

        :param at: (R,) 0 at the hip, 1 at the ankle.
        """
        shape = self.shape
        hips = np.interp(at, (0.0, 0.4), (0.5 + 0.5 * shape.hip_width, 1.0))
        radii = _table(_LEG, at, 1) * shape.height * shape.girth * hips
        tube = self._limb(limb, at, (shape.thigh, shape.shank), radii)
        tube.centers[:] += (_table(_LEG, at, 2) * shape.height)[:, None] * tube.axis_x
        return tube

    def hand(self, limb: Limb) -> Tube:
        """Continue the forearm by a closed hand."""
        shape = self.shape
        along = np.array([-0.01, 0.012, 0.035, 0.06, 0.082, 0.095]) * shape.height
        width = np.array([0.0125, 0.0175, 0.0235, 0.022, 0.016, 0.004]) * shape.height
        frame = limb.end_frame
        centers = limb.end - along[:, None] * frame[:, 2] + 0.15 * along[:, None] * frame[:, 0]
        axis_x = np.broadcast_to(frame[:, 0], centers.shape)
        axis_y = np.broadcast_to(frame[:, 1], centers.shape)
        return Tube(centers, axis_x, axis_y, width, 0.6 * width)

    def foot(self, limb: Limb, low: float, high: float) -> Tube:
        """
        Slice of a shoe between two heights, heel to toe.

        :param low: lower border, 0 = sole, 1 = ankle.
        :param high: upper border at the heel; the toes are half as high.
        """
        shape = self.shape
        frame = limb.end_frame
        along = np.array([-0.045, -0.04, -0.02, 0.02, 0.055, 0.085, 0.105, 0.112]) * shape.height
        width = np.array([0.001, 0.019, 0.023, 0.023, 0.027, 0.027, 0.019, 0.001]) * shape.height
        top = np.interp(along / shape.height, (-0.02, 0.03, 0.11), (1.0, 0.85, 0.42)) * high
        middle = 0.5 * (low + top) - 1.0
        ends = np.array([0.05, 0.75, 1, 1, 1, 1, 0.75, 0.05])
        half = 0.5 * np.maximum(top - low, 0.02) * shape.ankle_height * ends
        centers = (
            limb.end
            + along[:, None] * frame[:, 0]
            + (middle * shape.ankle_height)[:, None] * frame[:, 2]
        )
        axis_x = np.broadcast_to(frame[:, 2], centers.shape)
        axis_y = np.broadcast_to(frame[:, 1], centers.shape)
        return Tube(centers, axis_x, axis_y, half, width)

    def head(self, at: FloatArray) -> Tube:
        """
        Head, chin to crown.

        :param at: (R,) 0 at the chin, 1 at the crown.
        """
        skeleton, shape = self.skeleton, self.shape
        size = shape.head_height
        up, forward = skeleton.head_frame[:, 2], skeleton.head_frame[:, 0]
        chin = skeleton.head_top - size * up + 0.02 * shape.height * forward
        centers = chin + at[:, None] * size * up
        centers = centers + (_table(_HEAD, at, 3) * size)[:, None] * forward
        axis_x = np.broadcast_to(forward, centers.shape)
        axis_y = np.broadcast_to(skeleton.head_frame[:, 1], centers.shape)
        return Tube(
            centers, axis_x, axis_y, _table(_HEAD, at, 1) * size, _table(_HEAD, at, 2) * size
        )

    def around_legs(self, at: FloatArray) -> Tube:
        """
        Hull around both legs, for skirts and coats.

        :param at: (R,) 0 at the hips, 1 at the ankles.
        """
        right, left = self.skeleton.right_leg, self.skeleton.left_leg
        right_tube, left_tube = self.leg(right, at), self.leg(left, at)
        centers = 0.5 * (right_tube.centers + left_tube.centers)
        difference = left_tube.centers - right_tube.centers
        tangent = normalized(np.gradient(centers, axis=0))
        axis_y = self.skeleton.pelvis_frame[:, 1]
        axis_x = normalized(cross(tangent, axis_y))
        axis_y = cross(axis_x, tangent)
        radius = right_tube.radius_x
        # An ellipse cuts the corners in which the knees are, hence the surplus below the hips.
        surplus = np.interp(at, (0.0, 0.25), (0.9, 1.12))
        half_x = surplus * (0.5 * np.abs(np.sum(difference * axis_x, axis=1)) + radius)
        half_y = surplus * (0.5 * np.abs(np.sum(difference * axis_y, axis=1)) + radius)
        return Tube(centers, axis_x, axis_y, half_x, half_y)
