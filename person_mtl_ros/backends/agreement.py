"""How far the answers of two backends differ, and how far they may."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

REFERENCE_HEIGHT = 256  # pixels of the crop that the bound of keypoints refers to


class Bounds(NamedTuple):
    """What makes answers the same, see ``measure_agreement``."""

    least: Mapping[str, float]
    greatest: Mapping[str, float]


EXACT = Bounds(
    least={'embedding_cosine': 0.999, 'part_pixels_equal': 0.99},
    greatest={'keypoint_error_px': 0.5, 'attribute_error': 0.02},
)
# Of int8. Small beside what the answers are used for: cosines of two views of one person differ
# by tenths, and a joint counts as found within 25.6 pixels (PCK@0.1).
RELAXED = Bounds(
    least={'embedding_cosine': 0.99, 'part_pixels_equal': 0.97},
    greatest={'keypoint_error_px': 2.0, 'attribute_error': 0.05},
)


def measure_agreement(
    expected: Mapping[str, NDArray[Any]], actual: Mapping[str, NDArray[Any]], crop_height: int
) -> dict[str, float]:
    """
    Compare the answers to the same crops, see ``Backend.infer``.

    :param expected: of the reference.
    :param actual: of the same tasks.
    :param crop_height: of the crops in pixels.
    :returns: of the tasks that are there: ``embedding_cosine``, the least; ``keypoint_error_px``,
        the greatest, in pixels of a crop of height 256; ``attribute_error``, the greatest
        difference of a probability; ``part_pixels_equal``, the share in the worst crop.
    """
    agreement = {}
    if 'reid' in expected:
        cosine = (expected['reid'] * actual['reid']).sum(axis=1)
        agreement['embedding_cosine'] = float(cosine.min())
    if 'pose' in expected:
        offset_xy = (expected['pose'] - actual['pose'])[..., :2]
        error = np.linalg.norm(offset_xy, axis=-1).max()
        agreement['keypoint_error_px'] = float(error * REFERENCE_HEIGHT / crop_height)
    if 'attributes' in expected:
        error = np.abs(expected['attributes'] - actual['attributes']).max()
        agreement['attribute_error'] = float(error)
    if 'parts' in expected:
        equal = (expected['parts'] == actual['parts']).mean(axis=(1, 2))
        agreement['part_pixels_equal'] = float(equal.min())
    return agreement


def worst(agreements: list[dict[str, float]]) -> dict[str, float]:
    """Worst of each measure over several batches, which have the same ones."""
    return {
        name: (min if name in EXACT.least else max)(agreement[name] for agreement in agreements)
        for name in agreements[0]
    }


def bounds_of(precision: str) -> Bounds:
    """Bounds for the answers in a precision."""
    return RELAXED if precision == 'int8' else EXACT


def disagreements(agreement: Mapping[str, float], bounds: Bounds = EXACT) -> list[str]:
    """Say in words what is out of bounds; NaN is."""
    faults = [
        f'{name} {value:.4f}, expected at least {bounds.least[name]}'
        for name, value in agreement.items()
        if name in bounds.least and not value >= bounds.least[name]
    ]
    faults += [
        f'{name} {value:.4f}, expected at most {bounds.greatest[name]}'
        for name, value in agreement.items()
        if name in bounds.greatest and not value <= bounds.greatest[name]
    ]
    return faults
