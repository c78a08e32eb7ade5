import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from person_mtl_ros.structures import AttributeSpec
from training import evaluation
from training.datasets.sample import IGNORED_PART, UNKNOWN, DatasetError, LabelSet
from training.evaluation import (
    evaluate,
    evaluate_attributes,
    evaluate_parts,
    evaluate_pose,
    evaluate_reid,
    evaluate_same_person,
    merge_to_5_parts,
    without_nan,
)
from training.labels import LIP_PARTS, LIP_TO_5_PARTS, MPII_KEYPOINTS
from training.metrics import correct_keypoints, head_sizes, head_sizes_of_joints, retrieval_scores


def _directions(*angles_deg: float) -> np.ndarray:
    angles = np.radians(angles_deg)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1)


def test_queries_look_through_the_gallery_without_their_camera() -> None:
    embeddings = _directions(0, 1, 10, 20)  # a query; its own camera's image; a stranger; itself
    scores = evaluate_reid(
        embeddings,
        identities=np.array([3, 3, 4, 3]),
        cameras=np.array([1, 1, 2, 2]),
        is_query=np.array([True, False, False, False]),
    )
    assert scores == {'mAP': 0.5, 'rank1': 0, 'rank5': 1, 'rank10': 1}


def test_junk_is_neither_right_nor_wrong() -> None:
    identities = np.array([3, UNKNOWN, 3])
    is_query = np.array([True, False, False])
    scores = evaluate_reid(_directions(0, 1, 10), identities, np.arange(3), is_query)
    assert scores['rank1'] == 1


def test_without_queries_every_crop_asks_for_the_others() -> None:
    scores = evaluate_reid(_directions(0, 1, 90, 91), np.array([0, 0, 1, 1]))
    assert scores['mAP'] == scores['rank1'] == 1


def test_queries_without_a_match_are_an_error_that_says_so() -> None:
    with pytest.raises(DatasetError, match='none of 2 queries has a match'):
        evaluate_reid(_directions(0, 1), np.array([0, 1]))


def test_perfect_features_are_perfect_on_the_labels_of_the_whole_benchmark(
    shared_data: Path,
) -> None:
    folder = shared_data / 'reid/market1501_labels'
    q_ids, q_cams, g_ids, g_cams = (
        loadmat(folder / f'{file}.mat')[key].ravel().astype(np.int64)
        for file, key in (
            ('queryID', 'queryID'),
            ('queryCam', 'queryCAM'),
            ('testID', 'testID'),
            ('testCam', 'testCAM'),
        )
    )
    q_ids, q_cams = q_ids[::50], q_cams[::50]
    # Junk nearest, then the person, then the others: only the rule for junk makes that perfect.
    distances = np.where(g_ids == UNKNOWN, 0, np.where(q_ids[:, None] == g_ids, 1, 2))
    scores = retrieval_scores(distances, q_ids, g_ids, q_cams, g_cams)
    assert scores.mean_average_precision == 1
    assert scores.cumulative_matches[0] == 1


def test_threshold_lies_between_one_person_and_strangers() -> None:
    scores = evaluate_same_person(_directions(0, 1, 90, 91), np.array([0, 0, 1, 1]))
    assert 1 - np.cos(np.radians(1)) < scores['same_person_threshold'] < 1
    assert scores['false_reject_rate'] == 0


def test_of_a_large_set_the_first_people_are_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, identities = _directions(0, 90, 1, 91, 45), np.array([0, 1, 0, 1, 2])
    monkeypatch.setattr(evaluation, '_MAX_PAIRED', 4)
    few = evaluate_same_person(embeddings, identities)
    assert few == evaluate_same_person(embeddings[:4], identities[:4])


ATTRIBUTES = (AttributeSpec('hat', ('no', 'yes')), AttributeSpec('age', ('a', 'b', 'c')))


def test_attributes_by_hand() -> None:
    probabilities = np.array(
        [[0.9, 0.1, 1, 0, 0], [0.6, 0.4, 0, 1, 0], [0.8, 0.2, 0, 0, 1], [0.1, 0.9, 0, 0, 1]]
    )
    classes = np.array([[0, 0], [0, UNKNOWN], [1, 1], [1, 2]])
    scores = evaluate_attributes(probabilities, classes, ATTRIBUTES)
    assert scores['accuracy/hat'] == pytest.approx(3 / 4)
    assert scores['mA/hat'] == pytest.approx((1 + 1 / 2) / 2)
    assert scores['accuracy/age'] == pytest.approx(2 / 3)
    assert scores['mA/age'] == pytest.approx(2 / 3)
    assert scores['accuracy'] == pytest.approx((3 / 4 + 2 / 3) / 2)


def test_an_attribute_without_labels_is_left_out() -> None:
    classes = np.array([[0, UNKNOWN]])
    scores = evaluate_attributes(np.array([[0.9, 0.1, 1, 0, 0]]), classes, ATTRIBUTES)
    assert np.isnan(scores['accuracy/age'])
    assert scores['accuracy'] == 1


def test_pckh_and_its_mean_agree_with_the_benchmark(shared_data: Path) -> None:
    expected = json.loads((shared_data / 'expected/pose.json').read_text())['pckh_mpii'][
        'PCKh@0.5'
    ]
    data = np.load(shared_data / 'metrics/pckh_mpii/mpii_val_vectors.npz')
    state = 1.0 - 2.0 * data['jnt_missing'].T
    keypoints = np.dstack((data['pos_gt'].transpose(2, 0, 1), state))
    sizes = head_sizes(data['headboxes'].reshape(4, -1).T)
    scores = evaluate_pose(data['pos_pred'].transpose(2, 0, 1), keypoints, sizes, MPII_KEYPOINTS)
    for name, short in zip(MPII_KEYPOINTS, data['joint_names'], strict=True):
        assert 100 * scores[f'PCKh/{name}'] == pytest.approx(
            expected['per_joint'][str(short)], abs=1e-5
        )
    mean = expected['mean_weighted_by_visible_without_pelvis_thorax']
    assert 100 * scores['PCKh'] == pytest.approx(mean, abs=1e-5)
    assert 100 * scores['PCKh_all'] == pytest.approx(
        expected['mean_weighted_by_visible_all_16'], abs=1e-5
    )


def test_joints_of_the_head_give_its_size(shared_data: Path) -> None:
    data = np.load(shared_data / 'metrics/pckh_mpii/mpii_val_vectors.npz')
    joints = data['pos_gt'].transpose(2, 0, 1)
    top, neck = (MPII_KEYPOINTS.index(name) for name in ('head_top', 'upper_neck'))
    sizes = head_sizes_of_joints(joints[:, top], joints[:, neck])
    ratios = sizes / head_sizes(data['headboxes'].reshape(4, -1).T)
    assert np.percentile(ratios, (2, 50, 98)) == pytest.approx(1, abs=0.01)


def test_people_without_head_size_and_joints_without_label_do_not_count() -> None:
    predictions = np.zeros((3, 2, 3))
    keypoints = np.array(
        [
            [[0, 0, 1], [9, 0, 0]],
            [[9, 0, 1], [9, 0, -1]],
            [[0, 0, 1], [0, 0, 1]],
        ],
        float,
    )
    scores = evaluate_pose(predictions, keypoints, np.array([1, 1, np.nan]), ('one', 'two'))
    assert scores == {'PCKh': 1 / 3, 'PCKh_all': 1 / 3, 'PCKh/one': 1 / 2, 'PCKh/two': 0}
    found = correct_keypoints(predictions[:1, :, :2], keypoints[:1, :, :2], np.ones(1))
    assert found.tolist() == [[True, False]]


def test_parts_by_hand_with_ignored_pixels_and_the_merged_classes() -> None:
    hat, hair, coat = (LIP_PARTS.index(name) for name in ('hat', 'hair', 'coat'))
    labels = np.array([[[hat, hair, coat, IGNORED_PART]]], np.uint8)
    predictions = np.array([[[hair, hair, coat, coat]]], np.uint8)
    scores = evaluate_parts(predictions, labels, LIP_PARTS)
    assert scores['IoU/hair'] == 1 / 2
    assert scores['IoU/hat'] == 0
    assert scores['IoU/coat'] == 1
    assert np.isnan(scores['IoU/background'])
    assert scores['mIoU'] == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert scores['mIoU_5'] == 1  # hat and hair are both head


def test_merging_counts_every_pixel_once() -> None:
    confusion = np.random.default_rng(0).integers(0, 9, (20, 20))
    merged = merge_to_5_parts(confusion)
    assert merged.sum() == confusion.sum()
    to_head = [index for index, part in enumerate(LIP_TO_5_PARTS) if part == 1]
    assert merged[1, 1] == confusion[np.ix_(to_head, to_head)].sum()


def test_all_tasks_that_are_there_are_measured() -> None:
    outputs = {'parts': np.zeros((1, 2, 2), np.uint8), 'reid': _directions(0, 0)}
    labels = {'parts': np.zeros((1, 2, 2), np.int64)}
    results = evaluate(outputs, labels, LabelSet(part_names=('background', 'person')))
    assert list(results) == ['parts']
    assert results['parts']['mIoU'] == 1


def test_results_are_json_even_where_nothing_is_labelled():
    nested = {'pose': {'PCKh': float('nan'), 'PCKh_all': 0.12345678}, 'crops': 3}
    expected = {'pose': {'PCKh': None, 'PCKh_all': 0.123457}, 'crops': 3}
    assert without_nan(nested) == expected
