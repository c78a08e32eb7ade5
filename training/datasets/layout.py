"""Finds the files of a data set; archives differ in how deep they unpack."""

from collections.abc import Sequence
from pathlib import Path

from training.datasets.sample import DatasetError


def find(root: Path, candidates: Sequence[str], source: str) -> Path:
    """
    Give the first of some places that exists.

    :param root: folder of the data set.
    :param candidates: paths relative to it, the official one first.
    :param source: name of the data set and where to get it.
    :raises DatasetError: saying what was looked for, and the source.
    """
    for candidate in candidates:
        if (root / candidate).exists():
            return root / candidate
    others = f' (or {", ".join(candidates[1:])})' if len(candidates) > 1 else ''
    raise DatasetError(f'{root}: no {candidates[0]}{others}; expected {source}')
