"""The mesh of a dressed person."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.labels import LIP_PARTS
from training.synthetic.accessories import add_accessories
from training.synthetic.body import BodySurface
from training.synthetic.hair import add_hair
from training.synthetic.identity import SKIRTS, Identity
from training.synthetic.mesh import Mesh, MeshBuilder, Tube
from training.synthetic.skeleton import Limb, Skeleton
from training.synthetic.texture import Material, Pattern

FloatArray = NDArray[np.float64]

PART = {name: index for index, name in enumerate(LIP_PARTS)}


def person_mesh(identity: Identity, skeleton: Skeleton) -> Mesh:
    """
    Build a dressed person.

    Hands count as arms and the neck as face, as in LIP; bags are background there.

    :param identity: whose body and clothes.
    :param skeleton: the pose, see ``posed_skeleton``.
    :returns: a mesh in the frame of the skeleton, labelled with LIP parts.
    """
    builder = MeshBuilder()
    surface = BodySurface(skeleton)
    _add_trunk(builder, surface, identity)
    for side, arm, leg in (
        ('left', skeleton.left_arm, skeleton.left_leg),
        ('right', skeleton.right_arm, skeleton.right_leg),
    ):
        _add_arm(builder, surface, identity, arm, PART[f'{side}_arm'])
        _add_leg(builder, surface, identity, leg, side)
    _add_lower(builder, surface, identity)
    _add_head(builder, surface, identity)
    add_accessories(builder, surface, identity)
    return builder.build()


def _skin(identity: Identity) -> Material:
    return Material(identity.skin, grain=0.06, gloss=0.06)


def _trunk_part(identity: Identity) -> int:
    kind = identity.lower.kind
    return PART[{'dress': 'dress', 'jumpsuit': 'jumpsuits'}.get(kind, 'upper_clothes')]


def _lower_part(identity: Identity) -> int:
    names = {'trousers': 'pants', 'skirt': 'skirt', 'dress': 'dress', 'jumpsuit': 'jumpsuits'}
    return PART[names[identity.lower.kind]]


def _add_trunk(builder: MeshBuilder, surface: BodySurface, identity: Identity) -> None:
    upper, shape = identity.upper, surface.shape
    neck = np.linspace(0.86, 1.4, 9)
    builder.add(surface.trunk(neck), _skin(identity), PART['face'])
    top = 1.0 if upper.sleeve < 0.12 else 1.06
    if upper.collar != 'round':
        top = 1.09
    at = np.linspace(upper.hem, top, 18)
    fit = np.interp(at, (0.0, 0.8, 1.0, 1.08), (upper.fit, upper.fit, 0.6 * upper.fit, 0.006))
    part = _trunk_part(identity)
    # Worn over the waistband, whatever the width of the trousers.
    fit = np.maximum(fit, np.where(at < 0.35, 0.4 * identity.lower.fit + 0.006, 0.0))
    tube = _hanging(surface, at, upper.fit).inflated(fit + 0.004)
    builder.add(tube, upper.material, part, segments=20, v=at * shape.trunk)
    if upper.collar == 'shirt':
        at = np.array([1.02, 1.06, 1.1])
        collar = surface.trunk(at).inflated(np.array([0.012, 0.016, 0.013]))
        builder.add(collar, upper.sleeve_material, part, v=at * shape.trunk)
    hood_material = upper.sleeve_material if upper.collar == 'hood' else None
    hood_part = part
    outer = identity.outer
    if outer is not None:
        part = PART['coat']
        low = max(-0.12, -outer.length)
        at = np.linspace(low, 1.06, 18)
        tube = surface.trunk(at).inflated(
            np.interp(at, (0.0, 0.85, 1.06), (outer.fit, 0.9 * outer.fit, 0.016))
        )
        gap = 0.28 if outer.is_open else 0.0
        arc = (gap, 2 * np.pi - gap)
        v = at * shape.trunk
        # Open fronts start at the gap, closed ones keep the seam at the back for the buttons.
        if outer.is_open:
            builder.add(tube, outer.material, part, segments=20, arc=arc, v=v)
        else:
            builder.add(tube, outer.material, part, segments=20, v=v)
        if outer.length > 0:
            at = np.linspace(-0.06, outer.length, 8)
            skirt = surface.around_legs(at).inflated(outer.fit + 0.03 * np.clip(at, 0, 1))
            if outer.is_open:
                builder.add(skirt, outer.material, part, segments=20, arc=arc, v=-at)
            else:
                builder.add(skirt, outer.material, part, segments=20, v=-at)
        at = np.array([1.0, 1.05, 1.12])
        collar = surface.trunk(at).inflated(np.array([0.02, 0.024, 0.022]))
        builder.add(collar, outer.material, part, arc=(0.5, 2 * np.pi - 0.5), v=at)
        if outer.collar == 'hood':
            hood_material, hood_part = outer.material, part
    if hood_material is not None:
        at = np.array([0.86, 0.92, 1.0, 1.07, 1.12])
        bulge = np.array([0.02, 0.055, 0.06, 0.05, 0.02])
        hood = surface.trunk(at).inflated(bulge)
        builder.add(hood, hood_material, hood_part, arc=(2.0, 2 * np.pi - 2.0), segments=10)


def _hanging(surface: BodySurface, at: FloatArray, fit: float) -> Tube:
    """Trunk as a loose garment shows it: below the chest it falls straight over the waist."""
    tube, chest = surface.trunk(at), surface.trunk(np.array([0.78]))
    looseness = np.where(at < 0.78, np.clip((fit - 0.01) / 0.025, 0, 1), 0.0)
    radius_x = np.maximum(tube.radius_x, 0.93 * looseness * chest.radius_x[0])
    radius_y = np.maximum(tube.radius_y, 0.95 * looseness * chest.radius_y[0])
    return replace(tube, radius_x=radius_x, radius_y=radius_y)


def _add_arm(
    builder: MeshBuilder, surface: BodySurface, identity: Identity, limb: Limb, part: int
) -> None:
    upper, outer = identity.upper, identity.outer
    sleeve = 0.97 if outer is not None else upper.sleeve
    skin = _skin(identity)
    if sleeve < 0.95:
        at = np.linspace(max(-0.1, sleeve - 0.1), 1.02, 16)
        builder.add(surface.arm(limb, at), skin, part, segments=10)
    gloves = identity.accessories.gloves
    builder.add(surface.hand(limb), gloves or skin, PART['glove'] if gloves else part, segments=10)
    if outer is not None:
        at = np.linspace(-0.1, sleeve, 17)
        fit = np.interp(at, (-0.1, 0.08, 0.3, 1.0), (0.3, 0.65, 0.6, 0.55)) * outer.fit
        cloth = replace(outer.material, pattern=Pattern.PLAIN)
        builder.add(surface.arm(limb, at).inflated(fit), cloth, PART['coat'], segments=12)
    elif sleeve > 0.12:
        at = np.linspace(-0.1, sleeve, 17)
        ease = 0.004 + upper.fit * np.interp(at, (-0.1, 0.08, 0.4, 1.0), (0.2, 0.6, 1.1, 0.6))
        tube = surface.arm(limb, at).inflated(ease)
        builder.add(tube, upper.sleeve_material, _trunk_part(identity), segments=12)


def _add_leg(
    builder: MeshBuilder, surface: BodySurface, identity: Identity, limb: Limb, side: str
) -> None:
    lower, footwear = identity.lower, identity.footwear
    has_legs = lower.kind not in SKIRTS
    covered = lower.length if has_legs else 0.0
    if covered < 0.98:
        # Under a skirt the thigh is left out: it would show through when walking.
        top = max(0.0, covered - 0.1) if has_legs else 0.5 * lower.length
        at = np.linspace(top, 1.03, 14)
        builder.add(surface.leg(limb, at), _skin(identity), PART[f'{side}_leg'], segments=12)
    if footwear.sock_height < 0.99 and not footwear.is_open:
        at = np.linspace(footwear.sock_height, 1.05, 6)
        builder.add(
            surface.leg(limb, at).inflated(0.003), footwear.sock, PART['socks'], segments=10
        )
    if has_legs:
        at = np.linspace(-0.06, lower.length, 18)
        ease = lower.fit * np.interp(at, (0.0, 0.15), (0.5, 1.0))
        ease = ease + lower.flare * np.clip(at / max(lower.length, 0.3), 0, 1)
        tube = surface.leg(limb, at).inflated(0.003 + ease)
        # Side stripes need the outer seam, which is where |u| is a quarter of the way round.
        material = lower.material
        if material.pattern == Pattern.SIDE_STRIPE:
            seam = float(tube.radius_y.max()) * np.pi / 4
            material = replace(material, period=seam, fill=1.0)
        builder.add(tube, material, _lower_part(identity), segments=13, v=-at)
    shoe = PART[f'{side}_shoe']
    upper = _skin(identity) if footwear.is_open else footwear.material
    part = PART[f'{side}_leg'] if footwear.is_open else shoe
    builder.add(surface.foot(limb, 0.12, 1.25), upper, part, segments=10, roundness=0.8)
    builder.add(
        surface.foot(limb, 0.0, 0.3).inflated(0.002),
        footwear.sole,
        shoe,
        segments=10,
        roundness=0.6,
    )


def _add_lower(builder: MeshBuilder, surface: BodySurface, identity: Identity) -> None:
    lower = identity.lower
    part = _lower_part(identity)
    at = np.linspace(-0.2, 0.3, 9)
    seat = surface.trunk(at).inflated(0.003 + 0.4 * lower.fit)
    builder.add(seat, lower.material, part, segments=16, v=at * surface.shape.trunk)
    if lower.kind in SKIRTS:
        at = np.linspace(-0.12, lower.length, 12)
        ease = lower.fit + lower.flare * np.clip(at / lower.length, 0, 1) ** 1.3
        hull = surface.around_legs(at).inflated(ease)
        builder.add(
            hull, lower.material, part, segments=24, roundness=0.8, v=-at * surface.shape.leg
        )


def _add_head(builder: MeshBuilder, surface: BodySurface, identity: Identity) -> None:
    skin = identity.skin
    dark = (skin[0] * 0.3, skin[1] * 0.24, skin[2] * 0.24)
    face = Material(skin, Pattern.FACE, dark, gloss=0.08, grain=0.05)
    at = np.linspace(0.0, 1.0, 15)
    head = surface.head(at)
    builder.add(head, face, PART['face'], segments=20, u_radius=1.0, v=at)
    _add_nose_and_ears(builder, surface, _skin(identity))
    add_hair(builder, surface, identity)


def _add_nose_and_ears(builder: MeshBuilder, surface: BodySurface, skin: Material) -> None:
    size = surface.shape.head_height
    at = np.array([0.3, 0.36, 0.46, 0.55])
    nose = surface.head(at)
    shift = nose.radius_x[:, None] * nose.axis_x
    radius = np.array([0.03, 0.055, 0.04, 0.02]) * size
    bridge = Tube(nose.centers + shift, nose.axis_x, nose.axis_y, 1.6 * radius, radius)
    builder.add(bridge, skin, PART['face'], segments=8)
    for sign in (-1.0, 1.0):
        at = np.array([0.34, 0.4, 0.5, 0.56])
        ear = surface.head(at)
        shift = sign * ear.radius_y[:, None] * ear.axis_y - 0.03 * ear.axis_x * size
        radius = np.array([0.03, 0.07, 0.09, 0.03]) * size
        lobe = Tube(ear.centers + shift, ear.axis_x, ear.axis_y, radius, 0.5 * radius)
        builder.add(lobe, skin, PART['face'], segments=8)
