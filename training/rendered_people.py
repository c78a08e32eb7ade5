"""Data set: rendered crops with labels of all four tasks."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from training.labels import LIP_TO_5_PARTS, MPII_FLIP
from training.synthetic.crops import load_crops
from training.transforms import AugmentationParams, LabelledCrop, augment, resize_affine, warp

FIVE_PARTS = ('background', 'head', 'upper_body', 'lower_body', 'shoes')
FIVE_PART_COLORS = ((0, 0, 0), (255, 85, 0), (0, 119, 221), (0, 170, 85), (255, 255, 0))
FIVE_PARTS_FLIP = (0, 1, 2, 3, 4)  # none has a side


class RenderedPeople(Dataset[dict[str, Tensor]]):
    """
    Crops of ``training.synthetic.crops``, with the five part classes of Pfeiffer et al.

    :param folder: written by ``python -m training.synthetic.crops``.
    :param size_hw: of the crops to give.
    :param people: identities to take, as a share of all: [first, last).
    :param augmentation: how to change crops; None leaves them as they are.
    """

    def __init__(
        self,
        folder: Path,
        size_hw: tuple[int, int],
        people: tuple[float, float],
        augmentation: AugmentationParams | None,
    ) -> None:
        self._crops = load_crops(folder)
        self._size_hw = size_hw
        self._augmentation = augmentation
        first, last = (round(share * (self._crops.identity.max() + 1)) for share in people)
        # The crops of a person follow each other.
        self._begin, end = np.searchsorted(self._crops.identity, (first, last))
        self.identities = np.asarray(self._crops.identity[self._begin : end]) - first

    def __len__(self) -> int:
        return len(self.identities)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        """
        Give one crop.

        :param key: row and seed of the augmentation.
        :returns: ``image`` (3, H, W) uint8, ``keypoints`` (16, 3), ``parts`` (H, W) int64,
            ``attributes`` (12,) int64, ``identity`` scalar.
        """
        row, seed = key
        source = self._begin + row
        crop = LabelledCrop(
            np.asarray(self._crops.image_rgb[source]),
            np.asarray(self._crops.keypoints[source]),
            np.asarray(LIP_TO_5_PARTS, np.uint8)[self._crops.parts[source]],
        )
        if self._augmentation is None:
            if self._size_hw != crop.parts.shape:
                crop = warp(crop, resize_affine(crop.parts.shape, self._size_hw), self._size_hw)
        else:
            rng = np.random.default_rng(seed)
            crop = augment(
                crop, self._size_hw, MPII_FLIP, FIVE_PARTS_FLIP, self._augmentation, rng
            )
        return {
            'image': torch.from_numpy(crop.image_rgb.transpose(2, 0, 1).copy()),
            'keypoints': torch.from_numpy(crop.keypoints.astype(np.float32)),
            'parts': torch.from_numpy(crop.parts.astype(np.int64)),
            'attributes': torch.from_numpy(self._crops.attributes[source].astype(np.int64)),
            'identity': torch.tensor(int(self.identities[row])),
        }


def single_threaded_worker(_: int) -> None:
    """Keep a loading process to one core."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
