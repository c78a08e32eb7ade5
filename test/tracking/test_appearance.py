import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.tracking.appearance import AppearanceModel


@given(st.floats(0.05, 1.0))
def test_the_threshold_is_where_evidence_changes_sides(threshold: float) -> None:
    ratio = AppearanceModel(threshold).log_ratio(threshold * np.array([0.5, 1.0, 1.5]), 4.0)
    assert ratio[0] > 0 > ratio[2]
    assert ratio[1] == pytest.approx(0.0, abs=1e-9)


def test_an_unknown_distance_says_nothing() -> None:
    assert AppearanceModel(0.4).log_ratio(np.array([np.nan]), 4.0) == 0.0


def test_evidence_is_bounded() -> None:
    ratio = AppearanceModel(0.4).log_ratio(np.array([0.0, 2.0]), 4.0)
    assert np.all(np.abs(ratio) <= 4.0)


def test_a_network_that_cannot_tell_these_people_apart_loses_its_say() -> None:
    model = AppearanceModel(0.4)
    rng = np.random.default_rng(0)
    for _ in range(200):
        model.learn(rng.normal(0.10, 0.05, 5), rng.normal(0.11, 0.05, 20))
    assert np.abs(model.log_ratio(np.linspace(0.05, 0.15, 5), 4.0)).max() < 0.5


def test_a_threshold_off_by_two_is_corrected_by_the_scene() -> None:
    model = AppearanceModel(0.8)
    rng = np.random.default_rng(0)
    for _ in range(200):
        model.learn(rng.normal(0.2, 0.05, 5), rng.normal(0.6, 0.05, 20))
    ratio = model.log_ratio(np.array([0.25, 0.55]), 4.0)
    assert ratio[0] > 1 and ratio[1] < -1


def test_without_threshold_nothing_is_said_before_something_is_learnt() -> None:
    model = AppearanceModel(None)
    assert np.all(model.log_ratio(np.array([0.0, 1.0]), 4.0) == 0.0)
    model.learn(np.full(50, 0.1), np.full(50, 0.7))
    ratio = model.log_ratio(np.array([0.1, 0.7]), 4.0)
    assert ratio[0] > 0 > ratio[1]


def test_a_hidden_person_may_look_a_little_different_but_not_like_somebody_else() -> None:
    model = AppearanceModel(0.6)
    distances = np.array([[0.3, 0.5, 0.9]])
    clear, hidden = (model.log_ratio(distances, 8.0, coverage)[0] for coverage in (0.0, 0.8))
    assert clear[0] > hidden[0] > 0, 'a look that fits says less'
    assert hidden[1] > clear[1], 'one that is half somebody else says less against'
    assert hidden[2] < -0.5, 'that of a stranger still speaks against'


def test_each_detection_has_its_own_coverage() -> None:
    model = AppearanceModel(0.6)
    distances = np.full((2, 3), 0.5)
    together = model.log_ratio(distances, 8.0, np.array([0.0, 0.4, 0.8]))
    for column, coverage in enumerate((0.0, 0.4, 0.8)):
        alone = model.log_ratio(distances[:, column], 8.0, coverage)
        np.testing.assert_allclose(together[:, column], alone)
