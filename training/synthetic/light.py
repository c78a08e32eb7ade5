"""Sun and sky."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """Sun and sky; colours are linear, 1 = a white surface reaches full white."""

    sun_direction: FloatArray  # (3,) unit, towards the sun
    sun: FloatArray  # (3,)
    sky: FloatArray  # (3,) from above
    bounce: FloatArray  # (3,) from the ground


NEUTRAL_LIGHT = Light(np.array([0.0, 0.0, 1.0]), np.zeros(3), np.full(3, 0.9), np.full(3, 0.9))


@dataclass(frozen=True)
class Daylight:
    """What the light may be like."""

    sunny: float = 0.5  # share of pictures with direct sun
    sun: tuple[float, float] = (0.35, 1.1)  # strength of direct sun
    sky: tuple[float, float] = (0.35, 0.75)
    warmth: tuple[float, float] = (0.04, 0.07)  # mean and spread of red against blue


def sample_light(rng: np.random.Generator, daylight: Daylight) -> Light:
    """Draw the light of a day, an evening or a hall."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 1.35)
    direction = np.array(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    # Colour temperature: sun light is warm where the sky is blue.
    warmth = rng.normal(*daylight.warmth)
    warm = np.array([1 + warmth, 1.0, 1 - warmth])
    is_sunny = rng.random() < daylight.sunny
    strength = rng.uniform(*daylight.sun) if is_sunny else rng.uniform(0.0, 0.25)
    sky = rng.uniform(*daylight.sky) * np.array([1 - 0.6 * warmth, 1.0, 1 + 0.8 * warmth])
    bounce = sky * rng.uniform(0.3, 0.7) * (1 + 0.2 * strength)
    return Light(direction, strength * warm, sky, bounce)
