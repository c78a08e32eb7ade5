"""A trap of ROS parameter files: parameters below a misspelt node name reach nobody, silently."""

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

import yaml

SIMILARITY = 0.8  # of difflib: one or two letters wrong
SUFFIX = '_node'


def misspelt_sections(args: Sequence[str], names: Collection[str]) -> Iterator[str]:
    """
    Find sections that were probably meant for a node of this process.

    :param args: command line, with ``--params-file FILE`` any number of times; files that ROS
        would not read either are passed over.
    :param names: of the nodes of this process.
    :returns: a warning for each.
    """
    for path in _parameter_files(args):
        for section in _sections(path):
            name = section.split('/')[-1]
            if meant := _meant(name, names):
                yield (
                    f"{path}: no node '{name}' in this process, which has a {meant}; if that was "
                    'meant, its parameters are ignored'
                )


def _parameter_files(args: Sequence[str]) -> Iterator[Path]:
    is_for_ros = False
    for option, value in pairwise(args):
        if option in ('--ros-args', '--'):
            is_for_ros = option == '--ros-args'
        elif is_for_ros and option == '--params-file':
            yield Path(value)


def _sections(path: Path) -> list[str]:
    """Names of the first level; nothing below is read, where ROS knows other types than YAML."""
    try:
        root = yaml.compose(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeError, yaml.YAMLError):
        return []
    return [str(key.value) for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []


def _meant(name: str, names: Collection[str]) -> str | None:
    """Name that ``name`` is nearly, unless it has a number more, as a second node would."""
    if name in names:
        return None
    for known in names:
        if name == known.removesuffix(SUFFIX):
            return known
    if name.rstrip('0123456789_') in names:
        return None
    return next(iter(get_close_matches(name, names, 1, SIMILARITY)), None)
