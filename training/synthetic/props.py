"""Things that a pose needs: a seat, a bicycle."""

from dataclasses import replace

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


def seats(rng: np.random.Generator, pose: Pose, subject: Subject, yaw: float) -> list[Box]:
    """Put a block, a bench or a chair under somebody who sits at the origin; else nothing."""
    if pose.action != 'sit':
        return []
    top = max(0.05, float(subject.skeleton.pelvis[2]) - 0.075 * subject.skeleton.shape.height)
    half = float(rng.uniform(0.16, 0.24))
    material = Material(sample_upper_color(rng), grain=0.2)
    kind = rng.random()
    if kind < 0.35:
        return [Box((0.0, 0.0), 0.0, top, half, half, yaw, material)]
    wide = half if kind < 0.7 else float(rng.uniform(0.5, 1.2))

    def part(along: float, aside: float, bottom: float, size: tuple[float, float, float]) -> Box:
        x = along * np.cos(yaw) - aside * np.sin(yaw)
        y = along * np.sin(yaw) + aside * np.cos(yaw)
        center = (float(x), float(y))
        return Box(center, bottom, bottom + size[2], size[0], size[1], yaw, material)

    parts = [part(0.0, 0.0, top - 0.05, (half, wide, 0.05))]
    if rng.random() < 0.7:
        parts.append(part(-half, 0.0, top + 0.1, (0.02, wide, float(rng.uniform(0.2, 0.4)))))
    for along in (-0.9 * half, 0.9 * half):
        for aside in (-0.9 * wide, 0.9 * wide):
            parts.append(part(along, aside, 0.0, (0.02, 0.02, top)))
    return parts


def held_things(rng: np.random.Generator, subject: Subject, yaw: float) -> list[Mesh]:
    """Give a person at the origin a phone, bottle, ball, stick or sheet of paper to hold."""
    builder = MeshBuilder()
    material = Material(sample_upper_color(rng), gloss=0.1, grain=0.1)
    if rng.random() < 0.5:
        material = Material((0.08, 0.08, 0.09), gloss=0.2)
    limb = subject.skeleton.left_arm if rng.random() < 0.5 else subject.skeleton.right_arm
    frame = limb.end_frame
    palm = limb.end - 0.05 * subject.skeleton.shape.height * frame[:, 2]
    ahead = palm + 0.04 * frame[:, 0]
    kind = rng.random()
    if kind < 0.3:
        across = rng.uniform(0.06, 0.2) * frame[:, 0]
        builder.add(_bar(ahead, ahead + across, float(rng.uniform(0.02, 0.05))), material, 0)
    elif kind < 0.55:
        builder.add(_ball(ahead, float(rng.uniform(0.05, 0.16))), material, 0, segments=12)
    elif kind < 0.8:
        stick = rng.uniform(0.3, 1.2) * normalized(frame[:, 0] + rng.normal(0, 0.4, 3))
        thick = float(rng.uniform(0.008, 0.025))
        builder.add(_bar(palm - 0.15 * stick, palm + stick, thick), material, 0, segments=6)
    else:
        sheet = rng.uniform(0.15, 0.4) * frame[:, 2]
        flat = _bar(ahead - 0.5 * sheet, ahead + 0.5 * sheet, float(rng.uniform(0.08, 0.18)))
        builder.add(replace(flat, radius_x=np.full(2, 0.006)), material, 0, segments=8)
    return [builder.build().placed(yaw, (0.0, 0.0))]


def _ball(center: FloatArray, radius: float) -> Tube:
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 8)
    centers = center + radius * np.sin(angle)[:, None] * np.array([0.0, 0.0, 1.0])
    radii = radius * np.maximum(np.cos(angle), 0.02)
    axes = np.eye(3)
    return Tube(centers, np.tile(axes[0], (8, 1)), np.tile(axes[1], (8, 1)), radii, radii)


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
