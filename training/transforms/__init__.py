"""
From a ``Sample`` to the tensors of a batch, with or without random changes.

    transform = train_transform('geometric', (256, 128), dataset.labels)
    crop = transform(dataset[index], seed)

gives, of what the data set labels: ``image`` (3, H, W) uint8 RGB, ``identity`` and ``camera``
scalars, ``attributes`` (A,) int64, ``keypoints`` (J, 3) float32 with x, y in pixels of the new
crop, ``head_size`` scalar in the same pixels and ``parts`` (H, W) int64.
"""

from training.transforms.crop_transform import (
    CropTransform,
    evaluation_transform,
    margin_of,
    train_transform,
)
from training.transforms.policy import POLICIES, AugmentationPolicy

__all__ = [
    'POLICIES',
    'AugmentationPolicy',
    'CropTransform',
    'evaluation_transform',
    'margin_of',
    'train_transform',
]
