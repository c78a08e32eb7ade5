"""Bags, hats, scarves and sunglasses of a person."""

import numpy as np
from numpy.typing import NDArray

from training.labels import LIP_PARTS
from training.synthetic.body import BodySurface
from training.synthetic.identity import Identity
from training.synthetic.mesh import MeshBuilder, Tube
from training.synthetic.rotation import cross, normalized
from training.synthetic.texture import Material

FloatArray = NDArray[np.float64]

_BACKGROUND = LIP_PARTS.index('background')  # LIP has no class for bags
_HAT = LIP_PARTS.index('hat')
_SCARF = LIP_PARTS.index('scarf')
_SUNGLASSES = LIP_PARTS.index('sunglasses')


def add_accessories(builder: MeshBuilder, surface: BodySurface, identity: Identity) -> None:
    """Add everything in ``identity.accessories`` but the gloves, which are part of the hand."""
    worn = identity.accessories
    clothes = max(identity.upper.fit, identity.outer.fit if identity.outer else 0.0) + 0.006
    if worn.backpack:
        _add_backpack(builder, surface, worn.backpack, worn.bag_size, clothes)
    if worn.shoulder_bag:
        _add_shoulder_bag(builder, surface, identity, worn.shoulder_bag, clothes)
    if worn.handbag:
        _add_handbag(builder, surface, identity, worn.handbag)
    if worn.hat:
        _add_hat(builder, surface, worn.hat, worn.hat_style)
    if worn.scarf:
        at = np.array([0.98, 1.02, 1.08, 1.16, 1.2])
        bulge = np.array([0.02, 0.04, 0.045, 0.04, 0.015])
        builder.add(surface.trunk(at).inflated(bulge), worn.scarf, _SCARF, v=at)
    if worn.sunglasses:
        at = np.array([0.44, 0.47, 0.54, 0.57])
        band = surface.head(at).inflated(0.008)
        glass = Material((0.04, 0.04, 0.05), gloss=0.5)
        builder.add(band, glass, _SUNGLASSES, arc=(-0.75, 0.75), segments=10)


def _box(center: FloatArray, frame: FloatArray, half: tuple[float, float, float]) -> Tube:
    """Make a closed box, upright along the third column of ``frame``."""
    along = np.array([-1.0, -1.0, -0.88, -0.4, 0.0, 0.4, 0.88, 1.0, 1.0])
    scale = np.array([0.02, 0.88, 0.98, 1.0, 1.0, 1.0, 0.98, 0.88, 0.02])
    centers = center + along[:, None] * half[2] * frame[:, 2]
    axis_x = np.broadcast_to(frame[:, 0], centers.shape)
    axis_y = np.broadcast_to(frame[:, 1], centers.shape)
    return Tube(centers, axis_x, axis_y, half[0] * scale, half[1] * scale)


def _strap(points: FloatArray, width: float, outward: FloatArray) -> Tube:
    """Flat band through points; ``outward`` (N, 3) is the direction away from the body."""
    places = np.linspace(0, len(points) - 1, 4 * len(points))
    index = np.arange(len(points))
    centers = np.stack([np.interp(places, index, points[:, k]) for k in range(3)], axis=1)
    out = np.stack([np.interp(places, index, outward[:, k]) for k in range(3)], axis=1)
    tangent = normalized(np.gradient(centers, axis=0))
    axis_x = normalized(out - np.sum(out * tangent, axis=1, keepdims=True) * tangent)
    axis_y = cross(tangent, axis_x)
    count = len(places)
    return Tube(centers, axis_x, axis_y, np.full(count, 0.006), np.full(count, width / 2))


def _on_trunk(
    surface: BodySurface, places: list[tuple[float, float]], lift: float
) -> tuple[FloatArray, FloatArray]:
    """Points (trunk position, angle) on the clothed trunk and their outward directions."""
    at = np.array([place[0] for place in places])
    tube = surface.trunk(at).inflated(lift)
    points = np.stack([tube.point(i, places[i][1]) for i in range(len(places))])
    up = np.where(at > 0.97, 0.8, 0.0)[:, None] * surface.skeleton.chest_frame[:, 2]
    return points, normalized(normalized(points - tube.centers) + up)


def _add_backpack(
    builder: MeshBuilder, surface: BodySurface, material: Material, size: float, clothes: float
) -> None:
    height = surface.shape.height
    frame = surface.skeleton.chest_frame
    half = (0.048 * height * size, 0.080 * height * size, 0.125 * height * size)
    trunk = surface.trunk(np.array([0.66]))
    behind = trunk.radius_x[0] + clothes + 0.85 * half[0]
    center = trunk.centers[0] - behind * frame[:, 0]
    builder.add(_box(center, frame, half), material, _BACKGROUND, segments=16, roundness=0.5)
    pocket = center - 0.9 * half[0] * frame[:, 0] - 0.4 * half[2] * frame[:, 2]
    pocket_half = (0.45 * half[0], 0.75 * half[1], 0.5 * half[2])
    builder.add(_box(pocket, frame, pocket_half), material, _BACKGROUND, roundness=0.5)
    for sign in (-1.0, 1.0):
        angles = (
            (0.9, 2.5),
            (1.0, 1.9),
            (1.02, 1.35),
            (0.97, 0.85),
            (0.85, 0.62),
            (0.7, 0.75),
            (0.52, 1.3),
        )
        places = [(at, sign * angle) for at, angle in angles]
        points, outward = _on_trunk(surface, places, clothes + 0.008)
        builder.add(_strap(points, 0.05, outward), material, _BACKGROUND, segments=6)


def _add_shoulder_bag(
    builder: MeshBuilder,
    surface: BodySurface,
    identity: Identity,
    material: Material,
    clothes: float,
) -> None:
    worn = identity.accessories
    side = worn.bag_side
    height = surface.shape.height
    frame = surface.skeleton.pelvis_frame
    half = (0.075 * height * worn.bag_size, 0.026 * height, 0.058 * height * worn.bag_size)
    trunk = surface.trunk(np.array([0.12]))
    out = trunk.radius_y[0] + clothes + 0.8 * half[1]
    center = trunk.centers[0] + side * out * frame[:, 1] - 0.02 * height * frame[:, 2]
    builder.add(_box(center, frame, half), material, _BACKGROUND, roundness=0.5)
    # Across the chest from the other shoulder, or straight up to the shoulder of the same side.
    if worn.bag_size > 0.95:
        path = [(0.3, 1.2), (0.5, 0.6), (0.7, 0.0), (0.88, -0.6), (1.0, -1.2), (1.03, -1.57)]
        path += [(1.0, -1.95), (0.88, -2.5), (0.7, -3.14), (0.5, -3.75), (0.3, -4.4)]
    else:
        path = [(0.3, 1.3), (0.6, 1.0), (0.85, 0.95), (0.97, 1.2), (1.01, 1.57)]
        path += [(0.97, 1.95), (0.85, 2.2), (0.6, 2.1), (0.3, 1.85)]
    places = [(at, side * angle) for at, angle in path]
    points, outward = _on_trunk(surface, places, clothes + 0.008)
    builder.add(_strap(points, 0.03, outward), material, _BACKGROUND, segments=6)


def _add_handbag(
    builder: MeshBuilder, surface: BodySurface, identity: Identity, material: Material
) -> None:
    worn = identity.accessories
    skeleton = surface.skeleton
    limb = skeleton.left_arm if worn.bag_side < 0 else skeleton.right_arm
    height = surface.shape.height
    half = (0.085 * height * worn.bag_size, 0.03 * height, 0.07 * height * worn.bag_size)
    grip = limb.end - 0.05 * height * limb.end_frame[:, 2]
    # A bag hangs straight down whatever the arm does.
    center = grip - np.array([0.0, 0.0, half[2] + 0.05 * height])
    center[2] = max(center[2], half[2] + 0.01)
    center -= worn.bag_side * 0.8 * half[1] * skeleton.pelvis_frame[:, 1]
    builder.add(_box(center, np.eye(3), half), material, _BACKGROUND, roundness=0.5)
    for sign in (-1.0, 1.0):
        foot = center + np.array([sign * 0.5 * half[0], 0.0, half[2]])
        points = np.stack([foot, 0.5 * (foot + grip), grip])
        outward = np.tile(np.array([0.0, 1.0, 0.0]), (3, 1))
        builder.add(_strap(points, 0.02, outward), material, _BACKGROUND, segments=6)


def _add_hat(builder: MeshBuilder, surface: BodySurface, material: Material, style: str) -> None:
    size = surface.shape.head_height
    frame = surface.skeleton.head_frame
    low = {'cap': 0.66, 'beanie': 0.56, 'brim': 0.68}[style]
    at = np.linspace(low, 1.0, 10)
    shell = surface.head(at).inflated(0.055 * size)
    rise = np.clip((at - low) / (1 - low), 0, 1)[:, None] * 0.09 * size
    shell = Tube(
        shell.centers + rise * frame[:, 2],
        shell.axis_x,
        shell.axis_y,
        shell.radius_x,
        shell.radius_y,
    )
    builder.add(shell, material, _HAT, segments=18)
    if style == 'cap':
        along = np.array([0.0, 0.12, 0.3, 0.42, 0.5])
        start = shell.centers[0] + 0.8 * shell.radius_x[0] * frame[:, 0]
        forward = normalized(frame[:, 0] - 0.2 * frame[:, 2])
        centers = start + along[:, None] * size * forward
        width = np.array([0.36, 0.36, 0.30, 0.2, 0.04]) * size
        axis_x = np.broadcast_to(frame[:, 2], centers.shape)
        axis_y = np.broadcast_to(frame[:, 1], centers.shape)
        brim = Tube(centers, axis_x, axis_y, np.full(5, 0.012 * size), width)
        builder.add(brim, material, _HAT, segments=10)
    if style == 'brim':
        grow = np.array([0.0, 0.12, 0.24, 0.36]) * size
        centers = (
            shell.centers[0] - np.array([0.0, 0.01, 0.03, 0.08])[:, None] * size * frame[:, 2]
        )
        axis_x = np.broadcast_to(frame[:, 0], centers.shape)
        axis_y = np.broadcast_to(frame[:, 1], centers.shape)
        rim = Tube(centers, axis_x, axis_y, shell.radius_x[0] + grow, shell.radius_y[0] + grow)
        builder.add(rim, material, _HAT, segments=20)
