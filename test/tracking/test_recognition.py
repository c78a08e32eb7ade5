import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from person_mtl_ros.tracking.recognition import identity_probabilities


@given(
    st_numpy.arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 6)),
        elements=st.floats(-20, 20),
    )
)
def test_probabilities_leave_something_to_a_stranger(log_ratio: np.ndarray) -> None:
    probability = identity_probabilities(log_ratio, 0.5)
    assert (probability >= 0).all() and (probability.sum(axis=1) < 1).all()


def test_looks_that_say_nothing_leave_the_prior() -> None:
    probability = identity_probabilities(np.zeros((1, 4)), 0.6)
    np.testing.assert_allclose(probability, 0.15)


def test_the_more_people_are_remembered_the_more_evidence_it_takes() -> None:
    few, many = (
        identity_probabilities(np.array([[4.0] + [-4.0] * n]), 0.5)[0, 0] for n in (2, 50)
    )
    assert few > 0.9 > many


def test_two_who_look_alike_share_the_probability() -> None:
    probability = identity_probabilities(np.array([[8.0, 8.0, -8.0]]), 0.5)[0]
    assert probability[0] == pytest.approx(probability[1])
    assert probability[0] < 0.5
