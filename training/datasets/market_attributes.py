"""
The attribute extension of Market-1501 (Lin et al. 2019).

Its 27 columns count values from 1; each colour has a yes/no column of its own. They become the 12
attributes of ``MARKET_ATTRIBUTES``.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from person_mtl_ros.structures import AttributeSpec
from training.datasets.sample import UNKNOWN, DatasetError
from training.labels import MARKET_ATTRIBUTES

_COLUMNS = {'sleeve': 'up', 'lower_length': 'down', 'lower_type': 'clothes'}
_COLOR_PREFIXES = {'upper_color': 'up', 'lower_color': 'down'}


def read_market_attributes(path: Path) -> dict[int, NDArray[np.int64]]:
    """
    Read ``market_attribute.mat``, or the same columns and ``pid`` from a ``.csv``.

    :returns: person of train and test set -> (12,) classes.
    :raises DatasetError: when it is missing or something else.
    """
    try:
        rows = _csv_rows(path) if path.suffix == '.csv' else _mat_rows(path)
        return {person: market_classes(row) for person, row in rows}
    except (OSError, KeyError, AttributeError, ValueError, NotImplementedError) as error:
        raise DatasetError(
            f'{path}: {" ".join(str(error).split())}; expected market_attribute.mat of '
            'https://github.com/vana77/Market-1501_Attribute'
        ) from error


def _mat_rows(path: Path) -> Iterator[tuple[int, dict[str, int]]]:
    tables = loadmat(path, squeeze_me=True, struct_as_record=False)['market_attribute']
    for table in (tables.train, tables.test):
        columns = {name: getattr(table, name) for name in table._fieldnames}
        for index, person in enumerate(columns.pop('image_index')):
            yield int(person), {name: int(values[index]) for name, values in columns.items()}


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, int]]]:
    with path.open(newline='') as file:
        for row in csv.DictReader(file):
            yield int(row['pid']), {name: int(value) for name, value in row.items()}


def market_classes(row: Mapping[str, int]) -> NDArray[np.int64]:
    """
    Classes of ``MARKET_ATTRIBUTES`` of a person.

    :param row: the 27 columns.
    :returns: (12,), UNKNOWN for the colour of someone who wears none or several of them.
    """
    return np.array([_class_of(spec, row) for spec in MARKET_ATTRIBUTES], np.int64)


def _class_of(spec: AttributeSpec, row: Mapping[str, int]) -> int:
    if spec.name not in _COLOR_PREFIXES:
        return row[_COLUMNS.get(spec.name, spec.name)] - 1
    prefix = _COLOR_PREFIXES[spec.name]
    worn = [index for index, name in enumerate(spec.classes) if row[prefix + name] == 2]
    return worn[0] if len(worn) == 1 else UNKNOWN
