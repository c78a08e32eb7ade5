import numpy as np
import pytest

from person_mtl_ros.backends.agreement import (
    bounds_of,
    disagreements,
    measure_agreement,
    worst,
)


def _answers() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(2, 8))
    return {
        'reid': embedding / np.linalg.norm(embedding, axis=1, keepdims=True),
        'attributes': rng.random((2, 5)),
        'pose': rng.random((2, 4, 3)) * 100,
        'parts': rng.integers(0, 5, (2, 20, 10)).astype(np.uint8),
    }


def test_equal_answers_agree() -> None:
    agreement = measure_agreement(_answers(), _answers(), 256)
    assert agreement == {
        'embedding_cosine': pytest.approx(1),
        'keypoint_error_px': 0,
        'attribute_error': 0,
        'part_pixels_equal': 1,
    }
    assert disagreements(agreement) == []


def test_one_wrong_person_is_not_averaged_away() -> None:
    wrong = _answers()
    wrong['reid'][1] *= -1
    wrong['pose'][1, 2, :2] += (3, 4)
    wrong['attributes'][0, 1] += 0.1
    wrong['parts'][1, :5] += 1
    agreement = measure_agreement(_answers(), wrong, 256)
    assert agreement == {
        'embedding_cosine': pytest.approx(-1),
        'keypoint_error_px': pytest.approx(5),
        'attribute_error': pytest.approx(0.1),
        'part_pixels_equal': pytest.approx(0.75),
    }
    faults = '; '.join(disagreements(agreement))
    assert 'embedding_cosine -1.0000, expected at least 0.999' in faults
    assert 'keypoint_error_px 5.0000, expected at most 0.5' in faults
    assert len(disagreements(agreement)) == 4


def test_keypoints_count_in_pixels_of_the_full_crop() -> None:
    moved = _answers()
    moved['pose'][0, 0, 0] += 1
    assert measure_agreement(_answers(), moved, 128)['keypoint_error_px'] == pytest.approx(2)


def test_scores_of_keypoints_are_not_distances() -> None:
    other = _answers()
    other['pose'][..., 2] = 0
    assert measure_agreement(_answers(), other, 256)['keypoint_error_px'] == 0


def test_tasks_that_are_off_are_not_compared() -> None:
    answers = {'pose': _answers()['pose']}
    assert set(measure_agreement(answers, answers, 256)) == {'keypoint_error_px'}


def test_not_a_number_disagrees() -> None:
    wrong = {task: np.full_like(value, np.nan, float) for task, value in _answers().items()}
    assert len(disagreements(measure_agreement(_answers(), wrong, 256))) == 4


def test_the_worst_of_several_batches_counts() -> None:
    batches = [
        {'embedding_cosine': 0.9, 'attribute_error': 0.1},
        {'embedding_cosine': 0.8, 'attribute_error': 0.05},
    ]
    assert worst(batches) == {'embedding_cosine': 0.8, 'attribute_error': 0.1}


def test_int8_may_differ_more() -> None:
    agreement = {'embedding_cosine': 0.995, 'keypoint_error_px': 2.0}
    assert len(disagreements(agreement, bounds_of('bf16'))) == 2
    assert disagreements(agreement, bounds_of('int8')) == []
    assert len(disagreements({'embedding_cosine': 0.98}, bounds_of('int8'))) == 1
