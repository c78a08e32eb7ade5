from pathlib import Path

import numpy as np
import pytest
from datasets_on_disk import write_pixels
from PIL import Image

from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops
from training.datasets.label_sets import merge_parts, select_keypoints
from training.datasets.person_view import (
    PersonView,
    box_of_keypoints,
    read_image,
    read_label_map,
)
from training.datasets.sample import HIDDEN, IGNORED_PART, UNLABELLED, VISIBLE, DatasetError
from training.labels import COCO_FLIP, COCO_KEYPOINTS, LIP_FLIP, LIP_PARTS, MPII_KEYPOINTS

CROP = CropParams(height=64, width=32)
BOX = (10.0, 20.0, 30.0, 80.0)


def _image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (120, 90, 3), np.uint8)


def test_without_margin_the_pixels_are_those_of_the_robot() -> None:
    robot = cut_crops(_image(), crop_boxes([BOX], CROP), CROP)[0]
    assert (PersonView.around(BOX, CROP).image(_image()).transpose(2, 0, 1) == robot).all()


def test_a_margin_adds_pixels_around_the_same_centre_at_the_same_scale() -> None:
    tight, wide = PersonView.around(BOX, CROP), PersonView.around(BOX, CROP, 1.5)
    assert (wide.params.height, wide.params.width) == (96, 48)
    assert wide.scale == pytest.approx(tight.scale)
    centers = [(view.area_xyxy[0, :2] + view.area_xyxy[0, 2:]) / 2 for view in (tight, wide)]
    assert centers[0] == pytest.approx(centers[1])


def test_joints_and_parts_lie_on_their_pixels() -> None:
    pixels = np.zeros((120, 90, 3), np.uint8)
    labels = np.zeros((120, 90), np.uint8)
    pixels[46:54, 16:24], labels[46:54, 16:24] = 255, 5
    view = PersonView.around(BOX, CROP, 1.25)
    keypoints = np.array([[20, 50, VISIBLE], [20, 50, HIDDEN], [0, 0, UNLABELLED]], np.float32)
    moved = view.keypoints(keypoints)
    assert moved[:, 2].tolist() == [VISIBLE, HIDDEN, UNLABELLED]
    parts = view.parts(labels)
    rows, columns = np.nonzero(parts == 5)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(moved[0, :2], abs=0.5)
    is_bright = view.image(pixels)[..., 0] > 127
    assert (is_bright == (parts == 5)).mean() > 0.99


def test_nothing_is_labelled_outside_the_image() -> None:
    view = PersonView.around((0, 0, 40, 120), CROP, 1.5)
    parts = view.parts(np.ones((120, 90), np.uint8))
    x0, y0 = view.area_xyxy[0, :2]
    first_column, first_row = (round(float(-v * view.scale)) for v in (x0, y0))
    assert (parts[:, :first_column] == IGNORED_PART).all()
    assert (parts[:first_row] == IGNORED_PART).all()
    assert parts[first_row + 1, first_column + 1] == 1


def test_a_whole_image_of_the_aspect_ratio_stays_as_it_is() -> None:
    image = _image()[:64, :32]
    view = PersonView.of_whole((64, 32), CROP)
    assert (view.image(image) == image[..., ::-1]).all()


def test_the_box_of_joints_leaves_out_unlabelled_ones() -> None:
    keypoints = np.array([[10, 10, VISIBLE], [20, 60, HIDDEN], [500, 500, UNLABELLED]])
    assert box_of_keypoints(keypoints).tolist() == [5, 5, 25, 65]


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    (tmp_path / 'text.png').write_text('no image')
    with pytest.raises(DatasetError, match=r'text\.png'):
        read_image(tmp_path / 'text.png')
    with pytest.raises(DatasetError, match=r'text\.png'):
        read_label_map(tmp_path / 'text.png')
    write_pixels(tmp_path / 'colours.png', _image())
    with pytest.raises(DatasetError, match='expected one class per pixel'):
        read_label_map(tmp_path / 'colours.png')


def test_palette_indices_are_the_classes(tmp_path: Path) -> None:
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    image = Image.fromarray(labels, 'P')
    image.putpalette(list(range(255, -1, -1)) * 3)
    image.save(tmp_path / 'palette.png')
    assert (read_label_map(tmp_path / 'palette.png') == labels).all()


def test_joints_are_found_by_name() -> None:
    keypoints = np.zeros((17, 3), np.float32)
    keypoints[:, 0], keypoints[:, 2] = np.arange(17), VISIBLE
    selected = select_keypoints(keypoints, COCO_KEYPOINTS, MPII_KEYPOINTS)
    ankle, top = MPII_KEYPOINTS.index('left_ankle'), MPII_KEYPOINTS.index('head_top')
    assert selected[ankle].tolist() == [15, 0, VISIBLE]
    assert selected[top].tolist() == [0, 0, UNLABELLED]
    assert (selected[:, 2] == VISIBLE).sum() == 12


def test_mirrors_exchange_names() -> None:
    for names, flip in ((COCO_KEYPOINTS, COCO_FLIP), (LIP_PARTS, LIP_FLIP)):
        for name, other in zip(names, flip, strict=True):
            swapped = {'left': 'right', 'right': 'left'}
            side, _, rest = name.partition('_')
            assert names[other] == (f'{swapped[side]}_{rest}' if side in swapped else name)


def test_merging_keeps_what_is_ignored() -> None:
    labels = np.array([[1, 13, 9, 18, 0, IGNORED_PART, 20]], np.uint8)
    assert merge_parts(labels, 'five').tolist() == [[1, 1, 3, 4, 0, IGNORED_PART, IGNORED_PART]]
    assert merge_parts(labels[:, :6], 'lip').tolist() == labels[:, :6].tolist()
