from dataclasses import replace

import numpy as np
import pytest
from people import person

from person_mtl_ros.tracking.reid_tracker import ReidTracker
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams

HAT, NO_HAT = np.array([0.1, 0.9], np.float32), np.array([0.9, 0.1], np.float32)


def _belief_of(tracker, track_id) -> float:
    return next(t for t in tracker.step(99.0, []) if t.track_id == track_id).attributes['hat'][1]


def _watch(views, **params) -> float:
    """Belief in a hat after somebody was seen ten times a second."""
    tracker = ReidTracker(ReidTrackerParams(max_lost_sec=600.0, **params))
    for step, (probabilities, changes) in enumerate(views):
        seen = replace(person(300.0, attributes={'hat': probabilities}), **changes)
        tracks = tracker.step(0.1 * step, [seen])
        first = min(track.track_id for track in tracks)
    return _belief_of(tracker, first)


def test_views_are_pooled_by_their_logarithms() -> None:
    readings = [np.array(p, np.float32) for p in ([0.9, 0.1], [0.5, 0.5], [0.8, 0.2])] * 6
    powers = np.exp(np.mean(np.log(readings), axis=0))
    assert _watch([(p, {}) for p in readings]) == pytest.approx(powers[1] / powers.sum(), abs=0.02)


def test_a_blurred_view_counts_less() -> None:
    clear, blurred = {'sharpness': 1.0}, {'sharpness': 0.05}
    views = [(HAT, clear)] * 5
    assert _watch(views + [(NO_HAT, blurred)] * 10) > 0.7
    assert _watch(views + [(NO_HAT, clear)] * 10) < 0.5


def _watch_behind_somebody(distance: float, **params) -> float:
    """Belief in a hat of a person seen without one while somebody nearer stands so far aside."""
    tracker = ReidTracker(ReidTrackerParams(max_lost_sec=600.0, **params))
    for step in range(20):
        is_joined = step >= 8
        seen = person(300.0, attributes={'hat': NO_HAT if is_joined else HAT})
        near = person(300.0 + distance)
        box = near.detection.box_xyxy + np.array([0, 0, 0, 12], np.float32)
        near = replace(near, detection=replace(near.detection, box_xyxy=box))
        tracks = tracker.step(0.1 * step, [seen, near] if is_joined else [seen])
        if step == 0:
            first = tracks[0].track_id
    return _belief_of(tracker, first)


def test_an_occluded_view_counts_less() -> None:
    assert _watch_behind_somebody(distance=7.0) > 0.6
    assert _watch_behind_somebody(distance=200.0) < 0.5
    assert _watch_behind_somebody(distance=7.0, occlusion=False) < 0.5


def _keypoints_seen(**params) -> tuple[np.ndarray, np.ndarray]:
    """Raw and published x of one joint of a person who stands still."""
    rng = np.random.default_rng(0)
    tracker = ReidTracker(ReidTrackerParams(**params))
    raw, published = [], []
    for step in range(60):
        keypoints = np.array([[300 + rng.normal(0, 2), 100, 0.8]], np.float32)
        seen = replace(person(300.0), keypoints=keypoints)
        (track,) = tracker.step(step / 30, [seen])
        raw.append(keypoints[0, 0])
        published.append(track.estimate.keypoints[0, 0])
    return np.array(raw), np.array(published)


def test_keypoints_are_passed_as_they_are_by_default() -> None:
    raw, published = _keypoints_seen()
    np.testing.assert_array_equal(raw, published)


def test_keypoints_are_smoothed_on_demand() -> None:
    raw, published = _keypoints_seen(keypoint_cutoff=1.0)
    assert published[30:].std() < 0.6 * raw[30:].std()
    assert published[30:].mean() == pytest.approx(300, abs=1.0)
