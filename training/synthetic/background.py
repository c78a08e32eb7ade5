"""Surroundings of people: what stands on streets, squares and in halls."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.synthetic.color import Color, sample_upper_color
from training.synthetic.scenery import Box, Bush, Cylinder, Piece, Scenery
from training.synthetic.texture import Material, Pattern


def _gray(rng: np.random.Generator, low: float, high: float, tint: float = 0.03) -> Color:
    value, warmth = rng.uniform(low, high), rng.normal(0, tint)
    tinted = (value + warmth, value + 0.3 * warmth + rng.normal(0, 0.2 * tint), value - warmth)
    red, green, blue = np.clip(tinted, 0.02, 1)
    return float(red), float(green), float(blue)


@dataclass(frozen=True)
class Surroundings:
    """What may stand around people; shares are relative to each other."""

    grounds: Mapping[str, float]  # asphalt | tiles | grass | road | floor | court | sand | snow
    walls: Mapping[str, float]  # windows | bricks | stripes | plain | clutter | trees
    wall_distance: tuple[float, float] = (4.0, 20.0)  # behind the person, metres
    blocks: int = 4  # at most: kiosks, hedges, cars
    posts: int = 3
    plants: int = 3


def _pick(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    weights = np.array(list(shares.values()))
    return list(shares)[rng.choice(len(weights), p=weights / weights.sum())]


def sample_ground(rng: np.random.Generator, shares: Mapping[str, float]) -> Material:
    """Draw what people stand on; for the shares see :class:`Surroundings`."""
    kind = _pick(rng, shares)
    offset = float(rng.random())
    if kind == 'tiles':
        color = _gray(rng, 0.3, 0.75, 0.02)
        joint = (0.6 * color[0], 0.6 * color[1], 0.6 * color[2])
        pattern = Pattern.TILES if rng.random() < 0.6 else Pattern.BRICKS
        period = float(
            rng.uniform(0.2, 1.2) if pattern == Pattern.TILES else rng.uniform(0.1, 0.3)
        )
        return Material(color, pattern, joint, period, 0.4, grain=0.3, offset=offset)
    if kind == 'grass':
        green = (rng.uniform(0.24, 0.45), rng.uniform(0.36, 0.5), rng.uniform(0.12, 0.3))
        return Material(green, grain=float(rng.uniform(0.3, 0.9)), offset=offset)
    if kind == 'road':
        color = _gray(rng, 0.2, 0.45, 0.01)
        return Material(color, Pattern.ROAD, (0.85, 0.85, 0.8), 3.5, 0.8, grain=0.3, offset=offset)
    if kind == 'court':
        color = sample_upper_color(rng)
        line = (0.9, 0.9, 0.88)
        return Material(color, Pattern.ROAD, line, 4.0, 1.0, grain=0.15, offset=offset)
    if kind == 'sand':
        sand = (rng.uniform(0.6, 0.82), rng.uniform(0.5, 0.68), rng.uniform(0.35, 0.52))
        return Material(sand, grain=0.4, offset=offset)
    if kind == 'snow':
        return Material(_gray(rng, 0.85, 0.97, 0.01), grain=0.12, offset=offset)
    if kind == 'floor':
        return Material(_gray(rng, 0.25, 0.9, 0.06), gloss=0.2, grain=0.15, offset=offset)
    return Material(
        _gray(rng, 0.25, 0.65, 0.02), grain=float(rng.uniform(0.1, 0.5)), offset=offset
    )


def sample_wall(rng: np.random.Generator, shares: Mapping[str, float]) -> Material:
    """Draw the front of a building, a fence, trees, all sorts of things."""
    kind = _pick(rng, shares)
    offset = float(rng.random())
    if kind == 'windows':
        glass = _gray(rng, 0.08, 0.45, 0.04)
        color = _gray(rng, 0.4, 0.85, 0.04)
        period, fill = float(rng.uniform(1.2, 3.5)), float(rng.uniform(0.35, 0.8))
        return Material(color, Pattern.WINDOWS, glass, period, fill, grain=0.15, offset=offset)
    if kind == 'bricks':
        color = (rng.uniform(0.4, 0.65), rng.uniform(0.25, 0.42), rng.uniform(0.18, 0.35))
        return Material(
            color, Pattern.BRICKS, _gray(rng, 0.5, 0.75), 0.09, 0.5, grain=0.3, offset=offset
        )
    if kind == 'stripes':
        pattern = Pattern.STRIPES_ALONG if rng.random() < 0.6 else Pattern.STRIPES_ACROSS
        first, second = _gray(rng, 0.15, 0.8), _gray(rng, 0.15, 0.8)
        period = float(rng.uniform(0.15, 1.0))
        return Material(first, pattern, second, period, 0.3, grain=0.2, offset=offset)
    if kind == 'clutter':
        first, second = _gray(rng, 0.05, 0.4, 0.04), _gray(rng, 0.55, 0.95, 0.08)
        if rng.random() < 0.3:
            second = sample_upper_color(rng)
        period = float(rng.uniform(0.5, 4.0))
        return Material(first, Pattern.CLUTTER, second, period, 1.0, grain=0.4, offset=offset)
    if kind == 'trees':
        return sample_leaves(rng)
    return Material(_gray(rng, 0.05, 0.9, 0.06), grain=float(rng.uniform(0.1, 0.5)), offset=offset)


def sample_leaves(rng: np.random.Generator) -> Material:
    """Draw foliage."""
    light = rng.uniform(0.15, 0.35)
    yellow, blue = rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.7)
    green = (yellow * light, light, blue * light)
    bright = (2.2 * green[0], 2.2 * green[1], 2.0 * green[2])
    return Material(
        green, Pattern.LEAVES, bright, grain=0.9, folds=1.5, offset=float(rng.random())
    )


def place_behind(
    rng: np.random.Generator, away: float, near: float, far: float, spread: float
) -> tuple[float, float]:
    """Draw a place at a distance from the origin, around the direction ``away``."""
    angle = away + rng.uniform(-spread, spread)
    distance = rng.uniform(near, far)
    return float(distance * np.cos(angle)), float(distance * np.sin(angle))


def sample_scenery(rng: np.random.Generator, away: float, around: Surroundings) -> Scenery:
    """
    Draw surroundings of a person at the origin.

    :param rng: source of randomness.
    :param away: direction from the camera to the person, radians; scenery stands behind.
    :param around: what there may be.
    """
    pieces: list[Piece] = []
    if rng.random() < 0.8:
        distance = rng.uniform(*around.wall_distance)
        turn = away + rng.normal(0, 0.35)
        center = (float(distance * np.cos(turn)), float(distance * np.sin(turn)))
        height, half_width = rng.uniform(2.5, 15), rng.uniform(5, 40)
        wall = sample_wall(rng, around.walls)
        pieces.append(Box(center, 0.0, height, 0.4, half_width, turn, wall))
    for _ in range(rng.integers(0, around.blocks + 1)):
        place = place_behind(rng, away, 1.2, 12, 0.9)
        pieces.append(_sample_block(rng, place, rng.uniform(0.4, 2.2)))
    for _ in range(rng.integers(0, around.posts + 1)):
        post = Material(_gray(rng, 0.1, 0.75), grain=0.3)
        place = place_behind(rng, away, 0.8, 10, 0.7)
        pieces.append(Cylinder(place, rng.uniform(0.03, 0.25), 0.0, rng.uniform(0.9, 6), post))
    for _ in range(rng.integers(0, around.plants + 1)):
        place = place_behind(rng, away, 1.5, 14, 0.8)
        if rng.random() < 0.5:
            pieces += sample_tree(rng, place, rng.uniform(2.2, 4.5))
        else:
            pieces.append(_sample_bush(rng, place, rng.uniform(0.4, 1.5)))
    sky = (0.62, 0.74, 0.92) if rng.random() < 0.5 else (0.85, 0.87, 0.9)
    return Scenery(sample_ground(rng, around.grounds), tuple(pieces), sky)


def sample_tree(
    rng: np.random.Generator, center_xy: tuple[float, float], height: float
) -> list[Piece]:
    """Draw a trunk and its crown."""
    bark = Material((0.3, 0.24, 0.18), grain=0.8)
    radius = float(rng.uniform(0.8, 1.9))
    crown = (*center_xy, height)
    return [
        Cylinder(center_xy, 0.06 + 0.06 * radius, 0.0, height, bark),
        Bush(crown, radius, float(radius * rng.uniform(0.6, 0.9)), 0.4, sample_leaves(rng)),
    ]


def _sample_bush(rng: np.random.Generator, center_xy: tuple[float, float], radius: float) -> Bush:
    center = (*center_xy, float(rng.uniform(0.2, 0.6)))
    return Bush(center, radius, 0.8 * radius, 0.4, sample_leaves(rng))


def _sample_block(rng: np.random.Generator, center_xy: tuple[float, float], height: float) -> Box:
    """Draw something like a box, a kiosk, a hedge or a car."""
    pattern = Pattern.WINDOWS if rng.random() < 0.4 else Pattern.PLAIN
    color = sample_upper_color(rng) if rng.random() < 0.5 else _gray(rng, 0.1, 0.8)
    dark = (0.1, 0.1, 0.12)
    material = Material(color, pattern, dark, 0.8 * height, 0.6, gloss=0.2, grain=0.2)
    length, width, yaw = rng.uniform(0.15, 2.2), rng.uniform(0.12, 0.9), rng.uniform(0, np.pi)
    return Box(center_xy, 0.0, height, length, width, yaw, material)


def sample_occluder(rng: np.random.Generator, toward: float, reach: float, height: float) -> Piece:
    """
    Draw something that stands between camera and person: a post, a box or car, a bush.

    :param rng: source of randomness.
    :param toward: direction from the person to the camera, radians.
    :param reach: farthest distance from the person, metres.
    :param height: of the person, metres.
    """
    distance = rng.uniform(0.6, max(0.7, reach))
    aside = rng.uniform(-0.45, 0.45)
    x = float(distance * np.cos(toward) - aside * np.sin(toward))
    y = float(distance * np.sin(toward) + aside * np.cos(toward))
    kind = rng.random()
    if kind < 0.3:
        post = Material(_gray(rng, 0.1, 0.8), grain=0.3, gloss=0.1)
        return Cylinder((x, y), rng.uniform(0.03, 0.16), 0.0, rng.uniform(0.7, 4.0), post)
    if kind < 0.75:
        return _sample_block(rng, (x, y), rng.uniform(0.25, 0.62) * height)
    return _sample_bush(rng, (x, y), rng.uniform(0.25, 0.6))
