import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.metrics import (
    confusion_matrix,
    correct_keypoints,
    head_sizes,
    intersections_over_union,
    retrieval_scores,
)


def test_retrieval_by_hand() -> None:
    # Person 1 seen by camera 1; the nearest image is the same person in the same camera: junk.
    distances = np.array([[0.1, 0.2, 0.3, 0.4]])
    identities, cameras = np.array([1, 2, 1, 1]), np.array([1, 2, 2, 3])
    scores = retrieval_scores(distances, np.array([1]), identities, np.array([1]), cameras)
    # Ranking without junk: wrong, right, right.
    assert scores.mean_average_precision == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert scores.cumulative_matches.tolist() == [0, 1, 1, 1]


def test_a_query_without_match_is_left_out() -> None:
    distances = np.array([[0.1, 0.2], [0.1, 0.2]])
    scores = retrieval_scores(
        distances, np.array([1, 9]), np.array([1, 2]), np.array([1, 1]), np.array([2, 2])
    )
    assert scores.mean_average_precision == 1


def test_retrieval_agrees_with_torchreid(shared_data: Path) -> None:
    expected = json.loads((shared_data / 'expected/reid.json').read_text())['reid_mini_market1501']
    data = np.load(shared_data / 'metrics/reid_mini_market1501/distances.npz')
    scores = retrieval_scores(
        data['distmat'], data['q_pids'], data['g_pids'], data['q_camids'], data['g_camids']
    )
    assert scores.mean_average_precision == pytest.approx(expected['mAP'], abs=1e-6)
    assert scores.cumulative_matches[:10] == pytest.approx(expected['CMC_rank1_to_10'], abs=1e-6)


def test_keypoints_within_half_a_head_are_correct() -> None:
    sizes = head_sizes(np.array([[0, 0, 30, 40]]))
    assert sizes == pytest.approx([30])
    targets = np.zeros((1, 2, 2))
    predictions = np.array([[[14.9, 0], [0, 15.1]]])
    assert correct_keypoints(predictions, targets, sizes).tolist() == [[True, False]]


@pytest.mark.parametrize('threshold', [0.5, 0.1])
def test_pckh_agrees_with_the_benchmark(shared_data: Path, threshold: float) -> None:
    expected = json.loads((shared_data / 'expected/pose.json').read_text())['pckh_mpii']
    data = np.load(shared_data / 'metrics/pckh_mpii/mpii_val_vectors.npz')
    sizes = head_sizes(data['headboxes'].reshape(4, -1).T)
    correct = correct_keypoints(
        data['pos_pred'].transpose(2, 0, 1), data['pos_gt'].transpose(2, 0, 1), sizes, threshold
    )
    labelled = data['jnt_missing'].T == 0
    per_joint = 100 * (correct & labelled).sum(axis=0) / labelled.sum(axis=0)
    expected_joints = expected[f'PCKh@{threshold}']['per_joint']
    for name, value in zip(data['joint_names'], per_joint, strict=True):
        assert value == pytest.approx(expected_joints[str(name)], abs=1e-5)


def test_overlap_by_hand() -> None:
    labels, predictions = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    confusion = confusion_matrix(predictions, labels, 3)
    assert confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    overlaps = intersections_over_union(confusion)
    assert overlaps[:2] == pytest.approx([1 / 2, 2 / 3])
    assert np.isnan(overlaps[2])


def test_overlap_agrees_with_the_reference(shared_data: Path) -> None:
    expected = json.loads((shared_data / 'expected/parsing.json').read_text())[
        'labels_vs_labels_rev_in_same_orientation_without_class_swap'
    ]
    folder = shared_data / 'parsing/cihp'
    confusion = np.zeros((20, 20), np.int64)
    for path in sorted((folder / 'labels').glob('*.png')):
        labels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        mirrored = cv2.imread(str(folder / 'labels_rev' / path.name), cv2.IMREAD_GRAYSCALE)
        confusion += confusion_matrix(mirrored[:, ::-1], labels, 20)
    overlaps = intersections_over_union(confusion)
    assert np.nanmean(overlaps) == pytest.approx(expected['mIoU_over_present_classes'], abs=1e-6)
    assert np.diag(confusion).sum() / confusion.sum() == pytest.approx(
        expected['pixel_accuracy'], abs=1e-6
    )
