import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from people import look, person

from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.existence import Existence
from person_mtl_ros.tracking.gallery import Gallery
from person_mtl_ros.tracking.kalman_filter import KalmanFilter, cxcywh_from_xyxy
from person_mtl_ros.tracking.recognition import identity_probabilities, nearness, recognise
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams
from person_mtl_ros.tracking.track import Track
from person_mtl_ros.tracking.track_table import TrackTable


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


FILTER = KalmanFilter(0.5, 2.0, 0.12, 0.05)
AT_ONCE = ReidTrackerParams(recover_votes=1, recover_vote_sec=0.0, max_nearness=6.0)


def _track(track_id: int, x: float, embedding: np.ndarray, is_matched: bool) -> Track:
    track = Track(
        track_id, person(x, embedding=embedding), 0.0, EmbeddingBank(8, 0.0), 0.0, Existence(0, 0)
    )
    track.look(embedding, 0.0, True)
    track.is_matched = is_matched
    return track


class _Room:
    """Somebody hidden at 300, somebody who went away, and somebody new who looks like both."""

    def __init__(self, x: float) -> None:
        hidden, away = _track(1, 300, look(1), False), _track(2, 300, look(2), False)
        both = look(1) + look(2)
        self.new = _track(3, x, both / np.linalg.norm(both), True)
        self.table, self.gallery = TrackTable(), Gallery()
        tracks = [hidden, self.new]
        boxes = cxcywh_from_xyxy(np.array([t.estimate.detection.box_xyxy for t in tracks]))
        self.table.append(tracks, *FILTER.start(boxes.astype(float)))
        self.gallery.add(hidden)
        self.gallery.add(away)

    def near(self, params: ReidTrackerParams = AT_ONCE) -> dict[int, np.ndarray]:
        return nearness(self.table, [self.new], self.gallery, FILTER, params)

    def agreed(self, params: ReidTrackerParams = AT_ONCE) -> list[int]:
        near = self.near(params)
        found = recognise([self.new], self.gallery, AppearanceModel(0.5), near, params, 1.0)
        return [track_id for _, track_id in found.agreed]


def test_of_two_who_look_alike_it_is_the_one_expected_there() -> None:
    assert _Room(305).agreed() == [1]
    assert _Room(900).agreed() == []


def test_place_speaks_for_who_is_predicted_never_against_and_only_so_far() -> None:
    assert _Room(305).near().keys() == {1}  # the other one's place is not known
    assert _Room(305).near()[1] == pytest.approx([6.0])
    assert _Room(900).near()[1] == [0.0]
    assert _Room(305).near(ReidTrackerParams(max_nearness=0.0))[1] == [0.0]


def test_place_alone_revives_nobody() -> None:
    room = _Room(305)
    room.new.look_sum = 1.0 * look(7)  # somebody else altogether
    assert room.agreed() == []
