from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from training.datasets.sample import Sample
from training.labels import LIP_PARTS, MPII_KEYPOINTS
from training.synthetic.crop import SyntheticCrop, render_crop
from training.synthetic.domain import DOMAINS
from training.synthetic.domain_gap import saturation, sharpness, trunk_tilt, wrist_height
from training.synthetic.identity import sample_identity

SIZE_HW = (96, 48)
PART = {name: index for index, name in enumerate(LIP_PARTS)}
JOINT = {name: index for index, name in enumerate(MPII_KEYPOINTS)}


def _crops(domain: str, count: int) -> list[SyntheticCrop]:
    population = DOMAINS[domain].population
    return [
        render_crop(
            sample_identity(np.random.default_rng([7, index]), population),
            np.random.default_rng(index),
            SIZE_HW,
            domain,
        )
        for index in range(count)
    ]


@pytest.fixture(scope='module')
def of_domain() -> dict[str, list[SyntheticCrop]]:
    return {domain: _crops(domain, 40) for domain in DOMAINS}


@pytest.fixture(scope='module')
def crops(of_domain: dict[str, list[SyntheticCrop]]) -> list[SyntheticCrop]:
    return [crop for crops in of_domain.values() for crop in crops]


def test_same_seeds_give_the_same_crop() -> None:
    identity = sample_identity(np.random.default_rng(1))
    first, second = (render_crop(identity, np.random.default_rng(2), SIZE_HW) for _ in range(2))
    for field in fields(SyntheticCrop):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


def test_views_of_a_person_differ() -> None:
    identity = sample_identity(np.random.default_rng(1))
    first, second = (render_crop(identity, np.random.default_rng(s), SIZE_HW) for s in (2, 3))
    assert (first.image_rgb != second.image_rgb).mean() > 0.5
    np.testing.assert_array_equal(first.attributes, second.attributes)


def test_shapes_and_ranges_are_as_documented(crops: list[SyntheticCrop]) -> None:
    for crop in crops:
        assert crop.image_rgb.shape == (*SIZE_HW, 3)
        assert crop.parts.shape == SIZE_HW
        assert crop.parts.max() < len(LIP_PARTS)
        assert crop.keypoints.shape == (16, 3)
        assert set(np.unique(crop.keypoints[:, 2])) <= {-1.0, 0.0, 1.0}
        assert 0.3 < crop.visible <= 1.0


def test_joints_not_outside_lie_within_the_crop(crops: list[SyntheticCrop]) -> None:
    for crop in crops:
        inside = crop.keypoints[crop.keypoints[:, 2] >= 0]
        assert (inside[:, :2] >= 0).all()
        assert (inside[:, :2] < SIZE_HW[::-1]).all()


def test_visible_joints_lie_on_parts_or_bags(crops: list[SyntheticCrop]) -> None:
    on_part = [
        crop.parts[int(y), int(x)] > 0
        for crop in crops
        for x, y, state in crop.keypoints
        if state == 1
    ]
    # Bags are background in LIP and may hide a joint that is near below.
    assert np.mean(on_part) > 0.95


def test_parts_lie_within_the_box(crops: list[SyntheticCrop]) -> None:
    for crop in crops:
        rows, columns = np.nonzero(crop.parts)
        x0, y0, x1, y1 = crop.box
        assert columns.min() >= x0 - 1
        assert columns.max() <= x1 + 1
        assert rows.min() >= y0 - 1
        assert rows.max() <= y1 + 1


@pytest.mark.parametrize('side', ['left', 'right'])
def test_visible_limbs_lie_on_parts_of_their_side(crops: list[SyntheticCrop], side: str) -> None:
    other = {'left': 'right', 'right': 'left'}[side]
    own_pixels = other_pixels = 0
    for crop in crops:
        for joint, part in (('wrist', 'arm'), ('ankle', 'leg'), ('ankle', 'shoe')):
            x, y, state = crop.keypoints[JOINT[f'{side}_{joint}']]
            if state == 1:
                label = crop.parts[int(y), int(x)]
                own_pixels += label == PART[f'{side}_{part}']
                other_pixels += label == PART[f'{other}_{part}']
    assert own_pixels > 30
    assert other_pixels < 0.05 * own_pixels


def test_domains_differ_in_light_resolution_and_pose(
    of_domain: dict[str, list[SyntheticCrop]],
) -> None:
    def median(statistic: Callable[[Sample], float], domain: str) -> float:
        samples = [
            Sample(
                crop.image_rgb,
                keypoints=crop.keypoints,
                parts=crop.parts,
                head_size=crop.head_size,
            )
            for crop in of_domain[domain]
        ]
        return float(np.median([statistic(sample) for sample in samples]))

    assert median(saturation, 'sports') > 1.3 * median(saturation, 'surveillance')
    assert median(sharpness, 'clothes') > 1.1 * median(sharpness, 'surveillance')
    assert median(trunk_tilt, 'sports') > 1.5 * median(trunk_tilt, 'surveillance')
    assert median(wrist_height, 'sports') > median(wrist_height, 'surveillance') + 0.5
