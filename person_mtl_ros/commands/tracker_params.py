"""Parameters of the tracker from the ROS parameter file that its node reads as well."""

from pathlib import Path
from typing import Any

import yaml

from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.parameters import parameter_specs
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams

NODE = 'tracker_node'
# Parameters that the section may have for the node around the tracker.
OF_THE_NODE = ('autostart', 'publish_lost', 'use_sim_time')


def read_tracker_params(path: Path) -> ReidTrackerParams:
    """
    Read the section of the tracker node, ``tracker_node`` or ``/**/tracker_node``.

    :param path: ROS parameter file.
    :raises CommandError: naming the key and what was expected.
    """
    defaults = {name: default for name, (default, _) in parameter_specs(ReidTrackerParams).items()}
    values = {}
    for name, value in _section(path).items():
        if name in OF_THE_NODE:
            continue
        if name not in defaults:
            known = ', '.join(defaults)
            raise CommandError(f"{path}: unknown parameter '{name}'; {NODE} has {known}")
        if type(value) is not type(defaults[name]):  # ROS tells 1 from 1.0 too
            kind = type(defaults[name]).__name__
            raise CommandError(
                f'{path}: {name} is {value!r}; expected {kind}, such as {defaults[name]!r}'
            )
        values[name] = value
    try:
        return ReidTrackerParams(**values)
    except ValueError as error:
        raise CommandError(f'{path}: {error}') from error


def _section(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = ' '.join(str(error).split())
        raise CommandError(f'{path}: not a YAML file: {reason}') from error
    nodes = content if isinstance(content, dict) else {}
    for key, section in nodes.items():
        if str(key).split('/')[-1] == NODE:
            values = section.get('ros__parameters') if isinstance(section, dict) else None
            if not isinstance(values, dict):
                raise CommandError(f'{path}: {key} has no ros__parameters')
            return values
    there = ', '.join(map(str, nodes)) or 'nothing'
    raise CommandError(f'{path}: no section {NODE}; it has {there}')
