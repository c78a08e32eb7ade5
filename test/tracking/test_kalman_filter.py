import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.tracking.kalman_filter import (
    KalmanFilter,
    cxcywh_from_xyxy,
    xyxy_from_cxcywh,
)

FILTER = KalmanFilter(
    speed_deviation=0.6, velocity_memory=2.0, size_noise=0.2, measurement_noise=0.1
)
BOX = np.array([[50.0, 80.0, 40.0, 100.0]])
STEP_RIGHT = np.array([[8.0, 0.0, 0.0, 0.0]])


def moving(velocity: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    mean, covariance = FILTER.start(BOX)
    mean[:, 4:] = velocity
    return mean, covariance


def test_boxes_survive_the_round_trip() -> None:
    boxes = np.array([[1.0, 2.0, 30.0, 90.0], [-5.0, 0.0, 5.0, 11.0]])
    np.testing.assert_allclose(xyxy_from_cxcywh(cxcywh_from_xyxy(boxes)), boxes)


def test_prediction_moves_the_centre_by_velocity_times_seconds_at_first() -> None:
    predicted, _ = FILTER.predict(*moving((30.0, -10.0)), dt=0.01)
    np.testing.assert_allclose(predicted[0, :4], [50.3, 79.9, 40.0, 100.0], atol=1e-3)


def test_prediction_comes_to_rest_after_the_memory_of_the_velocity() -> None:
    predicted, covariance = FILTER.predict(*moving((30.0, -10.0)), dt=1000.0)
    np.testing.assert_allclose(predicted[0], [110.0, 60.0, 40.0, 100.0, 0.0, 0.0], atol=1e-6)
    assert covariance[0, 2] == pytest.approx(60.0**2)


def test_prediction_covariance_is_that_of_many_random_walkers() -> None:
    rng = np.random.default_rng(0)
    walkers, dt = 20000, 0.02
    center = rng.normal(0, 0.1, walkers)
    velocity = rng.normal(0, 0.6, walkers)
    for _ in range(100):
        center += velocity * dt
        kick = rng.normal(0, 0.6 * np.sqrt(2 * dt / 2.0), walkers)
        velocity += -velocity * dt / 2.0 + kick
    expected = 100.0**2 * np.cov(center, velocity)
    _, covariance = FILTER.predict(*FILTER.start(BOX), dt=2.0)
    assert covariance[0, 0] == pytest.approx(expected[0, 0], rel=0.05)
    assert covariance[0, 1] == pytest.approx(expected[0, 1], rel=0.05)
    assert covariance[0, 2] == pytest.approx(expected[1, 1], rel=0.05)
    assert covariance[0, 3] == pytest.approx(10**2 + 20**2 * 2)


@given(st.floats(0.001, 5.0), st.floats(0.0, 1.0))
def test_two_part_steps_equal_the_whole_step(dt: float, part: float) -> None:
    mean, covariance = moving((30.0, -10.0))
    whole = FILTER.predict(mean, covariance, dt)
    first = FILTER.predict(mean, covariance, part * dt)
    both = FILTER.predict(*first, (1 - part) * dt)
    for one, other in zip(whole, both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-6)


def test_step_of_no_time_changes_nothing() -> None:
    mean, covariance = moving((30.0, -10.0))
    for before, after in zip(
        (mean, covariance), FILTER.predict(mean, covariance, 0.0), strict=True
    ):
        np.testing.assert_allclose(after, before)


def test_update_weighs_prediction_and_measurement_by_their_variances() -> None:
    mean, covariance = moving((0.0, 0.0))
    updated, updated_covariance = FILTER.update(mean, covariance, BOX + STEP_RIGHT)
    # equal variances of 10^2 px^2: half way, half the variance
    assert updated[0, 0] == pytest.approx(54.0)
    assert updated_covariance[0, 0] == pytest.approx(50.0)


def test_update_is_that_of_the_textbook() -> None:
    mean, covariance = FILTER.predict(*moving((30.0, -10.0)), 0.3)
    seen = BOX + np.array([[9.0, -4.0, 3.0, 6.0]])
    updated, updated_covariance = FILTER.update(mean, covariance, seen)

    center, coupling, velocity, size = covariance[0]
    full = np.diag([center, center, size, size, velocity, velocity])
    full[[0, 1, 4, 5], [4, 5, 0, 1]] = coupling
    measure = np.eye(4, 6)
    gain = full @ measure.T @ np.linalg.inv(full[:4, :4] + 10.0**2 * np.eye(4))
    expected = mean[0] + gain @ (seen[0] - mean[0, :4])
    expected_covariance = (np.eye(6) - gain @ measure) @ full
    np.testing.assert_allclose(updated[0], expected)
    np.testing.assert_allclose(
        updated_covariance[0], expected_covariance[[0, 0, 4, 2], [0, 4, 4, 2]]
    )


def test_a_perfect_detector_is_believed_and_a_useless_one_ignored() -> None:
    for noise, expected in ((1e-6, 58.0), (1e6, 50.0)):
        mean, covariance = moving((0.0, 0.0))
        other = KalmanFilter(0.6, 2.0, 0.2, noise)
        updated, _ = other.update(mean, covariance, BOX + STEP_RIGHT)
        assert updated[0, 0] == pytest.approx(expected, abs=1e-3)


def test_velocity_of_a_steady_walker_is_found_at_irregular_times() -> None:
    rng = np.random.default_rng(0)
    mean, covariance = FILTER.start(BOX)
    box = BOX.copy()
    for dt in rng.uniform(0.05, 0.4, 60):
        box[:, 0] += 70.0 * dt
        mean, covariance = FILTER.predict(mean, covariance, dt)
        mean, covariance = FILTER.update(mean, covariance, box)
    np.testing.assert_allclose(mean[0, 4:], [70.0, 0.0], atol=10.0)


def test_covariance_stays_positive() -> None:
    mean, covariance = FILTER.start(BOX)
    for dt in [0.04] * 300 + [10.0] * 10 + [1e-4] * 300:
        mean, covariance = FILTER.predict(mean, covariance, dt)
        mean, covariance = FILTER.update(mean, covariance, BOX)
        center, coupling, velocity, size = covariance[0]
        assert min(center, velocity, size, center * velocity - coupling**2) > 0


def test_many_tracks_give_what_each_gives_alone() -> None:
    boxes = np.random.default_rng(0).uniform(20.0, 200.0, (7, 4))
    seen = boxes + 3.0
    state = FILTER.predict(*FILTER.start(boxes), 0.1)
    together, _ = FILTER.update(*state, seen)
    for row in range(7):
        one = slice(row, row + 1)
        state = FILTER.predict(*FILTER.start(boxes[one]), 0.1)
        alone, _ = FILTER.update(*state, seen[one])
        np.testing.assert_allclose(together[one], alone)


def test_camera_motion_moves_position_and_turns_velocity() -> None:
    mean, covariance = moving((10.0, 0.0))
    quarter_turn_twice_as_near = np.array([[0.0, -2.0, 5.0], [2.0, 0.0, 7.0]])
    moved, moved_covariance = FILTER.move_camera(mean, covariance, quarter_turn_twice_as_near)
    np.testing.assert_allclose(
        moved[0], [-2 * 80 + 5, 2 * 50 + 7, 80.0, 200.0, 0.0, 20.0], atol=1e-9
    )
    np.testing.assert_allclose(moved_covariance, 4 * covariance)


def test_camera_at_rest_changes_nothing() -> None:
    mean, covariance = moving((10.0, 4.0))
    moved, moved_covariance = FILTER.move_camera(mean, covariance, np.eye(2, 3))
    np.testing.assert_allclose(moved, mean)
    np.testing.assert_allclose(moved_covariance, covariance)
