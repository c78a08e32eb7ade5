"""Parameters that tracking offline shares with the nodes, from their file and from ``--set``."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from person_mtl_ros.camera_motion import CameraMotionParams
from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.parameters import parameter_specs
from person_mtl_ros.refresh import RefreshParams
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams

TRACKER, PERCEPTION = 'tracker_node', 'perception_node'
PARAMS: dict[str, tuple[type, ...]] = {
    TRACKER: (ReidTrackerParams,),
    PERCEPTION: (RefreshParams, CameraMotionParams),
}
DEFAULTS = {
    node: {
        name: default
        for params in classes
        for name, (default, _) in parameter_specs(params).items()
    }
    for node, classes in PARAMS.items()
}
# Parameters that the section may have for the node around the tracker.
OF_THE_NODE = ('autostart', 'publish_lost', 'use_sim_time')

NodeValues = dict[str, dict[str, Any]]  # node -> parameter -> value


@dataclass(frozen=True)
class NodeParams:
    """What a command was told about the tracker and what comes before it."""

    tracker: ReidTrackerParams
    refresh: RefreshParams
    camera: CameraMotionParams
    set_by_hand: Mapping[str, Mapping[str, Any]]  # node -> parameter -> value


def add_param_arguments(parser: argparse.ArgumentParser) -> None:
    """How the parameters are given."""
    parser.add_argument(
        '--params',
        type=Path,
        metavar='FILE',
        help='ROS parameter file with a tracker_node, a perception_node or both',
    )
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='one parameter of the tracker, the camera motion, or how many people the network '
        'looks at; may be repeated',
    )


def read_node_params(options: argparse.Namespace) -> NodeParams:
    """
    Read the file, then what is set by hand.

    :param options: those of :func:`add_param_arguments`. Of a ``perception_node`` only the
        parameters of :data:`PARAMS` are taken.
    :raises CommandError: naming the key and what was expected.
    """
    values: NodeValues = {TRACKER: {}, PERCEPTION: {}}
    if options.params:
        values = _read_file(options.params)
    set_by_hand: NodeValues = {TRACKER: {}, PERCEPTION: {}}
    for setting in options.set:
        node, name, value = _parsed(setting)
        set_by_hand[node][name] = values[node][name] = value
    try:
        tracker = _made(ReidTrackerParams, values[TRACKER])
        refresh = _made(RefreshParams, values[PERCEPTION])
        camera = _made(CameraMotionParams, values[PERCEPTION])
    except ValueError as error:
        origin = [str(options.params)] if options.params else []
        raise CommandError(f'{", ".join([*origin, *options.set])}: {error}') from error
    return NodeParams(tracker, refresh, camera, set_by_hand)


def _made(params: type, values: dict[str, Any]) -> Any:
    """Parameters of one dataclass among the values of a node."""
    return params(**{name: values[name] for name in values.keys() & parameter_specs(params)})


def _parsed(setting: str) -> tuple[str, str, Any]:
    """Node, name and value of ``NAME=VALUE``."""
    name, equals, text = setting.partition('=')
    node = next((node for node, defaults in DEFAULTS.items() if name in defaults), None)
    if not equals or node is None:
        known = [name for defaults in DEFAULTS.values() for name in defaults]
        close = get_close_matches(name, known, 1) if equals else []
        expected = f'did you mean {close[0]}?' if close else f'NAME one of {", ".join(known)}'
        raise CommandError(f'--set {setting}: expected NAME=VALUE; {expected}')
    default = DEFAULTS[node][name]
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if isinstance(default, float):
        value = _number(text) if isinstance(value, int | str) else value
    _check_kind('--set', name, value, default)
    return node, name, value


def _number(text: str) -> float | str:
    """Read what YAML 1.1 takes for a whole number or, as 1e-3, for a text."""
    try:
        return float(text)
    except ValueError:
        return text


def _read_file(path: Path) -> NodeValues:
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = ' '.join(str(error).split())
        raise CommandError(f'{path}: not a YAML file: {reason}') from error
    nodes = content if isinstance(content, dict) else {}
    sections = {str(key).split('/')[-1]: (key, section) for key, section in nodes.items()}
    if not sections.keys() & DEFAULTS.keys():
        there = ', '.join(map(str, nodes)) or 'nothing'
        raise CommandError(f'{path}: no section {TRACKER} or {PERCEPTION}; it has {there}')
    return {
        node: _read_section(path, node, *sections[node]) if node in sections else {}
        for node in DEFAULTS
    }


def _read_section(path: Path, node: str, key: str, section: Any) -> dict[str, Any]:
    content = section.get('ros__parameters') if isinstance(section, dict) else None
    if not isinstance(content, dict):
        raise CommandError(f'{path}: {key} has no ros__parameters')
    values = {}
    for name, value in content.items():
        if name in DEFAULTS[node]:
            _check_kind(str(path), name, value, DEFAULTS[node][name])  # ROS tells 1 from 1.0 too
            values[name] = value
        elif node == TRACKER and name not in OF_THE_NODE:
            known = ', '.join(DEFAULTS[node])
            raise CommandError(f"{path}: unknown parameter '{name}'; {node} has {known}")
    return values


def _check_kind(origin: str, name: str, value: Any, default: Any) -> None:
    if type(value) is not type(default):
        kind = type(default).__name__
        raise CommandError(f'{origin}: {name} is {value!r}; expected {kind}, such as {default!r}')
