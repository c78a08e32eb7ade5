from dataclasses import dataclass

import pytest

pytest.importorskip('rclpy')

import rclpy
from rcl_interfaces.msg import ParameterType
from rclpy.parameter import Parameter

from person_mtl_ros.nodes.node_parameters import (
    ParameterError,
    declare_parameters,
    refuse_unknown_parameters,
    with_changes,
)
from person_mtl_ros.parameters import check_parameters, parameter


@dataclass(frozen=True)
class Oven:
    heat: float = parameter(180.0, 'how hot', '°C', 20.0, 300.0)
    shelves: int = parameter(2, 'how many', minimum=1)
    mode: str = parameter('air', 'how it heats', choices=('air', 'grill'), read_only=True)
    door_open: bool = parameter(False, 'whether it is open')
    dishes: tuple[str, ...] = parameter(('bread', 'cake'), 'what is in it')
    degrees: tuple[float, ...] = parameter((0.5, 1.5), 'how brown each may get')

    def __post_init__(self):
        check_parameters(self)
        if self.mode == 'grill' and self.heat < 100:
            raise ValueError(f'heat is {self.heat}; the grill needs 100')


@pytest.fixture(scope='module')
def context():
    made = rclpy.Context()
    rclpy.init(context=made, domain_id=0)
    yield made
    rclpy.shutdown(context=made)


@pytest.fixture
def make_node(context):
    nodes = []

    def make(**overrides):
        given = [Parameter(name, value=value) for name, value in overrides.items()]
        nodes.append(rclpy.create_node('kitchen', context=context, parameter_overrides=given))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def test_defaults_come_from_the_dataclass(make_node):
    node = make_node()
    assert declare_parameters(node, Oven) == Oven()
    assert node.get_parameter('heat').value == 180.0
    assert list(node.get_parameter('dishes').value) == ['bread', 'cake']


def test_given_values_are_taken(make_node):
    node = make_node(heat=200.0, shelves=3, mode='grill', door_open=True, dishes=['pie'])
    assert declare_parameters(node, Oven) == Oven(200.0, 3, 'grill', True, ('pie',))


def test_an_empty_list_is_none_of_them(make_node):
    # The command line hands an empty list on as a parameter without type and value.
    node = make_node(dishes=None, degrees=None)
    oven = declare_parameters(node, Oven)
    assert (oven.dishes, oven.degrees) == ((), ())
    (result,) = node.set_parameters([Parameter('dishes', value=['pie'])])
    assert result.successful


def test_whole_numbers_are_taken_in_a_list_of_decimals(make_node):
    oven = declare_parameters(make_node(degrees=[1, 2]), Oven)
    assert oven.degrees == (1.0, 2.0)
    assert all(isinstance(number, float) for number in oven.degrees)


def test_the_descriptor_tells_unit_bounds_and_reason(make_node):
    node = make_node()
    declare_parameters(node, Oven)
    heat = node.describe_parameter('heat')
    assert heat.description == 'how hot [°C]'
    assert heat.additional_constraints == '20 <= x <= 300'
    limits = heat.floating_point_range[0]
    assert (limits.from_value, limits.to_value) == (20.0, 300.0)
    assert heat.type == ParameterType.PARAMETER_DOUBLE
    assert node.describe_parameter('shelves').integer_range[0].from_value == 1
    assert node.describe_parameter('mode').read_only
    assert node.describe_parameter('mode').additional_constraints == "'air' | 'grill'"


@pytest.mark.parametrize(
    ('overrides', 'words'),
    [
        ({'heat': 301.0}, "parameter 'heat' is 301.0; expected 20 <= x <= 300 °C"),
        ({'heat': float('nan')}, "'heat' is nan; expected 20 <= x <= 300 °C"),
        ({'heat': 200}, "parameter 'heat' is 200; expected float, such as 180.0"),
        ({'shelves': 0}, "parameter 'shelves' is 0; expected 1 <= x"),
        ({'mode': 'steam'}, "parameter mode is 'steam'; expected 'air' | 'grill'"),
        ({'mode': 'grill', 'heat': 50.0}, 'heat is 50.0; the grill needs 100'),
        (
            {'dishes': 'pie'},
            "parameter 'dishes' is 'pie'; expected list, such as ['bread', 'cake']",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_bound(make_node, overrides, words):
    with pytest.raises(ParameterError) as error:
        declare_parameters(make_node(**overrides), Oven)
    assert words in str(error.value)
    assert '\n' not in str(error.value)


def test_a_misspelt_name_is_refused_with_the_right_ones(make_node):
    node = make_node(haet=200.0)
    declare_parameters(node, Oven)
    with pytest.raises(ParameterError, match=r'unknown parameter haet; this node has .*heat'):
        refuse_unknown_parameters(node)


def test_what_ros_itself_declares_is_not_unknown(make_node):
    node = make_node(use_sim_time=False)
    declare_parameters(node, Oven)
    refuse_unknown_parameters(node)


def test_changes_make_new_parameters():
    changed, result = with_changes(Oven(), [Parameter('heat', value=99.0)])
    assert result.successful
    assert changed == Oven(heat=99.0)


def test_parameters_of_others_change_nothing():
    assert with_changes(Oven(), [Parameter('colour', value='red')])[0] == Oven()


def test_a_change_out_of_bounds_is_refused_and_changes_nothing():
    old = Oven()
    changes = [Parameter('shelves', value=5), Parameter('heat', value=1e3)]
    same, result = with_changes(old, changes)
    assert same is old
    assert not result.successful
    assert result.reason == 'heat is 1000.0; expected 20 <= x <= 300 °C'


def test_a_list_parameter_stays_hashable():
    changed, _ = with_changes(Oven(), [Parameter('dishes', value=['pie', 'tart'])])
    assert changed.dishes == ('pie', 'tart')
