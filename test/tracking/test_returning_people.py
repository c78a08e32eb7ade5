import numpy as np
import pytest
from people import RATE_HZ, THRESHOLD, Images, ids, look, nobody, person, play, standing

from person_mtl_ros.structures import TrackedPerson, TrackState
from person_mtl_ros.tracking import ReidTracker, ReidTrackerParams


def test_person_who_returns_elsewhere_after_20_s_keeps_the_id() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0) + nobody(3.0, 23.0))
    results = play(tracker, standing(7, 23.0, 26.0, x=900.0))
    assert ids(results[-1]) == [1]
    assert results[-1][0].recovered
    assert results[-1][0].age_sec == pytest.approx(25.9)
    for (result,) in results:
        assert result.track_id == 1 or result.state == TrackState.TENTATIVE
    assert sum(result.state == TrackState.TENTATIVE for (result,) in results) < 0.7 * RATE_HZ


def test_stranger_does_not_inherit_an_id() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0) + nobody(3.0, 23.0))
    results = play(tracker, standing(8, 23.0, 26.0))
    assert all(1 not in ids(result) for result in results)
    assert not results[-1][0].recovered
    assert results[-1][0].state == TrackState.CONFIRMED


def test_stranger_between_two_look_alikes_gets_neither_id() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    between = look(1) + look(2)
    between /= np.linalg.norm(between)
    play(tracker, standing(1, 0.0, 3.0) + nobody(3.0, 9.0) + standing(2, 9.0, 12.0))
    play(tracker, nobody(12.0, 20.0))
    images = [(20.0 + 0.1 * i, [person(900.0, embedding=between)]) for i in range(20)]
    assert all(not result[0].recovered for result in play(tracker, images))


def test_two_returning_people_get_each_their_own_id() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)

    def both(begin: float, end: float, left: int, right: int) -> Images:
        stamps = np.arange(begin, end, 1 / RATE_HZ)
        return [
            (
                float(t),
                [person(100.0, embedding=look(left)), person(500.0, embedding=look(right))],
            )
            for t in stamps
        ]

    play(tracker, both(0.0, 2.0, 1, 2) + nobody(2.0, 10.0))
    last = play(tracker, both(10.0, 12.0, 2, 1))[-1]
    assert [p.box_xyxy[0] > 300 for p in last] == [True, False]
    assert ids(last) == [1, 2]


def test_gallery_forgets_after_retention() -> None:
    tracker = ReidTracker(ReidTrackerParams(retention_sec=10.0), THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0) + nobody(3.0, 15.0))
    assert not play(tracker, standing(7, 15.0, 17.0))[-1][0].recovered


def test_forgotten_person_is_a_stranger() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0) + nobody(3.0, 10.0))
    assert tracker.forget(1)
    assert not tracker.forget(1)
    results = play(tracker, standing(7, 10.0, 13.0))
    assert all(not p.recovered and p.track_id != 1 for result in results for p in result)


def test_person_in_sight_can_be_forgotten() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0))
    assert tracker.forget(1)
    assert ids(tracker.step(2.9, [])) == []
    assert ids(play(tracker, standing(7, 3.0, 5.0))[-1]) == [2]


def lost_and_found(images: Images, seen_again: Images) -> TrackedPerson:
    """Who stands where somebody was lost a moment ago, and keeps the id."""
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    begin_sec = images[-1][0] + 0.1
    (lost,) = play(tracker, images + nobody(begin_sec, begin_sec + 1.0))[-1]
    assert lost.state == TrackState.LOST and not lost.recovered
    (found,) = play(tracker, seen_again)[-1]
    assert (found.track_id, found.state) == (1, TrackState.CONFIRMED)
    return found


def test_a_lost_person_found_by_motion_alone_is_not_called_recovered() -> None:
    images = [(0.1 * i, [person(300.0)]) for i in range(30)]
    assert not lost_and_found(images, [(4.0, [person(300.0)])]).recovered


def test_a_lost_person_found_by_look_is_called_recovered() -> None:
    assert lost_and_found(standing(7, 0.0, 3.0), standing(7, 4.0, 4.05)).recovered


def test_a_lost_person_of_another_look_found_by_motion_is_not_called_recovered() -> None:
    between = look(7) + 2.5 * look(8)
    between /= np.linalg.norm(between)
    found = [(4.0, [person(300.0, embedding=between)])]
    assert not lost_and_found(standing(7, 0.0, 3.0), found).recovered


@pytest.mark.parametrize('is_restarted', [False, True])
def test_both_views_of_a_person_are_remembered_after_a_restart_too(is_restarted: bool) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 0.5, noise=0.0))
    if is_restarted:
        people = tracker.remembered()
        assert [len(person.embeddings) for person in people] == [1]
        tracker = ReidTracker(same_person_threshold=THRESHOLD)
        tracker.remember(people)
    front, back, again = (7, 10.0), (8, 15.0), (7, 40.0)  # 8: the back, unlike the front
    for view, begin_sec in (front, back):
        results = play(tracker, standing(view, begin_sec, begin_sec + 5.0))
        assert ids(results[-1]) == [1]
    play(tracker, nobody(20.0, 40.0))
    results = play(tracker, standing(*again, 42.0))
    assert ids(results[-1]) == [1]
    (person,) = tracker.remembered()
    assert len(person.embeddings) == tracker.params.bank_size


def test_reset_forgets_everybody() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0) + nobody(3.0, 10.0))
    tracker.reset()
    assert not play(tracker, standing(7, 10.0, 13.0))[-1][0].recovered


def test_person_who_returns_half_hidden_is_recognised() -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    play(tracker, standing(7, 0.0, 3.0) + nobody(3.0, 9.0))
    in_front = person(912.0, y=205.0, height=110.0, embedding=look(8))
    mixed = look(7) + 0.4 * look(8)
    mixed /= np.linalg.norm(mixed)
    images = [
        (9.0 + 0.1 * i, [in_front, person(900.0, embedding=mixed, score=0.9)]) for i in range(10)
    ]
    last = play(tracker, images)[-1]
    assert [p.recovered for p in last if p.track_id == 1] == [True]
