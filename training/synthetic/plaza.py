"""A square between buildings, seen by a camera at the origin that looks along x."""

from dataclasses import replace

import numpy as np

from training.synthetic.background import sample_ground, sample_tree, sample_wall
from training.synthetic.color import sample_upper_color
from training.synthetic.scenery import Box, Cylinder, Piece, Scenery
from training.synthetic.texture import Material

_GROUNDS = {'asphalt': 0.3, 'tiles': 0.35, 'grass': 0.15, 'road': 0.12, 'floor': 0.08}
_WALLS = {'windows': 0.4, 'bricks': 0.2, 'stripes': 0.15, 'plain': 0.25}

FOCAL_SHARE = 0.85  # focal length by picture width: a view of 61 degrees


def sample_plaza(rng: np.random.Generator) -> Scenery:
    """Draw a square with pillars, trees, parked cars and the fronts of buildings."""
    pieces: list[Piece] = []
    depth = rng.uniform(17, 24)
    y = -32.0
    while y < 32:
        width = rng.uniform(5, 13)
        center = (depth + rng.uniform(4, 8), y + width / 2)
        height = rng.uniform(4, 14)
        pieces.append(Box(center, 0.0, height, 4.0, width / 2, 0.0, sample_wall(rng, _WALLS)))
        y += width
    # Pillars stand where people walk, so that they hide and show them again.
    for side in (-1, 1):
        x = rng.uniform(5.5, 8.0)
        gray = rng.uniform(0.35, 0.8)
        concrete = Material((gray, gray, 0.97 * gray), grain=0.25)
        place = (x, side * rng.uniform(0.12, 0.4) * x)
        pieces.append(Cylinder(place, rng.uniform(0.15, 0.28), 0.0, 6.0, concrete))
    for _ in range(rng.integers(2, 5)):
        pieces += sample_tree(rng, _place(rng, 8, 16), rng.uniform(3.0, 4.5))
    for _ in range(rng.integers(1, 4)):
        center = _place(rng, 13, 15)
        paint = Material(sample_upper_color(rng), gloss=0.3)
        glass = Material((0.08, 0.09, 0.11), gloss=0.5)
        pieces.append(Box(center, 0.15, 0.85, 0.85, 2.1, 0.0, paint))
        pieces.append(Box(center, 0.85, 1.4, 0.75, 1.2, 0.0, glass))
    for _ in range(rng.integers(1, 3)):
        stone = Material((0.45, 0.42, 0.4), grain=0.4)
        pieces.append(Box(_place(rng, 7, 13), 0.0, rng.uniform(0.4, 0.8), 0.3, 0.8, 0.0, stone))
    return Scenery(sample_ground(rng, _GROUNDS), tuple(pieces), (0.72, 0.81, 0.93))


def with_kiosk(scenery: Scenery) -> Scenery:
    """Put a kiosk, higher than people, where half of them pass behind and half in front."""
    wood = Material((0.42, 0.34, 0.26), grain=0.3)
    kiosk = Box((7.0, 0.0), 0.0, 2.4, 0.5, 1.7, 0.0, wood)
    return replace(scenery, pieces=(*scenery.pieces, kiosk))


def _place(rng: np.random.Generator, near: float, far: float) -> tuple[float, float]:
    x = rng.uniform(near, far)
    return float(x), float(rng.uniform(-0.5, 0.5) * x)


def sample_meeting_point(
    rng: np.random.Generator, scenery: Scenery, pillar_index: int
) -> tuple[float, float]:
    """
    Draw a place that a pillar hides in part, as seen from the camera.

    :param rng: source of randomness.
    :param scenery: of :func:`sample_plaza`.
    :param pillar_index: the first two cylinders are pillars.
    :returns: x, y in metres.
    """
    x, y = scenery.cylinders[pillar_index].center_xy
    factor = 1 + rng.uniform(0.8, 3.5) / x
    aside = rng.choice((-1, 1)) * rng.uniform(0.3, 1.2)
    return float(factor * x), float(factor * y + aside)
