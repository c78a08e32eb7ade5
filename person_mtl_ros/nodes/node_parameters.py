"""ROS parameters from parameter dataclasses: declared, described, checked and read in one step."""

from dataclasses import fields, replace
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from person_mtl_ros.parameters import ParameterSpec, parameter_specs

Params = TypeVar('Params')

# Declared by rclpy itself, not by us.
ROS_PARAMETERS = ('use_sim_time', 'start_type_description_service')


class ParameterError(ValueError):
    """A parameter of a node that does not exist or has a value that is not accepted."""


def _descriptor(default: Any, spec: ParameterSpec) -> ParameterDescriptor:
    unit = f' [{spec.unit}]' if spec.unit else ''
    descriptor = ParameterDescriptor(
        description=spec.doc + unit,
        additional_constraints=spec.bounds,
        read_only=spec.read_only,
    )
    if spec.minimum is None and spec.maximum is None:
        return descriptor
    low, high = spec.minimum, spec.maximum
    if isinstance(default, int):
        limits = IntegerRange(
            from_value=-(2**31) if low is None else int(low),
            to_value=2**31 if high is None else int(high),
        )
        descriptor.integer_range = [limits]
    else:
        limits = FloatingPointRange(
            from_value=-1e30 if low is None else float(low),
            to_value=1e30 if high is None else float(high),
        )
        descriptor.floating_point_range = [limits]
    return descriptor


def _take_whole_numbers(node: Node, name: str) -> None:
    """Make decimals of the whole numbers in a list that was given to the node."""
    override = node._parameter_overrides.get(name)
    if override is not None and override.type_ == Parameter.Type.INTEGER_ARRAY:
        decimals = [float(number) for number in override.value]
        node._parameter_overrides[name] = Parameter(name, value=decimals)


def _value(parameter: Parameter) -> Any:
    return tuple(parameter.value) if isinstance(parameter.value, list) else parameter.value


def declare_parameters(node: Node, params_class: type[Params]) -> Params:
    """
    Declare every field of a parameter dataclass on a node and read what was given.

    :raises ParameterError: for a value of the wrong type or outside its bounds.
    """
    values = {}
    for name, (default, spec) in parameter_specs(params_class).items():
        ros_default = list(default) if isinstance(default, tuple) else default
        if isinstance(default, tuple) and isinstance(default[0], float):
            _take_whole_numbers(node, name)
        try:
            declared = node.declare_parameter(name, ros_default, _descriptor(default, spec))
            # An empty list arrives without type and value.
            is_empty = declared.value is None and isinstance(default, tuple)
            values[name] = () if is_empty else _value(declared)
        except InvalidParameterTypeException as error:
            given = node._parameter_overrides[name].value
            kind = type(ros_default).__name__
            raise ParameterError(
                f"parameter '{name}' is {given!r}; expected {kind}, such as {ros_default!r}"
            ) from error
        except ParameterException as error:
            given = node._parameter_overrides[name].value
            raise ParameterError(
                f"parameter '{name}' is {given!r}; expected {spec.bounds} {spec.unit}".rstrip()
            ) from error
    try:
        return params_class(**values)
    except ValueError as error:
        raise ParameterError(f'parameter {error}') from error


def refuse_unknown_parameters(node: Node) -> None:
    """
    Refuse parameters that were given to the node but that it does not have.

    :raises ParameterError: naming them and the ones there are.
    """
    given = set(node._parameter_overrides)
    unknown = sorted(
        name
        for name in given
        if not node.has_parameter(name)
        and name not in ROS_PARAMETERS
        and not name.startswith('qos_overrides.')
    )
    if unknown:
        known = ', '.join(sorted(p for p in node._parameters if p not in ROS_PARAMETERS))
        raise ParameterError(f'unknown parameter {", ".join(unknown)}; this node has {known}')


def with_changes(params: Params, changes: list[Parameter]) -> tuple[Params, SetParametersResult]:
    """
    Parameters after a request to change some of them.

    :returns: the new parameters, or the old ones and why the request is refused.
    """
    names = {f.name for f in fields(params)}  # type: ignore[arg-type]
    values = {p.name: _value(p) for p in changes if p.name in names}
    try:
        changed = replace(params, **values)  # type: ignore[type-var]
    except ValueError as error:
        return params, SetParametersResult(successful=False, reason=str(error))
    return changed, SetParametersResult(successful=True)
