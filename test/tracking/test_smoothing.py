import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.structures import Detection, PersonEstimate
from person_mtl_ros.tracking.smoothing import AttributeBelief, KeypointFilter, view_weight

BOX = np.array([0, 0, 40, 100], np.float32)
HAT, NO_HAT = np.array([0.1, 0.9], np.float32), np.array([0.9, 0.1], np.float32)
MEMORY_SEC = 10.0


def _belief(*views) -> AttributeBelief:
    """Belief after views of a hat: probabilities, weight, stamp."""
    belief = AttributeBelief()
    for probabilities, weight, stamp_sec in views:
        belief.add({'hat': np.asarray(probabilities, np.float32)}, weight, stamp_sec, MEMORY_SEC)
    return belief


def _hat(*views) -> float:
    return float(_belief(*views).probabilities['hat'][1])


def test_nothing_seen_is_no_belief() -> None:
    assert AttributeBelief().probabilities == {}


def test_one_clear_view_is_believed_as_it_is() -> None:
    assert _hat((HAT, 1.0, 0.0)) == pytest.approx(0.9)


def test_one_poor_view_makes_a_vague_belief() -> None:
    assert 0.5 < _hat((HAT, 0.2, 0.0)) < 0.65


def test_views_that_agree_are_not_more_sure_together_than_their_mean() -> None:
    assert _hat(*[(HAT, 1.0, 0.1 * k) for k in range(100)]) == pytest.approx(0.9, abs=1e-3)


def test_clear_views_outvote_twice_as_many_poor_ones() -> None:
    poor = [(NO_HAT, 0.1, 0.1 * k) for k in range(20)]
    clear = [(HAT, 1.0, 2.0 + 0.1 * k) for k in range(10)]
    assert _hat(*poor, *clear) > 0.75
    assert _hat(*[(p, 1.0, t) for p, _, t in poor], *clear) < 0.5  # it is the weights that decide


def test_an_unsure_view_changes_little() -> None:
    unsure = np.array([0.5, 0.5], np.float32)
    assert _hat((HAT, 1.0, 0.0), (unsure, 1.0, 0.1)) > 0.7


def test_one_view_that_is_sure_and_wrong_has_no_veto() -> None:
    wrong = np.array([1.0, 0.0], np.float32)
    assert _hat(*[(HAT, 1.0, 0.1 * k) for k in range(10)], (wrong, 1.0, 1.0)) > 0.7


def test_old_views_fade() -> None:
    took_off = [(HAT, 1.0, 0.1 * k) for k in range(50)]
    assert _hat(*took_off, (NO_HAT, 1.0, 5.0 + 5 * MEMORY_SEC)) < 0.3
    assert _hat(*took_off, (NO_HAT, 1.0, 5.1)) > 0.7


def test_the_frame_rate_does_not_matter() -> None:
    def seen_at(rate):
        steps = np.arange(0, 8, 1 / rate)
        return _hat(*[(HAT if t < 4 else NO_HAT, 0.8, t) for t in steps])

    assert seen_at(30) == pytest.approx(seen_at(5), abs=0.03)


def test_an_attribute_that_is_missing_keeps_its_belief() -> None:
    belief = AttributeBelief()
    belief.add({'hat': HAT, 'bag': NO_HAT}, 1.0, 0.0, MEMORY_SEC)
    belief.add({'bag': HAT}, 1.0, 0.1, MEMORY_SEC)
    belief.add({'shoes': np.array([0.2, 0.3, 0.5], np.float32)}, 1.0, 0.2, MEMORY_SEC)
    found = belief.probabilities
    assert found['hat'][1] == pytest.approx(0.9, abs=0.01)
    assert found['bag'][1] == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(found['shoes'], [0.2, 0.3, 0.5], atol=1e-6)


def test_a_returned_person_is_believed_to_be_what_both_tracks_showed() -> None:
    old = _belief((HAT, 1.0, 0.0), (HAT, 1.0, 0.1))
    old.extend(_belief((NO_HAT, 1.0, 0.2)), MEMORY_SEC)
    both = _hat((HAT, 1.0, 0.0), (HAT, 1.0, 0.1), (NO_HAT, 1.0, 0.2))
    assert old.probabilities['hat'][1] == pytest.approx(both, abs=1e-5)
    nobody = AttributeBelief()
    nobody.extend(_belief((HAT, 1.0, 3.0)), MEMORY_SEC)
    assert nobody.probabilities['hat'][1] == pytest.approx(0.9)


def test_what_was_handed_out_does_not_change() -> None:
    belief = _belief((HAT, 1.0, 0.0))
    before = belief.probabilities['hat']
    belief.add({'hat': NO_HAT}, 1.0, 0.1, MEMORY_SEC)
    np.testing.assert_allclose(before, HAT, atol=1e-6)


@given(
    st.lists(
        st.tuples(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.floats(0, 1)), max_size=8
    )
)
def test_a_belief_is_always_a_distribution(views) -> None:
    belief = _belief(
        (np.ones(3) / 3, 0.5, 0.0), *[(p, w, k + 1.0) for k, (p, w) in enumerate(views)]
    )
    found = belief.probabilities['hat']
    assert np.isfinite(found).all() and (found >= 0).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ('score', 'sharpness', 'coverage', 'expected'),
    [
        (1.0, 1.0, 0.0, 1.0),
        (1.0, None, 0.0, 1.0),
        (0.5, 1.0, 0.0, 0.5),
        (1.0, 0.2, 0.0, 0.2),
        (1.0, 1.0, 0.75, 0.25),
        (1.0, 1.0, 1.0, 0.0),
    ],
    ids=['clear', 'unknown', 'low_score', 'blurred', 'occluded', 'hidden'],
)
def test_occluded_blurred_and_doubtful_views_count_less(
    score, sharpness, coverage, expected
) -> None:
    estimate = PersonEstimate(Detection(BOX, score), sharpness=sharpness)
    assert view_weight(estimate, coverage) == pytest.approx(expected)


def _filtered(places, rate, height=100.0, min_cutoff=1.0, speed_gain=6.0) -> np.ndarray:
    """Where the filter has one joint, (T, 2)."""
    keypoint_filter = KeypointFilter()
    return np.array(
        [
            keypoint_filter.smooth(
                np.array([[x, y, 0.5]], np.float32), height, k / rate, min_cutoff, speed_gain
            )[0, :2]
            for k, (x, y) in enumerate(places)
        ]
    )


def _resting(rate, seconds=4.0, noise=1.0):
    rng = np.random.default_rng(0)
    return 50 + noise * rng.standard_normal((int(seconds * rate), 2))


def test_a_resting_joint_is_held_still() -> None:
    places = _resting(30)
    assert _filtered(places, 30)[30:].std() < 0.5 * places[30:].std()


def test_a_fast_joint_is_followed_without_lag() -> None:
    t = np.arange(60) / 30
    places = np.column_stack([200 * t, 0 * t])  # two heights per second
    lag_px = places[30:, 0] - _filtered(places, 30)[30:, 0]
    slow_px = places[30:, 0] - _filtered(places, 30, speed_gain=0.0)[30:, 0]
    assert lag_px.max() < 5.0 < slow_px.min()


def test_smoothing_is_in_seconds_not_in_frames() -> None:
    step = [(0.0, 0.0)] + [(10.0, 0.0)] * 60
    slow, fast = (_filtered(step, rate, speed_gain=0.0) for rate in (10, 30))
    assert slow[5, 0] == pytest.approx(fast[15, 0], abs=0.6)  # half a second after the step


def test_far_people_are_smoothed_as_near_ones() -> None:
    places = _resting(30, noise=2.0)
    near = _filtered(10 * places, 30, height=1000.0)
    np.testing.assert_allclose(near, 10 * _filtered(places, 30, height=100.0), rtol=1e-4)


def test_scores_pass_and_another_skeleton_starts_afresh() -> None:
    keypoint_filter = KeypointFilter()
    keypoint_filter.smooth(np.zeros((2, 3), np.float32), 100.0, 0.0, 1.0, 0.0)
    other = np.array([[5, 6, 0.25], [7, 8, 0.5], [9, 1, 0.75]], np.float32)
    found = keypoint_filter.smooth(other, 100.0, 0.1, 1.0, 0.0)
    np.testing.assert_array_equal(found, other)
