"""Hair, clothes and things carried by a person."""

from dataclasses import dataclass

from training.synthetic.texture import Material


@dataclass(frozen=True)
class Hair:
    """Hair of the head."""

    style: str  # short | crew | bald | balding | long | ponytail | bun | bob
    material: Material
    beard: bool = False
    volume: float = 1.0  # thickness relative to flat hair


@dataclass(frozen=True)
class UpperGarment:
    """What covers the trunk next to the skin, or the upper part of a dress or jumpsuit."""

    material: Material
    sleeve_material: Material
    sleeve: float  # covered share of the arm: 0 none, 0.53 elbow, 1 wrist
    hem: float  # on the trunk, 0 = hip joints, 0.3 = waistband
    fit: float  # distance from the skin, metres
    collar: str  # round | shirt | hood


@dataclass(frozen=True)
class OuterGarment:
    """Jacket or coat."""

    material: Material
    length: float  # covered share of the leg; below 0 it ends above the hip joints
    is_open: bool
    fit: float  # distance from the skin, metres
    collar: str  # shirt | hood


@dataclass(frozen=True)
class LowerGarment:
    """What covers the legs."""

    kind: str  # trousers | skirt | dress | jumpsuit
    material: Material
    length: float  # covered share of the leg: 0.5 knee, 1 ankle
    fit: float  # distance from the skin, metres
    flare: float  # added at the lower end, metres


@dataclass(frozen=True)
class Footwear:
    """Shoes and socks."""

    material: Material
    sole: Material
    sock: Material
    sock_height: float  # lowest share of the leg that stays bare, 1 = no sock to be seen
    is_open: bool = False  # sandals: the foot shows


@dataclass(frozen=True)
class Accessories:
    """Things worn on the head or carried; ``None`` = not there."""

    backpack: Material | None = None
    shoulder_bag: Material | None = None
    handbag: Material | None = None
    bag_size: float = 1.0  # relative to an ordinary bag
    bag_side: float = 1.0  # side on which bags hang: 1 left, -1 right
    hat: Material | None = None
    hat_style: str = 'cap'  # cap | beanie | brim
    scarf: Material | None = None
    gloves: Material | None = None
    sunglasses: bool = False
