import numpy as np
import pytest

from training.labels import MARKET_ATTRIBUTES
from training.synthetic.color import (
    market_lower_color,
    market_upper_color,
    sample_class_color,
    sample_lower_color,
    sample_upper_color,
)

CLASSES = {spec.name: spec.classes for spec in MARKET_ATTRIBUTES}


@pytest.mark.parametrize(
    ('color', 'name'),
    [
        ((0.05, 0.05, 0.06), 'black'),
        ((0.95, 0.95, 0.93), 'white'),
        ((0.5, 0.5, 0.52), 'gray'),
        ((0.8, 0.1, 0.1), 'red'),
        ((0.1, 0.2, 0.7), 'blue'),
        ((0.1, 0.5, 0.15), 'green'),
        ((0.9, 0.85, 0.1), 'yellow'),
        ((0.5, 0.15, 0.6), 'purple'),
    ],
)
def test_typical_upper_colors_have_their_class(
    color: tuple[float, float, float], name: str
) -> None:
    assert market_upper_color(color) == name


def test_brown_and_pink_exist_for_the_lower_body_only() -> None:
    brown, pink = (0.4, 0.25, 0.12), (0.9, 0.45, 0.6)
    assert market_lower_color(brown) == 'brown'
    assert market_lower_color(pink) == 'pink'
    assert market_upper_color(brown) == 'yellow'
    assert market_upper_color(pink) == 'red'


@pytest.mark.parametrize('name', CLASSES['upper_color'])
def test_upper_color_drawn_from_a_class_belongs_to_it(name: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        assert market_upper_color(sample_class_color(rng, name, market_upper_color)) == name


@pytest.mark.parametrize('name', CLASSES['lower_color'])
def test_lower_color_drawn_from_a_class_belongs_to_it(name: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(100):
        assert market_lower_color(sample_class_color(rng, name, market_lower_color)) == name


def test_every_class_is_worn_by_somebody() -> None:
    rng = np.random.default_rng(5)
    upper = {market_upper_color(sample_upper_color(rng)) for _ in range(400)}
    lower = {market_lower_color(sample_lower_color(rng)) for _ in range(600)}
    assert upper == set(CLASSES['upper_color'])
    assert lower == set(CLASSES['lower_color'])
