"""Things that a pose needs: a seat, a bicycle."""

import numpy as np
from numpy.typing import NDArray

from training.synthetic.color import sample_upper_color
from training.synthetic.mesh import Mesh, MeshBuilder, Tube
from training.synthetic.pose import Pose
from training.synthetic.rotation import cross, normalized
from training.synthetic.scenery import Box
from training.synthetic.subject import Subject
from training.synthetic.texture import Material

FloatArray = NDArray[np.float64]

_WHEEL_RADIUS = 0.33  # metres


def seats(rng: np.random.Generator, pose: Pose, subject: Subject) -> list[Box]:
    """Put a block under somebody who sits at the origin; nothing in other poses."""
    if pose.action != 'sit':
        return []
    top = float(subject.skeleton.pelvis[2]) - 0.075 * subject.skeleton.shape.height
    half = float(rng.uniform(0.15, 0.22))
    material = Material(sample_upper_color(rng), grain=0.2)
    return [Box((0.0, 0.0), 0.0, max(0.05, top), half, half, 0.0, material)]


def bicycles(rng: np.random.Generator, pose: Pose, subject: Subject, yaw: float) -> list[Mesh]:
    """Put a bicycle under somebody who cycles at the origin; nothing in other poses."""
    if pose.action != 'cycle':
        return []
    skeleton = subject.skeleton
    grip = 0.5 * (skeleton.left_arm.end + skeleton.right_arm.end)
    pedals = 0.5 * (skeleton.left_leg.end + skeleton.right_leg.end)
    saddle = skeleton.pelvis - np.array([0.02, 0.0, 0.065 * skeleton.shape.height])
    mesh = _bicycle(rng, (saddle[0], saddle[2]), (grip[0], grip[2]), pedals[0])
    return [mesh.placed(yaw, (0.0, 0.0))]


def parked_bicycle(rng: np.random.Generator, position_xy: tuple[float, float]) -> Mesh:
    """Draw a bicycle without its rider."""
    mesh = _bicycle(rng, (-0.1, rng.uniform(0.8, 1.0)), (0.5, rng.uniform(0.9, 1.1)), 0.1)
    return mesh.placed(rng.uniform(0, 2 * np.pi), position_xy)


def _bicycle(
    rng: np.random.Generator,
    saddle_xz: tuple[float, float],
    grip_xz: tuple[float, float],
    pedals_x: float,
) -> Mesh:
    """Build a bicycle that points along x, from where its rider touches it; metres."""
    saddle = np.array([saddle_xz[0], 0.0, saddle_xz[1]])
    grip = np.array([grip_xz[0], 0.0, grip_xz[1]])
    pedals = np.array([pedals_x, 0.0, 0.28])
    rear = np.array([min(pedals_x - 0.42, saddle[0] - 0.2), 0.0, _WHEEL_RADIUS])
    head = np.array([grip[0] + 0.04, 0.0, 0.8 * grip[2]])
    front = np.array([max(head[0] + 0.12, pedals_x + 0.55), 0.0, _WHEEL_RADIUS])
    builder = MeshBuilder()
    rubber = Material((0.06, 0.06, 0.06))
    paint = Material(sample_upper_color(rng), gloss=0.3)
    for hub in (rear, front):
        builder.add(_wheel(hub), rubber, 0, segments=6)
    ends = ((saddle, pedals), (pedals, rear), (rear, saddle), (pedals, head), (saddle, head))
    for start, end in (*ends, (head, front), (grip, head)):
        builder.add(_bar(start, end, 0.018), paint, 0, segments=6)
    across = np.array([0.0, 0.26, 0.0])
    builder.add(_bar(grip - across, grip + across, 0.014), rubber, 0, segments=6)
    behind = np.array([-0.1, 0.0, 0.0])
    builder.add(_bar(saddle + behind, saddle - 1.3 * behind, 0.045), rubber, 0, segments=8)
    return builder.build()


def _wheel(hub: FloatArray) -> Tube:
    angle = np.linspace(0, 2 * np.pi, 25)
    out = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], axis=1)
    across = np.broadcast_to(np.array([0.0, 1.0, 0.0]), out.shape)
    radius = np.full(len(angle), 0.02)
    return Tube(hub + _WHEEL_RADIUS * out, out, across, radius, radius)


def _bar(start: FloatArray, end: FloatArray, radius: float) -> Tube:
    along = normalized(end - start)
    side = np.array([0.0, 1.0, 0.0]) if abs(along[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    axis_x = normalized(cross(side, along))
    axis_y = cross(along, axis_x)
    radii = np.full(2, radius)
    return Tube(
        np.stack([start, end]), np.tile(axis_x, (2, 1)), np.tile(axis_y, (2, 1)), radii, radii
    )
