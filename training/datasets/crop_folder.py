"""Crops in a folder, without labels: those of one's own robot, see ``training.collect``."""

from pathlib import Path

import numpy as np

from person_mtl_ros.crops import CropParams
from training.datasets.person_view import PersonView, read_image
from training.datasets.sample import UNKNOWN, DatasetError, LabelSet, PersonDataset, Sample

SUFFIXES = ('.jpg', '.jpeg', '.png')


class CropFolder(PersonDataset):
    """
    Every picture below a folder, each of one person, in the order of their paths.

    :param root: folder.
    :param crop: of the network.
    :raises DatasetError: when there are none.
    """

    def __init__(self, root: Path, crop: CropParams) -> None:
        self._paths = sorted(path for path in root.rglob('*') if path.suffix.lower() in SUFFIXES)
        if not self._paths:
            raise DatasetError(
                f'{root}: no {", ".join(SUFFIXES)}; python -m training.collect writes crops'
            )
        self._crop = crop
        self.identities = np.full(len(self._paths), UNKNOWN, np.int64)
        self.labels = LabelSet()

    def __getitem__(self, index: int) -> Sample:
        """Read one crop."""
        image = read_image(self._paths[index])
        return Sample(PersonView.of_whole(image.shape[:2], self._crop).image(image))
