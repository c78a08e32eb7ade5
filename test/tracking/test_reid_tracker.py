import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import (
    DIM,
    THRESHOLD,
    Images,
    ids,
    look,
    nobody,
    person,
    play,
    standing,
)

from person_mtl_ros.parameters import parameter_specs
from person_mtl_ros.structures import TrackedPerson, TrackState
from person_mtl_ros.tracking import ReidTracker, ReidTrackerParams


def test_one_person_has_one_id_and_is_confirmed() -> None:
    results = play(ReidTracker(), standing(1, 0.0, 3.0))
    assert results[-1][0].state == TrackState.CONFIRMED
    assert {id_ for result in results for id_ in ids(result)} == {1}
    assert results[-1][0].age_sec == pytest.approx(2.9)


@pytest.mark.parametrize(
    ('score', 'sightings'), [(0.99, 1), (0.8, 5), (0.55, 8)], ids=['sure', 'doubtful', 'poor']
)
def test_the_worse_the_score_the_longer_a_track_is_tentative(score: float, sightings: int) -> None:
    tracker = ReidTracker()
    states = [tracker.step(0.1 * i, [person(300.0, score=score)])[0].state for i in range(15)]
    assert states == [TrackState.TENTATIVE] * (sightings - 1) + [TrackState.CONFIRMED] * (
        16 - sightings
    )


@pytest.mark.parametrize('typical', [0.99, 0.6])
def test_a_score_is_judged_by_those_of_this_detector(typical: float) -> None:
    tracker = ReidTracker()
    for step in range(300):
        regulars = [person(150.0 * i, score=typical) for i in range(5)]
        tracker.step(0.1 * step, regulars)
    newcomers = [person(300.0, y=600.0, score=0.8)]
    result = tracker.step(30.0, regulars + newcomers)
    expected = TrackState.CONFIRMED if typical == 0.6 else TrackState.TENTATIVE
    assert result[-1].state == expected


def test_nobody_is_an_ordinary_result() -> None:
    assert play(ReidTracker(), nobody(0.0, 1.0)) == [[]] * 10


def test_five_hundred_people_keep_their_ids() -> None:
    tracker = ReidTracker()
    grid = [(100.0 * (i % 25), 150.0 * (i // 25)) for i in range(500)]
    results = [tracker.step(0.1 * t, [person(x + 2.0 * t, y) for x, y in grid]) for t in range(5)]
    assert [ids(result) for result in results] == [list(range(1, 501))] * 5


@pytest.mark.parametrize('embedded', [True, False], ids=['embeddings', 'motion alone'])
def test_track_keeps_id_through_short_occlusion(embedded: bool) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    seen_ids, hidden_states = set(), set()
    for stamp in np.arange(0.0, 5.0, 0.1):
        walker_x = 60.0 + 80.0 * stamp
        persons = [person(260.0, y=240.0, height=180.0, embedding=look(1) if embedded else None)]
        is_hidden = 230.0 < walker_x < 290.0
        if not is_hidden:
            persons.append(person(walker_x, embedding=look(2) if embedded else None))
        result = tracker.step(float(stamp), persons)
        if is_hidden:
            hidden_states |= {p.state for p in result if not p.is_matched}
        seen_ids |= set(ids(result))
    assert seen_ids == {1, 2}
    assert TrackState.OCCLUDED in hidden_states
    assert TrackState.LOST not in hidden_states


@pytest.mark.parametrize(
    ('occlusion', 'expected'), [(True, TrackState.OCCLUDED), (False, TrackState.LOST)]
)
def test_nobody_is_hidden_without_occlusion(occlusion: bool, expected: TrackState) -> None:
    tracker = ReidTracker(ReidTrackerParams(occlusion=occlusion, position_deviation=10.0))
    in_front = person(300.0, y=240.0, height=180.0)
    for step in range(20):
        tracker.step(0.1 * step, [in_front] + [person(300.0)] * (step < 10))
    states = {p.state for p in tracker.step(2.0, [in_front]) if not p.is_matched}
    assert states == {expected}


def test_people_who_turn_back_at_a_crossing_are_told_apart_by_look() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    first: dict[int, int] = {}
    for stamp in np.arange(0.0, 6.0, 0.1):
        # Both stop behind one box in the middle for 0.4 s and return, as motion does not expect.
        distance = 40.0 * abs(stamp - 3.0)
        persons = [
            person(300.0 - distance, embedding=look(1)),
            person(300.0 + distance, embedding=look(2)),
        ]
        if distance < 10.0:
            persons = []
        result = tracker.step(float(stamp), persons)
        for published in result:
            if published.is_matched and published.estimate is not None:
                who = int(published.estimate.embedding @ look(2) > 0.5)
                first.setdefault(who, published.track_id)
                assert first[who] == published.track_id


def test_ids_hold_at_five_hertz_with_jitter() -> None:
    rng = np.random.default_rng(3)
    tracker = ReidTracker()
    stamp, seen_ids = 0.0, set()
    for _ in range(100):
        stamp += rng.uniform(0.1, 0.4)
        speeds = ((0.0, 60.0), (1500.0, -60.0))
        persons = [
            person(x + speed * stamp + rng.normal(0, 3.0), y=200.0 + 130.0 * row)
            for row, (x, speed) in enumerate(speeds)
        ]
        seen_ids |= set(ids(tracker.step(stamp, persons)))
    assert seen_ids == {1, 2}


def test_stamp_running_backwards_resets_and_ids_go_on() -> None:
    tracker = ReidTracker()
    play(tracker, standing(1, 100.0, 102.0))
    result = tracker.step(5.0, [person(300.0)])
    assert tracker.was_reset
    assert ids(result) == [2]
    tracker.step(5.1, [person(300.0)])
    assert not tracker.was_reset


@pytest.mark.parametrize('late_sec', [0.0, 0.2], ids=['duplicate', 'latecomer'])
def test_duplicate_and_late_images_change_nothing(late_sec: float) -> None:
    tracker = ReidTracker()
    before = play(tracker, standing(1, 0.0, 2.0))[-1]
    assert tracker.step(1.9 - late_sec, [person(900.0)]) == before
    assert ids(tracker.step(2.0, [person(300.0)])) == [1]


def test_large_gap_loses_tracks_without_fuss() -> None:
    tracker = ReidTracker()
    play(tracker, standing(1, 0.0, 2.0))
    assert tracker.step(1e6, []) == []
    assert ids(tracker.step(1e6 + 0.1, [person(300.0)])) == [2]


def test_camera_motion_holds_ids_through_a_jump_of_the_image() -> None:
    still, jump = np.eye(2, 3), np.array([[1.0, 0.0, 150.0], [0.0, 1.0, 0.0]])
    found = {}
    for is_told in (True, False):
        tracker = ReidTracker()
        for step in range(20):
            x = 300.0 + (150.0 if step >= 10 else 0.0)
            motion = jump if step == 10 and is_told else still
            result = tracker.step(0.1 * step, [person(x)], camera_motion=motion)
        found[is_told] = ids(result)
    assert found[True] == [1]
    assert found[False] == [2]


def test_camera_motion_carries_lost_tracks_image_by_image() -> None:
    tracker = ReidTracker()
    pan = np.array([[1.0, 0.0, -40.0], [0.0, 1.0, 0.0]])
    for step in range(20):
        tracker.step(0.1 * step, [person(900.0 - 40.0 * step)], camera_motion=pan)
    for step in range(20, 35):
        (unseen,) = tracker.step(0.1 * step, [], camera_motion=pan)
    assert unseen.state == TrackState.LOST
    result = tracker.step(3.5, [person(900.0 - 40.0 * 35)], camera_motion=pan)
    assert ids(result) == [1]


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 0.49), min_size=1, max_size=20))
def test_low_scores_never_start_a_track(scores: list[float]) -> None:
    tracker = ReidTracker()
    for step, score in enumerate(scores):
        assert tracker.step(0.1 * step, [person(300.0, score=score)]) == []


def test_low_scores_extend_a_track() -> None:
    tracker = ReidTracker()
    play(tracker, standing(1, 0.0, 1.0))
    results = [tracker.step(1.0 + 0.1 * i, [person(300.0, score=0.3)]) for i in range(20)]
    assert all(ids(result) == [1] for result in results)


def test_missed_person_is_predicted_then_lost_then_gone() -> None:
    tracker = ReidTracker()
    play(tracker, standing(1, 0.0, 2.0))
    results = play(tracker, nobody(2.0, 12.0))
    assert results[0][0].state == TrackState.CONFIRMED and not results[0][0].is_matched
    assert results[0][0].time_since_seen_sec == pytest.approx(0.1)
    assert results[10][0].state == TrackState.LOST
    assert results[-1] == []


def test_who_walks_out_of_the_image_is_lost_at_once() -> None:
    tracker = ReidTracker()
    for step in range(20):
        tracker.step(0.1 * step, [person(425.0 + 10.0 * step)], image_size=(640, 480))
    (result,) = tracker.step(2.0, [], image_size=(640, 480))
    assert result.state == TrackState.CONFIRMED
    (result,) = tracker.step(2.4, [], image_size=(640, 480))
    assert result.state == TrackState.LOST


def test_published_results_do_not_change_afterwards() -> None:
    tracker = ReidTracker()
    first = play(tracker, standing(1, 0.0, 2.0))[-1]
    box = first[0].box_xyxy.copy()
    tracker.step(2.0, [person(330.0, attributes={'hat': np.ones(1, np.float32)})])
    np.testing.assert_array_equal(first[0].box_xyxy, box)
    assert first[0].attributes == {}


people_of_an_image = st.lists(
    st.tuples(
        st.integers(0, 600),  # x
        st.integers(0, 3),  # who
        st.sampled_from([0.05, 0.3, 0.65, 0.9]),  # score
    ),
    max_size=6,
    unique_by=lambda entry: entry[0],
)


@settings(max_examples=50, deadline=None)
@given(st.lists(people_of_an_image, max_size=12), st.randoms(use_true_random=False))
def test_result_does_not_depend_on_the_order_of_detections(images: list, random) -> None:
    one, other = (ReidTracker(same_person_threshold=THRESHOLD) for _ in range(2))
    for step, image in enumerate(images):
        persons = [person(x, score=score, embedding=look(who)) for x, who, score in image]
        shuffled = random.sample(persons, len(persons))
        expected, result = one.step(0.2 * step, persons), other.step(0.2 * step, shuffled)
        assert [(p.track_id, p.state, p.is_matched) for p in result] == [
            (p.track_id, p.state, p.is_matched) for p in expected
        ]
        for p, q in zip(result, expected, strict=True):
            np.testing.assert_array_equal(p.box_xyxy, q.box_xyxy)


@settings(max_examples=50, deadline=None)
@given(st.lists(people_of_an_image, max_size=20))
def test_ids_are_unique_and_an_ended_id_returns_only_as_recovered(images: list) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    ended: set[int] = set()
    alive: set[int] = set()
    for step, image in enumerate(images):
        persons = [person(x, score=score, embedding=look(who)) for x, who, score in image]
        result = tracker.step(0.4 * step, persons)
        now = [p.track_id for p in result]
        assert len(set(now)) == len(now)
        assert all(p.recovered for p in result if p.track_id in ended)
        assert sum(p.is_matched for p in result) <= len(persons)
        ended = (ended | (alive - set(now))) - set(now)
        alive = set(now)


def test_embedding_of_another_length_is_refused() -> None:
    tracker = ReidTracker()
    tracker.step(0.0, [person(300.0, embedding=look(1))])
    with pytest.raises(ValueError, match='length'):
        tracker.step(0.1, [person(300.0, embedding=look(1)[:10])])


NUMBERS = [
    name
    for name, (default, _) in parameter_specs(ReidTrackerParams).items()
    if not isinstance(default, bool)
]


@pytest.mark.parametrize('name', NUMBERS)
def test_parameter_out_of_bounds_is_refused_by_name(name: str) -> None:
    _, spec = parameter_specs(ReidTrackerParams)[name]
    assert spec.minimum is not None and spec.maximum is not None
    for bad in (spec.minimum - 1, spec.maximum + 1, float('nan')):
        with pytest.raises(ValueError, match=name):
            ReidTrackerParams(**{name: bad})


def crowd(seconds: float, rate_hz: float, embedded: bool, seed: int) -> tuple[Images, list]:
    """Walkers on crossing straight paths with noisy boxes, a tenth of them missed."""
    rng = np.random.default_rng(seed)
    start = rng.uniform((0, 150), (1200, 500), (12, 2))
    velocity = rng.uniform((-90, -15), (90, 15), (12, 2))
    images, truth = [], []
    for stamp in np.arange(0.0, seconds, 1 / rate_hz):
        seen = np.flatnonzero(rng.random(12) > 0.1)
        centers = start + velocity * stamp + rng.normal(0, 2.0, (12, 2))
        images.append(
            (
                float(stamp),
                [
                    person(*centers[i], embedding=look(i, 0.8, rng) if embedded else None)
                    for i in seen
                ],
            )
        )
        truth.append({tuple(np.round(centers[i], 3)): i for i in seen})
    return images, truth


@pytest.mark.parametrize('seed', [0, 1, 2])
@pytest.mark.parametrize('rate_hz', [25.0, 8.0])
def test_same_id_in_over_95_percent_of_a_crowds_images(rate_hz: float, seed: int) -> None:
    images, truth = crowd(8.0, rate_hz, embedded=True, seed=seed)
    given_ids: dict[int, list[int]] = {}
    for result, names in zip(
        play(ReidTracker(same_person_threshold=THRESHOLD), images), truth, strict=True
    ):
        for published in result:
            if published.is_matched and published.estimate is not None:
                box = published.estimate.detection.box_xyxy
                center = (box[:2] + box[2:]) / 2
                who = min(names, key=lambda name: np.linalg.norm(np.subtract(name, center)))
                given_ids.setdefault(names[who], []).append(published.track_id)
    same = sum(max(map(given.count, set(given))) for given in given_ids.values())
    assert same / sum(map(len, given_ids.values())) > 0.95


def test_nothing_grows_in_an_hour_of_a_busy_place() -> None:
    rng = np.random.default_rng(0)
    params = ReidTrackerParams(gallery_size=20, retention_sec=120.0)
    tracker = ReidTracker(params, THRESHOLD)
    looks = rng.normal(size=(2000, DIM)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    sizes = []
    for step in range(1200):  # an image every three seconds, a newcomer every six
        seen = [
            person(100.0 + 150.0 * (who % 6) + rng.normal(0, 3), embedding=looks[who])
            for who in range(max(0, step // 2 - 2), step // 2 + 1)
            if rng.random() > 0.2
        ]
        tracker.step(3.0 * step, seen)
        if step in (200, 1199):
            sizes.append(len(pickle.dumps(tracker)))
    assert sizes[1] < 1.3 * sizes[0]
    assert len(tracker.remembered()) <= params.gallery_size + 12


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-0.3, 2.0), st.sampled_from(['shown', 'dropped', 'twice'])),
        min_size=5,
        max_size=25,
    )
)
def test_any_rhythm_of_images_is_taken(rhythm: list) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    stamp_sec, newest_sec = 0.0, -np.inf
    before: list[TrackedPerson] = []
    for step_sec, kind in rhythm:
        stamp_sec += step_sec
        for _ in range({'shown': 1, 'dropped': 0, 'twice': 2}[kind]):
            result = tracker.step(stamp_sec, [person(300.0, embedding=look(1))])
            tolerance_sec = tracker.params.stamp_tolerance_sec
            if newest_sec - tolerance_sec <= stamp_sec <= newest_sec:
                assert result is before
            else:
                assert [p.is_matched for p in result].count(True) == 1
                newest_sec = stamp_sec
            before = result
    assert len({p.track_id for p in before}) == len(before)
