"""Market-1501 (Zheng et al. 2015): 32,668 crops of 1,501 people, with attributes if there are."""

import re
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np

from person_mtl_ros.crops import CropParams
from training.datasets.layout import find
from training.datasets.market_attributes import read_market_attributes
from training.datasets.person_view import PersonView, read_image
from training.datasets.sample import UNKNOWN, DatasetError, LabelSet, PersonDataset, Sample
from training.labels import MARKET_ATTRIBUTES

_SOURCE = (
    'Market-1501-v15.09.15.zip of https://zheng-lab.cecs.anu.edu.au/Project/project_reid.html'
)
_NAME = re.compile(r'(-?\d+)_c(\d)s\d+_\d+_\d+')  # 0002_c1s1_000451_03: person, camera
_JUNK = -1  # bad boxes, which the protocol ignores
_DISTRACTOR = 0  # strangers to every query, and to each other


class Market1501(PersonDataset):
    """
    Crops of one split.

    :param root: folder with ``bounding_box_train``, ``query`` and ``bounding_box_test``.
    :param crop: of the network; the crops here are as a detector and cropper would give them.
    :param split: ``test`` is the queries and behind them the gallery.
    :param attribute_file: ``market_attribute.mat`` for attribute labels, or its columns as .csv.
    :param people: share of the people to take, in the order of their numbers: [first, last);
        distractors are kept, each a person of its own.
    :raises DatasetError: when files are missing.
    """

    def __init__(
        self,
        root: Path,
        crop: CropParams,
        split: Literal['train', 'test'] = 'train',
        attribute_file: Path | None = None,
        people: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        folders = ('bounding_box_train',) if split == 'train' else ('query', 'bounding_box_test')
        rows = [
            (path, person, camera, folder == 'query')
            for folder in folders
            for path, person, camera in _images(root, folder)
        ]
        numbers = sorted({person for _, person, _, _ in rows} - {_DISTRACTOR})
        first, last = (round(share * len(numbers)) for share in people)
        index_of = {person: index for index, person in enumerate(numbers[first:last])}
        rows = [row for row in rows if row[1] in index_of or row[1] == _DISTRACTOR]
        strangers = count(len(index_of))
        self._crop = crop
        self.paths = [path for path, *_ in rows]
        self._cameras = [camera for _, _, camera, _ in rows]
        self.identities = np.array(
            [
                next(strangers) if person == _DISTRACTOR else index_of[person]
                for _, person, _, _ in rows
            ],
            np.int64,
        )
        if split == 'test':
            self.is_query = np.array([is_query for *_, is_query in rows])
        self._attributes = None
        if attribute_file is not None:
            table = read_market_attributes(attribute_file)
            unknown = np.full(len(MARKET_ATTRIBUTES), UNKNOWN, np.int64)
            self._attributes = [table.get(person, unknown) for _, person, _, _ in rows]
        self.labels = LabelSet(attributes=MARKET_ATTRIBUTES if attribute_file else ())

    def __getitem__(self, index: int) -> Sample:
        """Read one crop."""
        image = read_image(self.paths[index])
        view = PersonView.of_whole(image.shape[:2], self._crop)
        return Sample(
            image_rgb=view.image(image),
            identity=int(self.identities[index]),
            camera=self._cameras[index],
            attributes=None if self._attributes is None else self._attributes[index],
        )


def parse_name(name: str) -> tuple[int, int]:
    """
    Person and camera of the name of a crop.

    :raises DatasetError: for another name.
    """
    match = _NAME.match(name)
    if match is None:
        raise DatasetError(f'{name}: expected a name as 0002_c1s1_000451_03.jpg')
    return int(match[1]), int(match[2])


def _images(root: Path, folder: str) -> list[tuple[Path, int, int]]:
    paths = sorted(find(root, [folder], _SOURCE).glob('*.jpg'))
    if not paths:
        raise DatasetError(f'{root / folder}: no .jpg; expected {_SOURCE}')
    rows = [(path, *parse_name(path.name)) for path in paths]
    return [row for row in rows if row[1] != _JUNK]
