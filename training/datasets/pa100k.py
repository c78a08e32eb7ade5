"""PA-100K (Liu et al. 2017): 100,000 pedestrians with 26 yes/no attributes."""

from pathlib import Path
from typing import Literal

import numpy as np
from scipy.io import loadmat

from person_mtl_ros.crops import CropParams
from training.datasets.layout import find
from training.datasets.person_view import PersonView, read_image
from training.datasets.sample import UNKNOWN, DatasetError, LabelSet, PersonDataset, Sample
from training.labels import PA100K_ATTRIBUTES

_SOURCE = 'PA-100K: annotation.mat and data.zip (https://github.com/xh-liu/HydraPlus-Net)'


class Pa100k(PersonDataset):
    """
    Crops of one split.

    :param root: folder with ``annotation.mat`` and ``release_data/release_data``.
    :param crop: of the network; the crops here are as a detector and cropper would give them.
    :param split: of the crops.
    :raises DatasetError: when files are missing.
    """

    def __init__(
        self, root: Path, crop: CropParams, split: Literal['train', 'val', 'test'] = 'train'
    ) -> None:
        annotations = find(root, ['annotation.mat', 'annotation/annotation.mat'], _SOURCE)
        folders = ['release_data/release_data', 'release_data', 'data']
        self._folder = find(root, folders, _SOURCE)
        try:
            tables = loadmat(annotations, squeeze_me=True)
            self._names = [str(name) for name in tables[f'{split}_images_name']]
            self._classes = np.atleast_2d(tables[f'{split}_label']).astype(np.int64)
        except (OSError, KeyError, ValueError, NotImplementedError) as error:
            reason = ' '.join(str(error).split())
            raise DatasetError(f'{annotations}: {reason}; expected {_SOURCE}') from error
        expected = (len(self._names), len(PA100K_ATTRIBUTES))
        if self._classes.shape != expected:
            raise DatasetError(
                f'{annotations}: {split}_label of shape {self._classes.shape}; expected {expected}'
            )
        self._crop = crop
        self.identities = np.full(len(self._names), UNKNOWN, np.int64)
        self.labels = LabelSet(attributes=PA100K_ATTRIBUTES)

    def __getitem__(self, index: int) -> Sample:
        """Read one crop."""
        image = read_image(self._folder / self._names[index])
        view = PersonView.of_whole(image.shape[:2], self._crop)
        return Sample(image_rgb=view.image(image), attributes=self._classes[index])
