"""
Parameters as frozen dataclasses: name, default, unit, bounds and reason in one place.

The command line, the ROS nodes and the tables of the documentation all read these fields.
"""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class ParameterSpec:
    """What is known of one parameter beside its name and default."""

    doc: str
    unit: str = ''
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False  # takes effect only when the node starts

    @property
    def bounds(self) -> str:
        """The accepted values in words, empty if there is no limit."""
        if self.choices:
            return ' | '.join(repr(choice) for choice in self.choices)
        if self.minimum is None and self.maximum is None:
            return ''
        low = '' if self.minimum is None else f'{self.minimum:g} <= '
        high = '' if self.maximum is None else f' <= {self.maximum:g}'
        return f'{low}x{high}'


def parameter(
    default: Any,
    doc: str,
    unit: str = '',
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    read_only: bool = False,
) -> Any:
    """
    Field of a parameter dataclass.

    :param default: value when nobody says otherwise; a tuple of strings is a list parameter.
    :param doc: what it does and why the default is what it is, one sentence.
    :param unit: unit of a number.
    :param minimum: smallest accepted number.
    :param maximum: largest accepted number.
    :param choices: accepted strings.
    :param read_only: whether it is fixed once the node runs.
    """
    spec = ParameterSpec(doc, unit, minimum, maximum, choices, read_only)
    return field(default=default, metadata={'spec': spec})


def parameter_specs(params_class: type) -> dict[str, tuple[Any, ParameterSpec]]:
    """Name -> (default, spec) of every parameter of a dataclass, in order."""
    return {
        f.name: (f.default, f.metadata['spec'])
        for f in fields(params_class)
        if f.default is not MISSING
    }


def check_parameters(params: Any) -> None:
    """
    Refuse values outside their bounds; called by ``__post_init__`` of every parameter dataclass.

    :raises ValueError: naming parameter, value and bound.
    """
    for name, (_, spec) in parameter_specs(type(params)).items():
        value = getattr(params, name)
        if spec.choices:
            accepted = value in spec.choices
        else:
            accepted = (spec.minimum is None or value >= spec.minimum) and (
                spec.maximum is None or value <= spec.maximum
            )
        if not accepted:
            unit = f' {spec.unit}' if spec.unit else ''
            raise ValueError(f'{name} is {value!r}; expected {spec.bounds}{unit}')
