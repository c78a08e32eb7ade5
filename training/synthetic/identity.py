"""Who a rendered person is: body, hair, clothes and things carried, and the labels that follow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.labels import MARKET_ATTRIBUTES
from training.synthetic.color import (
    Color,
    class_index,
    market_lower_color,
    market_upper_color,
    sample_skin_color,
    sample_upper_color,
)
from training.synthetic.garments import (
    Accessories,
    Footwear,
    Hair,
    LowerGarment,
    OuterGarment,
    UpperGarment,
)
from training.synthetic.skeleton import BodyShape
from training.synthetic.wardrobe import (
    sample_accessories,
    sample_footwear,
    sample_hair,
    sample_lower,
    sample_outer,
    sample_sportswear,
    sample_upper,
)

AGES = ('child', 'teenager', 'adult', 'old')
LONG_HAIR = ('long', 'ponytail', 'bun')
# Garments of these kinds have no legs: Market-1501 calls all of them 'dress'.
SKIRTS = ('skirt', 'dress')


@dataclass(frozen=True)
class Identity:
    """Everything that stays the same when a person is seen again."""

    gender: str
    age: str
    shape: BodyShape
    skin: Color
    hair: Hair
    upper: UpperGarment
    outer: OuterGarment | None
    lower: LowerGarment
    footwear: Footwear
    accessories: Accessories


def attributes(identity: Identity) -> dict[str, int]:
    """
    Label a person as Market-1501 would: class index of every attribute of ``MARKET_ATTRIBUTES``.

    Colours are those of the cloth, not of the picture. A jacket or coat gives the upper colour
    and the sleeve, worn open as well. A dress has one colour for the upper and the lower body; a
    jumpsuit counts as trousers. Tied hair counts as long. Sleeves and legs are long when they
    cover elbow or knee.
    """
    upper, lower, worn = identity.upper, identity.lower, identity.accessories
    upper_material = identity.outer.material if identity.outer else upper.material
    has_long_sleeve = identity.outer is not None or upper.sleeve > 0.55
    names = {
        'gender': identity.gender,
        'age': identity.age,
        'hair': 'long' if identity.hair.style in LONG_HAIR else 'short',
        'sleeve': 'long' if has_long_sleeve else 'short',
        'lower_length': 'long' if lower.length > 0.53 else 'short',
        'lower_type': 'dress' if lower.kind in SKIRTS else 'pants',
        'backpack': 'yes' if worn.backpack else 'no',
        'handbag': 'yes' if worn.handbag else 'no',
        'bag': 'yes' if worn.shoulder_bag else 'no',
        'hat': 'yes' if worn.hat else 'no',
        'upper_color': market_upper_color(upper_material.color),
        'lower_color': market_lower_color(lower.material.color),
    }
    return {attribute: class_index(attribute, name) for attribute, name in names.items()}


def attribute_row(identity: Identity) -> NDArray[np.uint8]:
    """Label a person: classes in the order of ``MARKET_ATTRIBUTES``."""
    named = attributes(identity)
    return np.array([named[spec.name] for spec in MARKET_ATTRIBUTES], np.uint8)


def _sample_shape(rng: np.random.Generator, gender: str, age: str) -> BodyShape:
    female = gender == 'female'
    height = rng.normal(1.63, 0.06) if female else rng.normal(1.76, 0.07)
    childhood = 0.0
    if age == 'child':
        childhood = rng.uniform(0.25, 1.0)
        height = 1.52 - 0.55 * childhood + rng.normal(0, 0.04)
    elif age == 'teenager':
        height -= abs(rng.normal(0.03, 0.03))
    elif age == 'old':
        height -= 0.04
    weight = rng.normal(0, 1) + (-0.4 if age == 'teenager' else 0.4 if age == 'old' else 0.0)
    grown = 1.0 - 0.9 * childhood
    shoulder = (0.91 if female else 1.04) * grown + 0.97 * (1 - grown)
    hip = (1.06 if female else 0.95) * grown + 0.98 * (1 - grown)
    waist = (0.87 if female else 1.02) * grown + 1.02 * (1 - grown)
    return BodyShape(
        height=float(height),
        childhood=float(childhood),
        shoulder_width=float(shoulder + rng.normal(0, 0.035)),
        hip_width=float(hip + rng.normal(0, 0.035)),
        waist_width=float(waist + 0.04 * weight),
        girth=float(np.clip((0.98 if female else 1.06) + 0.1 * weight, 0.82, 1.4)),
        bust=float(rng.uniform(0.3, 1.1) * grown) if female and age != 'child' else 0.0,
        belly=float(max(0.0, 0.25 * weight + (0.3 if age == 'old' else 0.0) - 0.1)),
        stoop=float(rng.uniform(0.05, 0.4))
        if age == 'old'
        else float(max(0, rng.normal(0.03, 0.04))),
    )


@dataclass(frozen=True)
class Population:
    """Who is there; shares of all people."""

    ages: tuple[float, float, float, float] = (0.09, 0.28, 0.5, 0.13)  # in the order of AGES
    women: float = 0.46
    warm: float = 0.62  # dressed for warm weather
    sports: float = 0.0  # dressed for sports
    rich: float = 0.3  # layers, patterns, scarves and hats rather than plain clothes


def sample_identity(rng: np.random.Generator, population: Population | None = None) -> Identity:
    """
    Draw a person.

    Gender and age shift how likely a body, a haircut or a garment is; they decide none of them.

    :param rng: source of randomness.
    :param population: who is there; the people of a street by default.
    """
    population = population or Population()
    gender = 'female' if rng.random() < population.women else 'male'
    age = str(rng.choice(AGES, p=population.ages))
    warm = bool(rng.random() < population.warm)
    shape = _sample_shape(rng, gender, age)
    skin, hair = sample_skin_color(rng), sample_hair(rng, gender, age)
    if rng.random() < population.sports:
        upper, lower, footwear, worn = sample_sportswear(rng, gender, warm)
        return Identity(gender, age, shape, skin, hair, upper, None, lower, footwear, worn)
    is_rich = bool(rng.random() < population.rich)
    upper = sample_upper(rng, warm, sample_upper_color(rng), is_rich)
    lower = sample_lower(rng, gender, warm, upper)
    # Over a jumpsuit no jacket: the attributes have one upper colour only.
    outer = None if lower.kind == 'jumpsuit' else sample_outer(rng, warm, is_rich)
    return Identity(
        gender,
        age,
        shape,
        skin,
        hair,
        upper,
        outer,
        lower,
        sample_footwear(rng, warm),
        sample_accessories(rng, gender, age, warm, is_rich),
    )
