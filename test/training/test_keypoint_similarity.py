import json
from pathlib import Path

import numpy as np
import pytest

from training.keypoint_similarity import evaluate_keypoint_similarity, keypoints_as_coco


@pytest.mark.parametrize(
    ('folder', 'truth', 'predictions', 'key'),
    [
        ('oks_coco', 'val.json', 'preds.json', 'oks_coco'),
        ('oks_coco_139099', 'gt_dataset.json', 'dt_dataset.json', 'oks_coco_139099'),
    ],
)
def test_average_precision_agrees_with_the_reference(
    shared_data: Path, folder: str, truth: str, predictions: str, key: str
) -> None:
    expected = json.loads((shared_data / 'expected/pose.json').read_text())[key]
    metrics = shared_data / 'metrics' / folder
    scores = evaluate_keypoint_similarity(
        json.loads((metrics / truth).read_text()), json.loads((metrics / predictions).read_text())
    )
    for name, value in scores.items():
        if expected[name] == -1:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(expected[name], abs=1e-6)


def test_people_in_the_format_of_coco_find_themselves() -> None:
    joints = np.array([[10, 20, 1], [30, 60, 0], [0, 0, -1]])
    names = ('left_hip', 'left_knee', 'left_ankle')
    truth = keypoints_as_coco([joints], [np.array([5, 10, 40, 70])], [900.0], ['a.jpg'], names)
    assert truth['annotations'][0]['keypoints'] == [10, 20, 2, 30, 60, 1, 0, 0, 0]
    assert truth['annotations'][0]['bbox'] == [5, 10, 35, 60]

    def precision(shift: float) -> float:
        keypoints = np.column_stack((joints[:, :2] + shift, np.ones(3))).ravel().tolist()
        found = {'image_id': 'a.jpg', 'category_id': 1, 'keypoints': keypoints, 'score': 0.5}
        return evaluate_keypoint_similarity(truth, [found], names)['AP50']

    assert precision(0) == pytest.approx(1)
    assert precision(200) == 0
