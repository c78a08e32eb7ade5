import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from scipy.stats import multivariate_t

from person_mtl_ros.tracking.association import TAIL, assign, motion_log_ratio


@given(
    st_numpy.arrays(
        np.float64,
        st.tuples(st.integers(0, 4), st.integers(0, 4)),
        elements=st.floats(-10, 10, width=32),
    )
)
def test_assignment_has_the_greatest_sum_of_all(log_ratio: np.ndarray) -> None:
    pairs = assign(log_ratio)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(log_ratio[pair] > 0 for pair in pairs)

    rows, columns = log_ratio.shape
    padded = np.zeros((rows, columns + rows))  # the added columns stand for "not seen"
    padded[:, :columns] = np.maximum(log_ratio, 0.0)
    best = max(
        sum(padded[row, column] for row, column in enumerate(choice))
        for choice in itertools.permutations(range(columns + rows), rows)
    )
    assert sum(log_ratio[pair] for pair in pairs) == pytest.approx(best)


def ratio(offset_px: float, deviation_px: float) -> float:
    expected = np.array([[100.0, 100.0, 40.0, 100.0]])
    variance = np.full((1, 2), deviation_px**2)
    seen = expected + np.array([offset_px, 0, 0, 0])
    return motion_log_ratio(expected, variance, seen, 0.04)[0, 0]


def test_evidence_is_the_likelihood_of_student_t_over_the_density() -> None:
    # deviation 0.1 heights
    student = multivariate_t(shape=0.1**2 * np.eye(4), df=TAIL)
    assert ratio(10.0, 10.0) == pytest.approx(student.logpdf([0.1, 0, 0, 0]) - np.log(0.04))


def test_evidence_does_not_depend_on_the_unit_of_length() -> None:
    expected = np.array([[100.0, 100.0, 40.0, 100.0]])
    seen = expected + np.array([5.0, 2.0, 1.0, 3.0])
    near, far = (
        motion_log_ratio(scale * expected, scale**2 * np.full((1, 2), 50.0), scale * seen, 0.04)
        for scale in (1.0, 3.0)
    )
    np.testing.assert_allclose(near, far)


def test_a_vague_prediction_reaches_farther_and_says_less() -> None:
    assert ratio(0.0, 10.0) > ratio(0.0, 50.0)
    assert ratio(80.0, 7.0) < 0 < ratio(80.0, 25.0)
