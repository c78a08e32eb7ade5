from pathlib import Path

import numpy as np
import pytest
from datasets_on_disk import write_pixels

from person_mtl_ros.crops import CropParams
from training.datasets.cihp import Cihp, boxes_of_labels
from training.datasets.sample import IGNORED_PART, DatasetError
from training.labels import FIVE_PARTS, LIP_PARTS

CROP = CropParams(height=128, width=64, context=1.0)
COAT, HAIR = LIP_PARTS.index('coat'), LIP_PARTS.index('hair')


@pytest.fixture
def cihp(tmp_path: Path) -> Path:
    """Write an image with two tall people side by side and a small one."""
    folder = tmp_path / 'instance-level_human_parsing/Validation'
    humans, categories = np.zeros((2, 100, 120), np.uint8)
    humans[10:90, 10:50], categories[10:90, 10:50] = 1, COAT
    humans[10:90, 50:90], categories[10:90, 50:90] = 2, HAIR
    humans[10:20, 100:105], categories[10:20, 100:105] = 3, HAIR
    image = np.zeros((100, 120, 3), np.uint8)
    image[:, :50] = 200
    for kind, pixels in (('Human_ids', humans), ('Category_ids', categories)):
        write_pixels(folder / kind / '0000001.png', pixels)
    write_pixels(folder / 'Images/0000001.jpg', image)
    return tmp_path


def test_each_tall_person_is_a_sample_and_the_others_background(cihp: Path) -> None:
    data = Cihp(cihp, CROP, split='val')
    assert len(data) == 2
    for index, (part, other) in enumerate(((COAT, HAIR), (HAIR, COAT))):
        parts = data[index].parts
        assert parts is not None
        assert parts[64, 32] == part
        assert other not in parts
        # 80 x 40 pixels fill the crop.
        assert (parts == part).mean() > 0.97
    assert data[0].image_rgb.mean() > 180
    assert data[1].image_rgb.mean() < 20


def test_a_margin_shows_the_neighbour_as_background(cihp: Path) -> None:
    parts = Cihp(cihp, CROP, margin=2, split='val')[0].parts
    assert parts is not None
    assert parts.shape == (256, 128)
    assert parts[128, 64] == COAT
    assert parts[128, 110] == 0  # the neighbour
    assert parts[128, 5] == IGNORED_PART  # beyond the image


def test_parts_can_be_the_merged_five(cihp: Path) -> None:
    data = Cihp(cihp, CROP, split='val', part_set='five')
    assert data.labels.part_names == FIVE_PARTS
    assert set(np.unique(data[0].parts)) <= {0, FIVE_PARTS.index('upper_body'), IGNORED_PART}


def test_boxes_are_kept_until_the_files_change(cihp: Path) -> None:
    assert len(Cihp(cihp, CROP, split='val', min_height=1)) == 3
    folder = cihp / 'instance-level_human_parsing/Validation'
    write_pixels(folder / 'Human_ids/0000001.png', np.zeros((100, 120), np.uint8))
    assert len(Cihp(cihp, CROP, split='val', min_height=1)) == 3
    write_pixels(folder / 'Human_ids/0000002.png', np.ones((100, 120), np.uint8))
    assert len(Cihp(cihp, CROP, split='val', min_height=1)) == 1


def test_boxes_are_around_the_pixels_of_each_number() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[2:5, 3:9], labels[7, 1] = 4, 9
    assert boxes_of_labels(labels) == [(4, (3, 2, 9, 5)), (9, (1, 7, 2, 8))]


def test_what_is_not_cihp_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'no Training .*instance-level_human_parsing\.tar\.gz'):
        Cihp(tmp_path, CROP)
    for kind in ('Images', 'Category_ids', 'Human_ids'):
        (tmp_path / 'Training' / kind).mkdir(parents=True)
    with pytest.raises(DatasetError, match='no people in 0 files'):
        Cihp(tmp_path, CROP)
