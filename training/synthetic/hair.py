"""Hair and beards."""

import numpy as np
from numpy.typing import NDArray

from training.labels import LIP_PARTS
from training.synthetic.body import BodySurface
from training.synthetic.identity import Identity
from training.synthetic.mesh import MeshBuilder, Tube

FloatArray = NDArray[np.float64]

_HAIR = LIP_PARTS.index('hair')


def _above_hairline(at: FloatArray, segments: int, style: str) -> NDArray[np.bool_]:
    """Faces of the head that carry hair: (R - 1, segments)."""
    angle = np.abs(np.linspace(-np.pi, np.pi, segments + 1))
    angle = 0.5 * (angle[1:] + angle[:-1])
    front, side, nape = 0.74, 0.50, 0.16
    if style == 'crew':
        front, side, nape = 0.78, 0.58, 0.24
    if style in ('long', 'bob'):
        side = 0.16
    hairline = np.interp(
        angle, (0.0, 0.9, 1.25, 1.8, 2.2), (front, front - 0.03, side, side, nape)
    )
    if style == 'balding':
        hairline = np.where(angle < 1.5, 2.0, nape)
    middle = 0.5 * (at[1:] + at[:-1])
    keep = middle[:, None] > hairline[None, :]
    if style == 'balding':
        keep &= middle[:, None] < 0.72
    return keep


def add_hair(builder: MeshBuilder, surface: BodySurface, identity: Identity) -> None:
    """Add hair and beard."""
    hair, size = identity.hair, surface.shape.head_height
    at = np.linspace(0.02, 1.0, 22)
    segments = 24
    if hair.style != 'bald':
        thickness = {'crew': 0.02, 'balding': 0.025, 'long': 0.06, 'bob': 0.09}.get(
            hair.style, 0.055
        )
        thickness *= hair.volume
        if identity.accessories.hat is not None:
            thickness = min(thickness, 0.03)
        cap = surface.head(at).inflated(thickness * size)
        crown = np.clip((at - 0.7) / 0.3, 0, 1)[:, None] * thickness * size
        cap = Tube(
            cap.centers + crown * surface.skeleton.head_frame[:, 2],
            cap.axis_x,
            cap.axis_y,
            cap.radius_x,
            cap.radius_y,
        )
        keep = _above_hairline(at, segments, hair.style)
        builder.add(cap, hair.material, _HAIR, segments=segments, keep=keep)
    if hair.beard:
        angle = np.abs(np.linspace(-np.pi, np.pi, segments + 1))[:-1]
        middle = 0.5 * (at[1:] + at[:-1])
        keep = (middle[:, None] < 0.3) & (angle[None, :] < 1.4)
        keep &= ~((middle[:, None] > 0.15) & (middle[:, None] < 0.23) & (angle[None, :] < 0.3))
        beard = surface.head(at).inflated(0.018 * size)
        builder.add(beard, hair.material, _HAIR, segments=segments, keep=keep)
    if hair.style in ('long', 'bob'):
        _add_falling_hair(builder, surface, identity, 0.35 if hair.style == 'bob' else 1.0)
    if hair.style in ('ponytail', 'bun'):
        _add_tied_hair(builder, surface, identity)


def _add_falling_hair(
    builder: MeshBuilder, surface: BodySurface, identity: Identity, length: float
) -> None:
    """Hang hair from the back of the head over neck and back."""
    head = surface.head(np.array([0.6, 0.35]))
    neck = surface.trunk(np.array([1.12]))
    down = 0.84 - 0.1 * (identity.hair.material.offset - 0.5)
    back = surface.trunk(np.array([1.0, down]))
    clothes = max(identity.upper.fit, identity.outer.fit if identity.outer else 0.0)
    lift = 0.018 + clothes
    centers = np.concatenate([head.centers, neck.centers, back.centers])
    axis_x = np.concatenate([head.axis_x, neck.axis_x, back.axis_x])
    axis_y = np.concatenate([head.axis_y, neck.axis_y, back.axis_y])
    size = surface.shape.head_height
    radius_x = np.array(
        [0.47 * size, 0.46 * size, 0.36 * size, back.radius_x[0] + lift, back.radius_x[1] + lift]
    )
    radius_y = np.array([0.42, 0.44, 0.46, 0.48, 0.40]) * size
    rings = np.linspace(0, 4 * (0.55 if length < 1 else 1.0), 12)

    def along(values: FloatArray) -> FloatArray:
        columns = values.reshape(5, -1).T
        return np.stack([np.interp(rings, np.arange(5), column) for column in columns], axis=-1)

    tube = Tube(
        along(centers),
        along(axis_x),
        along(axis_y),
        along(radius_x)[:, 0],
        along(radius_y)[:, 0],
    )
    builder.add(tube, identity.hair.material, _HAIR, segments=14, arc=(1.45, 2 * np.pi - 1.45))


def _add_tied_hair(builder: MeshBuilder, surface: BodySurface, identity: Identity) -> None:
    frame, size = surface.skeleton.head_frame, surface.shape.head_height
    back = surface.head(np.array([0.68]))
    start = back.centers[0] - back.radius_x[0] * back.axis_x[0]
    if identity.hair.style == 'bun':
        along = np.linspace(-1, 1, 7)
        center = start + frame @ np.array([-0.06, 0.0, 0.05]) * size
        centers = center + along[:, None] * 0.19 * size * frame[:, 2]
        radius = 0.19 * size * np.sqrt(np.maximum(1 - along**2, 0.01))
    else:
        along = np.linspace(0, 1, 8)
        path = np.stack(
            [-0.12 - 0.35 * np.sin(along * 2.2), 0 * along, 0.08 - 1.5 * along**1.4], axis=1
        )
        centers = start + path * size @ frame.T
        radius = size * np.interp(along, (0, 0.2, 0.6, 1), (0.05, 0.12, 0.13, 0.02))
    axis_x = np.broadcast_to(frame[:, 0], centers.shape)
    axis_y = np.broadcast_to(frame[:, 1], centers.shape)
    tube = Tube(centers, axis_x, axis_y, radius, radius)
    builder.add(tube, identity.hair.material, _HAIR, segments=10)
