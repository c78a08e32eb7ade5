"""Cloth, skin and hair colours, and the Market-1501 colour class of a cloth colour."""

import colorsys
from collections.abc import Callable, Mapping

import numpy as np

from training.labels import MARKET_ATTRIBUTES

Color = tuple[float, float, float]  # sRGB in [0, 1]

_CLASSES = {spec.name: spec.classes for spec in MARKET_ATTRIBUTES}

# How often each class is worn; dark and neutral colours and denim dominate a street.
_UPPER_FREQUENCY: Mapping[str, float] = {
    'black': 0.22,
    'white': 0.18,
    'gray': 0.15,
    'blue': 0.15,
    'red': 0.12,
    'green': 0.07,
    'yellow': 0.06,
    'purple': 0.05,
}
_LOWER_FREQUENCY: Mapping[str, float] = {
    'black': 0.30,
    'blue': 0.26,
    'gray': 0.16,
    'brown': 0.08,
    'white': 0.06,
    'green': 0.04,
    'yellow': 0.04,
    'pink': 0.03,
    'purple': 0.03,
}

# Hue in degrees, saturation and value from which a class is drawn: (low, high) each.
_HSV_RANGES = {
    'black': ((0, 360), (0.0, 0.35), (0.03, 0.19)),
    'white': ((0, 360), (0.0, 0.09), (0.84, 0.98)),
    'gray': ((0, 360), (0.0, 0.13), (0.27, 0.76)),
    'red': ((-28, 18), (0.45, 0.95), (0.35, 0.9)),
    'pink': ((-28, 10), (0.25, 0.8), (0.45, 0.95)),
    'yellow': ((24, 68), (0.3, 0.9), (0.55, 0.95)),
    'brown': ((14, 42), (0.3, 0.75), (0.25, 0.55)),
    'green': ((75, 160), (0.25, 0.85), (0.28, 0.8)),
    'blue': ((185, 245), (0.3, 0.9), (0.26, 0.9)),
    'purple': ((258, 322), (0.3, 0.8), (0.3, 0.75)),
}

_SKIN_TONES = np.array(
    [
        (0.93, 0.78, 0.69),
        (0.86, 0.68, 0.56),
        (0.76, 0.57, 0.44),
        (0.55, 0.38, 0.28),
        (0.33, 0.22, 0.17),
    ]
)
_HAIR_TONES = np.array(
    [
        (0.06, 0.05, 0.05),
        (0.14, 0.10, 0.08),
        (0.28, 0.18, 0.12),
        (0.58, 0.43, 0.25),
        (0.40, 0.17, 0.09),
    ]
)
_GREY_HAIR = np.array([(0.62, 0.61, 0.60), (0.82, 0.82, 0.81), (0.40, 0.39, 0.38)])


def _hsv(color: Color) -> tuple[float, float, float]:
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    return 360.0 * hue, saturation, value


def _neutral_class(chroma: float, value: float) -> str | None:
    if value < 0.22:
        return 'black'
    if chroma < 0.12:
        return 'white' if value > 0.8 else 'gray'
    return None


def market_upper_color(color: Color) -> str:
    """
    Name the upper-body colour class of Market-1501 that a cloth colour falls into.

    Pink counts as red, orange, beige and brown as yellow: the class list has no better word.

    :param color: sRGB in [0, 1].
    :returns: one of the classes of the attribute ``upper_color``.
    """
    hue, saturation, value = _hsv(color)
    neutral = _neutral_class(saturation * value, value)
    if neutral:
        return neutral
    if hue < 20 or hue >= 328:
        return 'red'
    for end, name in ((70, 'yellow'), (168, 'green'), (252, 'blue'), (328, 'purple')):
        if hue < end:
            return name
    raise AssertionError('hue below 328 degrees matched no class')


def market_lower_color(color: Color) -> str:
    """
    Name the lower-body colour class of Market-1501 that a cloth colour falls into.

    Red counts as pink; dark orange is brown, light orange and beige are yellow.

    :param color: sRGB in [0, 1].
    :returns: one of the classes of the attribute ``lower_color``.
    """
    hue, saturation, value = _hsv(color)
    neutral = _neutral_class(saturation * value, value)
    if neutral:
        return neutral
    if hue < 12 or hue >= 328:
        return 'pink'
    if hue < 48 and value < 0.6:
        return 'brown'
    for end, name in ((70, 'yellow'), (168, 'green'), (252, 'blue'), (328, 'purple')):
        if hue < end:
            return name
    raise AssertionError('hue below 328 degrees matched no class')


def sample_class_color(
    rng: np.random.Generator, name: str, class_of: Callable[[Color], str]
) -> Color:
    """
    Draw a cloth colour of a class.

    :param rng: source of randomness.
    :param name: of the class.
    :param class_of: ``market_upper_color`` or ``market_lower_color``.
    """
    while True:
        (hue_range, (dull, vivid), value_range) = _HSV_RANGES[name]
        hue, value = rng.uniform(*hue_range), rng.uniform(*value_range)
        # Most cloth is dull rather than vivid.
        saturation = dull + (vivid - dull) * rng.beta(1.2, 1.9)
        color = colorsys.hsv_to_rgb((hue % 360) / 360, saturation, value)
        if class_of(color) == name:
            return color


def sample_upper_color(rng: np.random.Generator) -> Color:
    """Draw the colour of a garment of the upper body."""
    return _sample(rng, _UPPER_FREQUENCY, market_upper_color)


def sample_lower_color(rng: np.random.Generator) -> Color:
    """Draw the colour of a garment of the lower body."""
    return _sample(rng, _LOWER_FREQUENCY, market_lower_color)


def _sample(
    rng: np.random.Generator, frequency: Mapping[str, float], class_of: Callable[[Color], str]
) -> Color:
    names = list(frequency)
    weights = np.array([frequency[name] for name in names])
    name = names[rng.choice(len(names), p=weights / weights.sum())]
    return sample_class_color(rng, name, class_of)


def _between_tones(
    rng: np.random.Generator, tones: np.ndarray, weights: tuple[float, ...]
) -> Color:
    index = rng.choice(len(tones), p=weights)
    other = min(index + 1, len(tones) - 1)
    mixed = tones[index] + rng.uniform(0, 0.6) * (tones[other] - tones[index])
    mixed = np.clip(mixed * rng.uniform(0.92, 1.06), 0, 1)
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def sample_skin_color(rng: np.random.Generator) -> Color:
    """Draw a skin tone, fair to dark."""
    return _between_tones(rng, _SKIN_TONES, (0.24, 0.32, 0.22, 0.13, 0.09))


def sample_hair_color(rng: np.random.Generator, is_old: bool) -> Color:
    """Draw a hair colour; most old people are grey."""
    if is_old and rng.random() < 0.8:
        return _between_tones(rng, _GREY_HAIR, (0.4, 0.3, 0.3))
    return _between_tones(rng, _HAIR_TONES, (0.46, 0.28, 0.14, 0.08, 0.04))


def class_index(attribute: str, name: str) -> int:
    """Position of the class ``name`` in the Market-1501 attribute ``attribute``."""
    return _CLASSES[attribute].index(name)
