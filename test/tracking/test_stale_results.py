"""What becomes of people whom the network did not look at in an image."""

import math
from dataclasses import replace

import numpy as np
import pytest
from people import ids, look, person

from person_mtl_ros.structures import PartMask, PersonEstimate, TrackedPerson
from person_mtl_ros.tracking.reid_tracker import ReidTracker, ReidTrackerParams

HAT = {'hat': np.array([0.2, 0.8], np.float32)}


def _evaluated(x: float, height: float = 100.0, embedding: np.ndarray | None = None):
    seen = person(x, height=height, embedding=look(0) if embedding is None else embedding)
    x0, y0, x1, y1 = seen.detection.box_xyxy
    return replace(
        seen,
        attributes=HAT,
        keypoints=np.array([[x0, y0, 0.9], [x1, y1, 0.8]], np.float32),
        part_mask=PartMask(np.ones((2, 2), np.uint8), np.array([x0, y0, x1, y1], np.float32) - 5),
        sharpness=0.5,
    )


def _unevaluated(x: float, height: float = 100.0) -> PersonEstimate:
    return replace(person(x, height=height), is_evaluated=False)


def _walk(tracker: ReidTracker, sightings: list, begin: int = 0) -> TrackedPerson:
    for step, sighting in enumerate(sightings, start=begin):
        tracks = tracker.step(1 + step / 10, [sighting])
    (track,) = tracks
    return track


def test_results_are_kept_move_with_the_box_and_tell_their_age() -> None:
    first = _evaluated(100)
    track = _walk(ReidTracker(), [first, _unevaluated(102), _unevaluated(104, height=110)])
    estimate = track.estimate
    assert estimate is not None and not estimate.is_evaluated
    assert track.result_age_sec == pytest.approx(0.2)
    np.testing.assert_array_equal(estimate.embedding, first.embedding)
    assert estimate.sharpness == 0.5
    x0, y0, x1, y1 = estimate.detection.box_xyxy
    np.testing.assert_allclose(estimate.keypoints, [[x0, y0, 0.9], [x1, y1, 0.8]], rtol=1e-5)
    expected = np.array([x0, y0, x1, y1]) - 5 * 1.1
    np.testing.assert_allclose(estimate.part_mask.box_xyxy, expected, rtol=1e-4)
    np.testing.assert_array_equal(estimate.part_mask.labels, 1)
    assert (x0 + x1) / 2 == pytest.approx(104)


def test_a_fresh_result_takes_the_place_of_the_old() -> None:
    fresh = _evaluated(104, embedding=look(0, 0.1, np.random.default_rng(0)))
    track = _walk(ReidTracker(), [_evaluated(100), _unevaluated(102), fresh])
    assert track.estimate == fresh and track.result_age_sec == 0


def test_before_the_network_looked_nothing_is_known() -> None:
    track = _walk(ReidTracker(), [_unevaluated(100), _unevaluated(102)])
    assert track.result_age_sec == math.inf
    assert track.attributes == {} and track.estimate.embedding.size == 0


def test_age_goes_on_while_a_person_is_not_seen() -> None:
    tracker = ReidTracker()
    _walk(tracker, [_evaluated(100)] * 5)
    (track,) = tracker.step(1.7, [])
    assert not track.is_matched
    assert track.result_age_sec == track.time_since_seen_sec == pytest.approx(0.3)


def test_attributes_are_believed_as_before() -> None:
    tracker = ReidTracker()
    before = _walk(tracker, [_evaluated(100)]).attributes['hat']
    after = _walk(tracker, [_unevaluated(100)] * 10, begin=1).attributes['hat']
    np.testing.assert_array_equal(before, after)


def test_smoothing_of_keypoints_counts_a_view_once() -> None:
    params = ReidTrackerParams(keypoint_cutoff=1.0)
    still = _walk(ReidTracker(params), [_evaluated(100), _evaluated(140)])
    stale = _walk(ReidTracker(params), [_evaluated(100), _evaluated(140), _unevaluated(140)])
    np.testing.assert_allclose(stale.estimate.keypoints, still.estimate.keypoints, atol=1e-4)


@pytest.mark.parametrize(
    ('later', 'is_recovered'),
    [(_unevaluated, False), (_evaluated, True)],
    ids=['one_look', 'a_look_each'],
)
def test_one_look_is_one_vote_for_an_old_identity(later, is_recovered: bool) -> None:
    tracker = ReidTracker(same_person_threshold=0.4)
    for step in range(20):
        tracker.step(1 + step / 10, [_evaluated(100)])
    tracker.step(15.0, [])  # long after anybody would be expected somewhere
    for step in range(10):
        sighting = _evaluated(400) if step == 0 else later(400)
        tracks = tracker.step(20 + step / 10, [sighting])
    assert (1 in ids(tracks)) == is_recovered
