import cv2
import numpy as np
import pytest

from person_mtl_ros.evaluation.calibration import (
    CalibrationError,
    Pairs,
    calibrate,
    draw_histograms,
    make_pairs,
)

TURN = np.deg2rad(60)  # cosine distance 0.5


def _directions(*angles: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)


def test_pairs_are_of_one_person_or_of_two_in_one_scene() -> None:
    embeddings = _directions(0, TURN, 2 * TURN, 3 * TURN)
    pairs = make_pairs(embeddings, [1, 1, 2, 2], [0, 1, 0, 1], [0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(pairs.positive, [0.5, 0.5], atol=1e-6)
    # Views 0 and 2, 1 and 3; not 0 and 3, which are of two scenes.
    np.testing.assert_allclose(pairs.negative, [1.5, 1.5], atol=1e-6)


def test_one_view_taken_twice_is_no_pair() -> None:
    embeddings = _directions(0, 0, TURN)
    pairs = make_pairs(embeddings, [1, 1, 1], [0, 0, 0], [0.0, 0.5, 2.0])
    np.testing.assert_allclose(pairs.positive, [0.5, 0.5], atol=1e-6)
    elsewhere = make_pairs(embeddings, [1, 1, 1], [0, 1, 0], [0.0, 0.5, 2.0])
    assert len(elsewhere.positive) == 3  # clocks of two scenes have nothing in common


def test_threshold_accepts_the_share_of_strangers_that_was_asked_for() -> None:
    negative = np.linspace(0.5, 1.5, 1001)
    positive = np.linspace(0.0, 1.0, 101)
    found = calibrate(Pairs(positive, negative), 0.1)
    assert found.same_person_threshold == pytest.approx(0.6)
    assert found.false_accept_rate == pytest.approx(0.1, abs=0.001)
    assert found.false_reject_rate == pytest.approx(0.4, abs=0.011)
    assert (found.positive_pairs, found.negative_pairs) == (101, 1001)
    assert found.negative_mean == pytest.approx(1.0)
    assert found.positive_deviation == pytest.approx(positive.std())


def test_too_few_pairs_are_refused_with_their_number() -> None:
    some = np.linspace(0.1, 1, 50)
    with pytest.raises(CalibrationError, match=r'50 pairs .* 0\.01 needs 100'):
        calibrate(Pairs(some, some), 0.01)
    with pytest.raises(CalibrationError, match='no two views of one person'):
        calibrate(Pairs(np.zeros(0), some), 0.1)


def test_the_picture_is_drawn(tmp_path) -> None:
    rng = np.random.default_rng(0)
    pairs = Pairs(rng.normal(0.3, 0.1, 200), rng.normal(0.8, 0.1, 300))
    path = tmp_path / 'histograms.png'
    draw_histograms(pairs, calibrate(pairs, 0.01), path)
    image = cv2.imread(str(path))
    assert image.shape[1] > image.shape[0] > 300
    colors = {tuple(color) for color in image.reshape(-1, 3)[::7].tolist()}
    assert len(colors) > 10
    assert list(tmp_path.iterdir()) == [path]


def test_distances_that_are_no_numbers_are_refused() -> None:
    pairs = Pairs(np.array([0.1, np.nan]), np.linspace(0.5, 1, 20))
    with pytest.raises(CalibrationError, match='the weights are damaged'):
        calibrate(pairs, 0.1)
