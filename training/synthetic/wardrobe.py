"""Draws what people wear: broad, with the dark and plain colours of a street."""

from dataclasses import replace

import numpy as np

from training.synthetic.color import (
    Color,
    market_lower_color,
    sample_hair_color,
    sample_lower_color,
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
from training.synthetic.texture import Material, Pattern

_UPPER_PATTERNS = {
    Pattern.PLAIN: 0.50,
    Pattern.STRIPES_ACROSS: 0.11,
    Pattern.STRIPES_ALONG: 0.04,
    Pattern.PLAID: 0.07,
    Pattern.DOTS: 0.03,
    Pattern.LOGO: 0.08,
    Pattern.SHIRT_PRINT: 0.07,
    Pattern.GRADIENT: 0.02,
    Pattern.CAMOUFLAGE: 0.02,
    Pattern.BLOCK: 0.06,
}
_JERSEY_PATTERNS = {
    Pattern.PLAIN: 0.3,
    Pattern.SHIRT_PRINT: 0.25,
    Pattern.BLOCK: 0.15,
    Pattern.STRIPES_ALONG: 0.08,
    Pattern.STRIPES_ACROSS: 0.08,
    Pattern.LOGO: 0.14,
}
_SKIRT_PATTERNS = {
    Pattern.PLAIN: 0.6,
    Pattern.STRIPES_ACROSS: 0.1,
    Pattern.STRIPES_ALONG: 0.05,
    Pattern.PLAID: 0.1,
    Pattern.DOTS: 0.1,
    Pattern.CAMOUFLAGE: 0.05,
}
_PERIODS = {
    Pattern.STRIPES_ACROSS: (0.03, 0.16),
    Pattern.STRIPES_ALONG: (0.02, 0.08),
    Pattern.PLAID: (0.05, 0.14),
    Pattern.DOTS: (0.03, 0.08),
    Pattern.LOGO: (0.04, 0.1),
    Pattern.SHIRT_PRINT: (0.05, 0.1),
    Pattern.GRADIENT: (0.06, 0.15),
    Pattern.CAMOUFLAGE: (0.07, 0.14),
    Pattern.BLOCK: (0.1, 0.2),
}


def _cloth(rng: np.random.Generator, color: Color, pattern: Pattern = Pattern.PLAIN) -> Material:
    second = (1.0, 1.0, 1.0) if rng.random() < 0.35 else sample_upper_color(rng)
    if pattern == Pattern.DENIM:
        worn = rng.uniform(0.05, 0.25)
        second = (
            color[0] + worn * (1 - color[0]),
            color[1] + worn * (1 - color[1]),
            color[2] + worn * (1 - color[2]),
        )
    return Material(
        color,
        pattern,
        second,
        period=float(rng.uniform(*_PERIODS.get(pattern, (0.05, 0.12)))),
        # The first colour must stay the dominant one.
        fill=float(rng.uniform(0.15, 0.36)),
        folds=float(rng.uniform(0.12, 0.42)),
        gloss=float(rng.uniform(0, 0.03) if rng.random() < 0.9 else rng.uniform(0.05, 0.2)),
        grain=float(rng.uniform(0.0, 0.06)),
        offset=float(rng.random()),
    )


def _pick(rng: np.random.Generator, shares: dict) -> Pattern:
    weights = np.array(list(shares.values()))
    return list(shares)[rng.choice(len(weights), p=weights / weights.sum())]


# Share of each style by gender and old age.
_HAIR_STYLES = {
    ('female', False): {'long': 0.44, 'ponytail': 0.26, 'bun': 0.09, 'bob': 0.12, 'short': 0.09},
    ('female', True): {'long': 0.1, 'ponytail': 0.1, 'bun': 0.15, 'bob': 0.35, 'short': 0.3},
    ('male', False): {'short': 0.68, 'crew': 0.24, 'bald': 0.03, 'long': 0.025, 'ponytail': 0.025},
    ('male', True): {'short': 0.4, 'crew': 0.1, 'balding': 0.35, 'bald': 0.12, 'long': 0.03},
}


def sample_hair(rng: np.random.Generator, gender: str, age: str) -> Hair:
    """Draw a haircut that suits gender and age, mostly."""
    color = sample_hair_color(rng, age == 'old')
    material = Material(color, folds=0.5, gloss=0.15, grain=0.35, offset=float(rng.random()))
    shares = _HAIR_STYLES[gender, age == 'old']
    style = rng.choice(list(shares), p=list(shares.values()))
    beard = gender == 'male' and age in ('adult', 'old') and rng.random() < 0.2
    return Hair(str(style), material, bool(beard), volume=float(rng.uniform(0.8, 1.9)))


def sample_upper(
    rng: np.random.Generator, warm: bool, color: Color, is_rich: bool = False
) -> UpperGarment:
    """Draw a shirt or the like in a colour."""
    pattern = Pattern.PLAIN if not is_rich and rng.random() < 0.35 else _pick(rng, _UPPER_PATTERNS)
    material = _cloth(rng, color, pattern)
    is_shirt = rng.random() < 0.22
    if is_shirt and pattern == Pattern.PLAIN:
        material = _cloth(rng, color, Pattern.BUTTONS)
    if warm:
        sleeve = rng.uniform(0.0, 0.1) if rng.random() < 0.14 else rng.uniform(0.22, 0.51)
        if is_shirt and rng.random() < 0.4:
            sleeve = rng.uniform(0.66, 1.0)
    else:
        sleeve = rng.uniform(0.9, 1.02)
    sleeve_pattern = material.pattern
    if sleeve_pattern in (Pattern.LOGO, Pattern.SHIRT_PRINT, Pattern.BUTTONS, Pattern.BLOCK):
        sleeve_pattern = Pattern.PLAIN
    offset = material.offset + 0.3
    sleeve_material = replace(material, pattern=sleeve_pattern, offset=offset)
    if rng.random() < 0.07:
        sleeve_material = _cloth(rng, material.second_color)
    collar = 'shirt' if is_shirt else 'hood' if (not warm and rng.random() < 0.35) else 'round'
    return UpperGarment(
        material,
        sleeve_material,
        float(sleeve),
        hem=float(rng.uniform(-0.12, 0.16)),
        fit=float(rng.uniform(0.008, 0.04) if warm else rng.uniform(0.012, 0.045)),
        collar=collar,
    )


def sample_lower(
    rng: np.random.Generator, gender: str, warm: bool, upper: UpperGarment
) -> LowerGarment:
    """Draw trousers, a skirt, or the lower half of a dress or jumpsuit."""
    color = sample_lower_color(rng)
    kind = rng.random()
    if gender == 'female' and kind < 0.36:
        length = rng.uniform(0.2, 0.48) if rng.random() < 0.7 else rng.uniform(0.6, 0.92)
        flare = rng.uniform(0.0, 0.14)
        if kind < 0.17:
            return LowerGarment('dress', upper.material, float(length), upper.fit, float(flare))
        material = _cloth(rng, color, _pick(rng, _SKIRT_PATTERNS))
        return LowerGarment('skirt', material, float(length), 0.012, float(flare))
    if rng.random() < 0.02:
        return LowerGarment('jumpsuit', upper.material, 1.0, 0.02, 0.01)
    is_blue = market_lower_color(color) in ('blue', 'gray', 'black')
    pattern = Pattern.PLAIN
    if is_blue and rng.random() < 0.5:
        pattern = Pattern.DENIM
    elif rng.random() < 0.1:
        pattern = Pattern.SIDE_STRIPE
    elif rng.random() < 0.05:
        pattern = _pick(rng, _SKIRT_PATTERNS)
    material = _cloth(rng, color, pattern)
    short = rng.random() < (0.5 if warm else 0.08)
    if short:
        length = rng.uniform(0.2, 0.49)
    else:
        length = rng.uniform(0.68, 0.85) if rng.random() < 0.1 else rng.uniform(0.95, 1.04)
    tight = rng.random() < (0.55 if gender == 'female' else 0.25)
    fit = rng.uniform(0.002, 0.008) if tight and not short else rng.uniform(0.01, 0.04)
    flare = 0.0 if tight else rng.uniform(0.0, 0.025)
    return LowerGarment('trousers', material, float(length), float(fit), float(flare))


def sample_footwear(rng: np.random.Generator, warm: bool) -> Footwear:
    """Draw shoes and socks."""
    shoe = sample_lower_color(rng) if rng.random() < 0.7 else sample_upper_color(rng)
    if rng.random() < 0.3:
        shoe = (0.85, 0.85, 0.84)
    sole = (0.85, 0.84, 0.82) if rng.random() < 0.5 else (0.12, 0.11, 0.1)
    sock = sample_upper_color(rng)
    sock_height = rng.uniform(0.6, 0.95) if rng.random() < 0.5 else 1.0
    return Footwear(
        Material(shoe, gloss=float(rng.uniform(0, 0.3)), folds=0.1),
        Material(sole),
        Material(sock, folds=0.15),
        float(sock_height),
        bool(warm and rng.random() < 0.15),
    )


def sample_accessories(
    rng: np.random.Generator, gender: str, age: str, warm: bool, is_rich: bool = False
) -> Accessories:
    """Draw bags, hat, scarf, gloves and sunglasses."""

    def bag() -> Material:
        dark = rng.random() < 0.55
        color = (0.08, 0.08, 0.09) if dark else sample_upper_color(rng)
        pattern = Pattern.BLOCK if rng.random() < 0.25 else Pattern.PLAIN
        return _cloth(rng, color, pattern)

    female = gender == 'female'
    has_backpack = rng.random() < {'child': 0.3, 'teenager': 0.4, 'adult': 0.2, 'old': 0.08}[age]
    has_shoulder_bag = not has_backpack and rng.random() < (0.35 if female else 0.18)
    has_handbag = rng.random() < (0.2 if female else 0.1)
    has_hat = rng.random() < (0.22 if is_rich else 0.1)
    has_scarf = rng.random() < (0.3 if is_rich else 0.08) and not warm
    styles = ('cap', 'brim') if warm else ('cap', 'beanie')
    return Accessories(
        backpack=bag() if has_backpack else None,
        shoulder_bag=bag() if has_shoulder_bag else None,
        handbag=bag() if has_handbag else None,
        bag_size=float(rng.uniform(0.75, 1.25)),
        bag_side=1.0 if rng.random() < 0.5 else -1.0,
        hat=_cloth(rng, sample_upper_color(rng)) if has_hat else None,
        hat_style=styles[rng.integers(2)],
        scarf=_cloth(rng, sample_upper_color(rng)) if has_scarf else None,
        gloves=_cloth(rng, sample_lower_color(rng)) if not warm and rng.random() < 0.08 else None,
        sunglasses=bool(rng.random() < (0.15 if is_rich else 0.05)),
    )


def sample_outer(
    rng: np.random.Generator, warm: bool, is_rich: bool = False
) -> OuterGarment | None:
    """Draw a jacket, a coat or none."""
    if rng.random() > ((0.15 if warm else 0.75) if is_rich else (0.0 if warm else 0.5)):
        return None
    is_coat = not warm and rng.random() < 0.35
    is_open = bool(rng.random() < 0.5)
    pattern = Pattern.PLAIN if is_open or rng.random() < 0.3 else Pattern.BUTTONS
    return OuterGarment(
        _cloth(rng, sample_upper_color(rng), pattern),
        length=float(rng.uniform(0.12, 0.6) if is_coat else rng.uniform(-0.1, 0.05)),
        is_open=is_open,
        fit=float(rng.uniform(0.025, 0.055)),
        collar='hood' if rng.random() < 0.3 else 'shirt',
    )


def sample_sportswear(
    rng: np.random.Generator, gender: str, warm: bool
) -> tuple[UpperGarment, LowerGarment, Footwear, Accessories]:
    """Draw a jersey or a tracksuit, shorts or tights, sports shoes."""
    color = sample_upper_color(rng)
    pattern = _pick(rng, _JERSEY_PATTERNS)
    material = _cloth(rng, color, pattern)
    sleeve_color = material.second_color if rng.random() < 0.3 else color
    sleeve = rng.choice((0.0, rng.uniform(0.2, 0.42))) if warm else rng.uniform(0.9, 1.0)
    fit = rng.uniform(0.004, 0.012) if rng.random() < 0.4 else rng.uniform(0.012, 0.035)
    upper = UpperGarment(
        material,
        _cloth(rng, sleeve_color),
        float(sleeve),
        hem=float(rng.uniform(-0.15, 0.2)),
        fit=float(fit),
        collar='round' if rng.random() < 0.8 else 'hood' if not warm else 'shirt',
    )
    lower_color = color if rng.random() < 0.3 else sample_upper_color(rng)
    lower_pattern = Pattern.SIDE_STRIPE if rng.random() < 0.4 else Pattern.PLAIN
    is_tight = rng.random() < (0.5 if gender == 'female' else 0.15)
    lower = LowerGarment(
        'trousers',
        _cloth(rng, lower_color, lower_pattern),
        float(rng.uniform(0.12, 0.48) if warm else rng.uniform(0.85, 1.03)),
        float(rng.uniform(0.001, 0.004) if is_tight else rng.uniform(0.015, 0.045)),
        float(0.0 if is_tight else rng.uniform(0.0, 0.03)),
    )
    shoes = replace(sample_footwear(rng, False), sock_height=float(rng.uniform(0.55, 0.97)))
    hat = _cloth(rng, sample_upper_color(rng)) if rng.random() < 0.15 else None
    return upper, lower, shoes, Accessories(hat=hat, sunglasses=bool(rng.random() < 0.08))
