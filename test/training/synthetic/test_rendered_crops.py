from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from training.labels import LIP_PARTS
from training.synthetic.crops import (
    SyntheticCrop,
    attribute_row,
    generate_crops,
    load_crops,
    render_crop,
)
from training.synthetic.identity import sample_identity

SIZE_HW = (96, 48)


@pytest.fixture(scope='module')
def crops() -> list[SyntheticCrop]:
    return [
        render_crop(
            sample_identity(np.random.default_rng([7, index])),
            np.random.default_rng(index),
            SIZE_HW,
        )
        for index in range(40)
    ]


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


def test_data_set_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    first = generate_crops(tmp_path / 'one', 3, 2, SIZE_HW, seed=5, workers=1)
    generate_crops(tmp_path / 'two', 3, 2, SIZE_HW, seed=5, workers=2)
    second = load_crops(tmp_path / 'two')
    for field in fields(second):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    np.testing.assert_array_equal(second.identity, [0, 0, 1, 1, 2, 2])
    identity = sample_identity(np.random.default_rng([5, 2]))
    np.testing.assert_array_equal(second.attributes[4], attribute_row(identity))
