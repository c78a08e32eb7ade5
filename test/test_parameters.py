from dataclasses import FrozenInstanceError, dataclass

import pytest

from person_mtl_ros.hog_detector import HogDetectorParams
from person_mtl_ros.parameters import ParameterSpec, check_parameters, parameter, parameter_specs
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams


@dataclass(frozen=True)
class Lamp:
    power: float = parameter(40.0, 'how bright', 'W', 0.0, 100.0)
    color: str = parameter('white', 'which light', choices=('white', 'red'))
    level: int = parameter(1, 'how many', minimum=1)

    def __post_init__(self):
        check_parameters(self)


@pytest.mark.parametrize(
    ('spec', 'words'),
    [
        (ParameterSpec(''), ''),
        (ParameterSpec('', minimum=0.5), '0.5 <= x'),
        (ParameterSpec('', maximum=2), 'x <= 2'),
        (ParameterSpec('', minimum=1, maximum=2), '1 <= x <= 2'),
        (ParameterSpec('', choices=('a', 'b')), "'a' | 'b'"),
    ],
)
def test_bounds_are_said_in_words(spec, words):
    assert spec.bounds == words


def test_specs_are_those_of_the_fields_in_order():
    specs = parameter_specs(Lamp)
    assert list(specs) == ['power', 'color', 'level']
    default, spec = specs['power']
    assert (default, spec.unit, spec.doc) == (40.0, 'W', 'how bright')


@pytest.mark.parametrize('values', [{'power': 0.0}, {'power': 100.0}, {'color': 'red'}])
def test_the_bounds_themselves_are_accepted(values):
    assert Lamp(**values)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'power': -0.1}, 'power is -0.1; expected 0 <= x <= 100 W'),
        ({'power': float('nan')}, 'power is nan; expected 0 <= x <= 100 W'),
        ({'power': float('inf')}, 'power is inf'),
        ({'color': 'blue'}, "color is 'blue'; expected 'white' | 'red'"),
        ({'level': 0}, 'level is 0; expected 1 <= x'),
    ],
)
def test_other_values_are_refused_with_name_value_and_bound(values, words):
    with pytest.raises(ValueError) as error:
        Lamp(**values)
    assert words in str(error.value)


def test_parameters_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        Lamp().power = 1.0


@pytest.mark.parametrize('params_class', [ReidTrackerParams, HogDetectorParams])
def test_every_parameter_has_a_reason_and_a_default_within_its_bounds(params_class):
    params_class()
    for name, (default, spec) in parameter_specs(params_class).items():
        assert spec.doc, name
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            assert spec.minimum is not None and spec.maximum is not None, name
