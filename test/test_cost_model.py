import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.cost_model import CostModel

CROWD = 60


def _run(model: CostModel, cost, budget_sec: float, images: int = 100) -> list[tuple[int, float]]:
    """People and seconds of each of some images of a crowd."""
    done = []
    for _ in range(images):
        people = min(model.people_within(budget_sec), CROWD)
        done.append((people, cost(people)))
        model.add(*done[-1])
    return done


def _line(fixed_sec: float, per_person_sec: float, noise_sec: float = 0.0, outliers: float = 0.0):
    rng = np.random.default_rng(0)

    def cost(people: int) -> float:
        hiccup = 0.3 if rng.random() < outliers else 0.0
        noise = abs(rng.normal(0, noise_sec)) if noise_sec else 0.0
        return fixed_sec + per_person_sec * people + noise + hiccup

    return cost


def test_it_begins_with_one_person() -> None:
    assert CostModel().people_within(10.0) == 1


@given(st.floats(0, 0.05), st.floats(0.001, 0.02), st.floats(0.05, 0.5))
def test_without_noise_the_budget_is_filled_and_exceeded_by_trials_only(
    fixed_sec: float, per_person_sec: float, budget_sec: float
) -> None:
    done = _run(CostModel(), _line(fixed_sec, per_person_sec), budget_sec, images=200)
    fits = max(1, min(CROWD, int((budget_sec - fixed_sec) / per_person_sec + 1e-6)))
    counts = np.array([people for people, _ in done])
    assert counts.max() <= fits + 1
    assert np.mean(counts > fits) <= 1 / 8
    assert counts[50:].min() >= 0.85 * fits - 1


@pytest.mark.parametrize('outliers', [0.0, 0.05])
def test_with_noise_most_images_stay_within_and_most_of_the_budget_is_used(
    outliers: float,
) -> None:
    cost = _line(0.01, 0.005, noise_sec=0.008, outliers=outliers)
    done = _run(CostModel(), cost, 0.15, images=400)[20:]
    over = np.mean([seconds > 0.15 for _, seconds in done])
    assert over < 0.15 + outliers
    assert np.mean([people for people, _ in done]) > 0.75 * (0.15 - 0.01) / 0.005


def test_a_machine_that_becomes_busy_is_noticed() -> None:
    model = CostModel()
    _run(model, _line(0.01, 0.005), 0.15)
    busy = _run(model, _line(0.01, 0.010), 0.15)
    assert np.mean([seconds > 0.15 for _, seconds in busy[32:]]) <= 1 / 8
    calm = _run(model, _line(0.01, 0.005), 0.15)
    assert calm[-1][0] > 1.5 * busy[-1][0]


def test_a_fixed_part_beyond_the_budget_leaves_one_person() -> None:
    assert _run(CostModel(), _line(0.3, 0.005), 0.1)[-1][0] == 1


def test_where_more_people_cost_nothing_all_are_taken() -> None:
    assert _run(CostModel(), _line(0.02, 0.0), 0.1, images=10)[-1][0] == CROWD


def test_images_without_people_teach_nothing() -> None:
    model = CostModel()
    _run(model, _line(0.01, 0.005), 0.15)
    before = model.people_within(0.15)
    for _ in range(100):
        model.add(0, 0.5)
    assert model.people_within(0.15) == before
