import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.tracking.existence import (
    LOST_LOG_ODDS,
    Existence,
    ScoreModel,
    log_probability,
)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=10))
def test_a_higher_score_never_says_less(scores: list[float]) -> None:
    ratio = ScoreModel().log_ratio(np.sort(scores))
    assert np.isfinite(ratio).all() and (np.diff(ratio) >= 0).all()


@pytest.mark.parametrize('typical', [0.5, 0.7, 0.99, 1.0])
def test_what_is_typical_of_this_detector_speaks_for_a_person(typical: float) -> None:
    model = ScoreModel()
    for _ in range(500):
        model.learn(np.full(5, typical))
    assert model.log_ratio(np.array([typical]))[0] > 0.5
    assert model.log_ratio(np.array([0.1]))[0] < 0


def test_no_scores_teach_nothing() -> None:
    model = ScoreModel()
    model.learn(np.zeros(0))
    assert model == ScoreModel()


def test_hits_count_by_time_not_by_images() -> None:
    odds = []
    for rate_hz in (10, 40):
        existence = Existence(0.5, -2.0)
        for step in range(rate_hz // 2):
            existence.hit(0.5, 1 / rate_hz, (step + 1) / rate_hz)
        odds.append(existence.log_odds)
    assert odds[0] == pytest.approx(odds[1])


def test_scores_of_one_track_are_averaged() -> None:
    existence = Existence(2.0, 0.0)
    for step in range(5):
        existence.hit(-1.0, 0.1, 0.1 * (step + 1))
    assert -1.0 < existence.score_evidence < 0.0


def test_misses_wear_belief_down_and_a_floor_holds_it() -> None:
    existence = Existence(1.0, 2.0)
    existence.miss(1.5)
    assert existence.log_odds == pytest.approx(1.5)
    existence.miss(10.0)
    existence.keep_above(1.0)
    assert existence.log_odds == pytest.approx(1.0)


def test_the_place_of_a_lost_person_is_given_up() -> None:
    existence = Existence(1.0, 4.0)
    existence.lose()
    assert existence.log_odds == pytest.approx(LOST_LOG_ODDS)


def test_log_probability_is_that_of_the_odds() -> None:
    odds = np.array([-800.0, 0.0, np.log(3.0), 800.0])
    np.testing.assert_allclose(log_probability(odds), [-800.0, np.log(0.5), np.log(0.75), 0.0])
