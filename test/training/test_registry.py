import json
from pathlib import Path

import pytest
from datasets_on_disk import write_image

from person_mtl_ros.crops import CropParams
from training.datasets.mpii import Mpii
from training.datasets.registry import DATASETS, create_dataset
from training.datasets.sample import DatasetError
from training.labels import COCO_KEYPOINTS

CROP = CropParams(height=128, width=64)


def test_a_data_set_is_opened_by_name_with_options_of_yaml(tmp_path: Path) -> None:
    (tmp_path / 'annot').mkdir()
    person = {
        'image': '1.jpg',
        'joints': [[10.0 * i, 10.0 * i] for i in range(16)],
        'joints_vis': [1] * 16,
        'center': [80.0, 80.0],
        'scale': 1.0,
    }
    (tmp_path / 'annot/valid.json').write_text(json.dumps([person]))
    write_image(tmp_path / 'images/1.jpg', (200, 200))
    options = {'root': str(tmp_path), 'split': 'valid', 'keypoint_set': 'coco'}
    data = create_dataset('mpii', options, CROP, margin=1.5)
    assert isinstance(data, Mpii)
    assert data.labels.keypoint_names == COCO_KEYPOINTS
    assert (data[0].margin, data.context) == (1.5, CROP.context)
    assert create_dataset('mpii', options, CROP)[0].image_rgb.shape == (128, 64, 3)


def test_a_margin_is_for_data_sets_with_images_around_people(tmp_path: Path) -> None:
    write_image(tmp_path / 'bounding_box_train/0002_c1s1_000451_03.jpg')
    assert create_dataset('market1501', {'root': str(tmp_path)}, CROP, 1.5)[0].margin == 1
    assert create_dataset('market1501', {'root': str(tmp_path)}, CROP).context is None


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('imagenet', {}, r"data set 'imagenet': expected one of cihp, coco"),
        ('mpii', {}, r"data set 'mpii': option root: Field required"),
        ('mpii', {'root': '.', 'splt': 'train'}, r'option splt: Extra inputs .* options are root'),
        ('mpii', {'root': '.', 'split': 'test'}, r"option split: Input should be 'train'"),
        ('market1501', {'root': '.', 'people': [0]}, r'option people'),
        ('lip', {'root': '/nowhere'}, r'/nowhere: no TrainVal_pose|/nowhere: no TrainVal_images'),
    ],
)
def test_a_wrong_name_or_option_is_told(name: str, options: dict, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        create_dataset(name, options, CROP)


def test_what_the_network_decides_is_no_option() -> None:
    with pytest.raises(DatasetError, match='option crop'):
        create_dataset('mpii', {'root': '.', 'crop': {}}, CROP)
    assert sorted(DATASETS) == list(DATASETS)
