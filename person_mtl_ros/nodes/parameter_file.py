"""What ROS does not say of parameter files: sections that no node reads."""

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

import yaml

SIMILARITY = 0.8  # of difflib: one or two letters wrong; other nodes are less alike


def misspelt_sections(args: Sequence[str], names: Collection[str]) -> Iterator[str]:
    """
    Find sections whose parameters a node of this process was probably meant to get.

    :param args: command line, with ``--params-file FILE`` any number of times.
    :param names: of the nodes of this process.
    :returns: a warning for each.
    """
    for option, path in pairwise(args):
        if option != '--params-file':
            continue
        sections = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
        for section in sections if isinstance(sections, dict) else ():
            name = str(section).split('/')[-1]
            close = get_close_matches(name, names, 1, SIMILARITY)
            if close and close[0] != name:
                yield (
                    f"{path}: no node '{name}' here, its parameters are ignored; "
                    f'did you mean {close[0]}?'
                )
