import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.refresh import NEW_RESULTS, RefreshParams, RefreshSchedule
from person_mtl_ros.structures import Detection

HEIGHT = 100.0
RATE_HZ = 10.0


def _person(x: float, y: float = 200.0, score: float = 0.9) -> Detection:
    half = np.array([0.2 * HEIGHT, 0.5 * HEIGHT])
    center = np.array([x, y])
    return Detection(np.concatenate([center - half, center + half]).astype(np.float32), score)


def _row(count: int, spacing: float = 80.0) -> list[Detection]:
    return [_person(100 + spacing * i) for i in range(count)]


def _schedule(limit: int, budget_ms: float = 0.0) -> RefreshSchedule:
    return RefreshSchedule(RefreshParams(max_persons_per_frame=limit, time_budget_ms=budget_ms))


def _turns(schedule: RefreshSchedule, images: list, begin: int = 0) -> np.ndarray:
    """Who is chosen in each image of the same people, (images, people)."""
    return np.array(
        [schedule.choose(1 + (begin + i) / RATE_HZ, found) for i, found in enumerate(images)]
    )


def _gaps(turns: np.ndarray) -> int:
    """Most images that anybody waits between two turns."""
    return max(int(np.diff(np.flatnonzero(column)).max()) for column in turns.T)


def test_without_a_bound_everybody_is_chosen() -> None:
    for schedule in (_schedule(0), _schedule(5)):
        assert schedule.choose(1.0, _row(5)).all()
    assert len(_schedule(5).choose(1.0, [])) == 0


def test_the_bound_is_kept_and_used() -> None:
    turns = _turns(_schedule(3), [_row(8)] * 30)
    assert (turns.sum(axis=1) == 3).all()


def test_people_who_stand_are_looked_at_in_turn() -> None:
    turns = _turns(_schedule(3), [_row(8)] * 80)
    assert _gaps(turns[NEW_RESULTS * 4 :]) == 3  # 8 people, 3 turns per image


def test_walking_people_are_told_apart_though_the_detector_lists_them_in_any_order() -> None:
    rng = np.random.default_rng(0)
    schedule, last = _schedule(2), np.full(6, -1)
    for image in range(60):
        order = rng.permutation(6)
        found = [_person(100 + 90 * i + 4 * image, 200 + 2 * image) for i in order]
        last[order[schedule.choose(1 + image / RATE_HZ, found)]] = image
        assert image < 20 or (last > image - 4).all()


def test_turns_go_on_when_images_are_dropped_and_people_are_missed() -> None:
    rng = np.random.default_rng(1)
    schedule, last, image = _schedule(2), np.full(6, -1), 0
    for step in range(80):
        image += 1 + (step % 7 == 0) * 4  # four images in a row are lost
        seen = np.flatnonzero(rng.random(6) > 0.2)
        found = [_person(100 + 90 * i + 3 * image) for i in seen]
        last[seen[schedule.choose(1 + image / RATE_HZ, found)]] = step
        assert step < 20 or (last > step - 12).all()


def test_somebody_new_goes_first() -> None:
    schedule = _schedule(2)
    _turns(schedule, [_row(6)] * 20)
    for image in range(20, 20 + NEW_RESULTS):
        is_chosen = schedule.choose(1 + image / RATE_HZ, [*_row(6), _person(900)])
        assert is_chosen[6] and is_chosen.sum() == 2
    later = _turns(schedule, [[*_row(6), _person(900)]] * 10, begin=20 + NEW_RESULTS)
    assert _gaps(later) <= 4


def test_the_best_score_goes_first_among_the_new() -> None:
    people = [_person(100 + 100 * i, score=score) for i, score in enumerate((0.4, 0.9, 0.6))]
    assert _schedule(1).choose(1.0, people).tolist() == [False, True, False]


def test_flickering_detections_take_nobodys_turn_for_good() -> None:
    rng = np.random.default_rng(0)
    schedule = _schedule(4)
    _turns(schedule, [_row(6)] * 20)
    flicker = [
        [_person(*rng.uniform((0, 500), (1200, 3000))) for _ in range(8)] for _ in range(60)
    ]
    turns = _turns(schedule, [[*_row(6), *others] for others in flicker], begin=20)
    assert turns[:, 6:].sum() > 2 * len(turns)
    assert _gaps(turns[:, :6]) <= 8  # one turn per image is for the known, some of them flicker


@pytest.mark.parametrize('limit', [1, 2])
def test_ambiguous_people_are_looked_at_more_often_and_nobody_starves(limit: int) -> None:
    close = [_person(100), _person(112), _person(124)]
    alone = [_person(400 + 100 * i) for i in range(5)]
    turns = _turns(_schedule(limit), [[*close, *alone]] * 200)[50:]
    assert turns[:, :3].sum(axis=0).min() > 2 * turns[:, 3:].sum(axis=0).max()
    assert _gaps(turns) <= 30 / limit


def test_a_clock_that_jumps_back_starts_afresh() -> None:
    schedule = _schedule(1)
    _turns(schedule, [_row(3)] * 20)
    chosen = [schedule.choose(0.1 + i / RATE_HZ, _row(3)).argmax() for i in range(3)]
    assert sorted(chosen) == [0, 1, 2]


def test_a_crowd_that_thins_out_for_an_image_stays_known() -> None:
    schedule = _schedule(3)
    _turns(schedule, [_row(6)] * 20)
    assert schedule.choose(3.0, _row(6)[:2]).all()
    is_chosen = schedule.choose(3.1, [*_row(6), _person(900)])
    assert is_chosen[6] and not is_chosen[:2].any()


def test_the_budget_bounds_people_and_the_smaller_bound_counts() -> None:
    schedule = _schedule(20, budget_ms=100.0)
    counts = []
    for image in range(60):
        count = int(schedule.choose(1 + image / RATE_HZ, _row(40)).sum())
        schedule.took(count, 0.02 + 0.008 * count)
        counts.append(count)
    assert counts[0] == 1 and 9 <= np.median(counts[20:]) <= 10
    schedule.params = RefreshParams(max_persons_per_frame=4, time_budget_ms=100.0)
    assert schedule.choose(60.0, _row(40)).sum() == 4


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400), st.floats(0, 1)), max_size=8),
        max_size=8,
    ),
    st.integers(1, 4),
)
def test_any_images_keep_the_bound(images: list, limit: int) -> None:
    schedule = _schedule(limit)
    for step, people in enumerate(images):
        is_chosen = schedule.choose(step / RATE_HZ, [_person(*person) for person in people])
        assert is_chosen.sum() == min(limit, len(people))


def _flicker(rng: np.random.Generator, people: int, images: int) -> list[list[Detection]]:
    """Detections of nobody, in every image elsewhere."""
    return [
        [_person(*rng.uniform((0, 500), (2000, 5000)), score=0.3) for _ in range(people)]
        for _ in range(images)
    ]


@pytest.mark.parametrize(('limit', 'steady', 'flickering'), [(8, 1, 12), (10, 20, 8)])
def test_people_who_come_among_flickering_detections_are_looked_at(
    limit: int, steady: int, flickering: int
) -> None:
    images = _flicker(np.random.default_rng(0), flickering, 100)
    turns = _turns(_schedule(limit), [[*_row(steady), *others] for others in images])
    assert turns[:, :steady].sum(axis=0).min() >= 10


def test_newcomers_after_minutes_of_flickering_detections_do_not_wait() -> None:
    schedule = _schedule(8)
    images = _flicker(np.random.default_rng(0), 12, 1000)
    _turns(schedule, [[*_row(1), *others] for others in images])
    turns = _turns(schedule, [_row(20)] * 20, begin=1000)
    newcomer = _person(100, 900)
    turns = _turns(schedule, [[*_row(20), newcomer]] * 20, begin=1020)
    assert turns[:5, -1].any()
