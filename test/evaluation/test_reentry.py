"""One person stands at x = 0, another at x = 100; the frame rate is 10 Hz."""

import pytest
from generated_sequences import boxes_of, table

from person_mtl_ros.evaluation.reentry import ReentryScore, match_frames, score_reentry


def frames(first, last, identity):
    return dict.fromkeys(range(first, last + 1), identity)


def score(ground_truth, results):
    return score_reentry(table(*ground_truth), table(*results), frame_rate=10.0)


GONE_AND_BACK = boxes_of({**frames(1, 20, 1), **frames(31, 50, 1)}, 0.0)  # absent 21 to 30


def test_old_id_back_is_recovered():
    result = score([GONE_AND_BACK], [boxes_of({**frames(1, 20, 7), **frames(31, 50, 7)}, 0.0)])
    assert result == ReentryScore(returns=1, recovered=1, entries=2, wrong_revivals=0)
    assert result.recall == 1.0


def test_new_id_is_not_recovered_and_not_wrong():
    result = score([GONE_AND_BACK], [boxes_of({**frames(1, 20, 7), **frames(31, 50, 8)}, 0.0)])
    assert result == ReentryScore(returns=1, recovered=0, entries=2, wrong_revivals=0)
    assert result.recall == 0.0


def test_nine_absent_frames_at_ten_hertz_are_an_occlusion():
    ground_truth = boxes_of({**frames(1, 20, 1), **frames(30, 50, 1)}, 0.0)
    result = score([ground_truth], [boxes_of(frames(1, 50, 7), 0.0)])
    assert result == ReentryScore(returns=0, recovered=0, entries=1, wrong_revivals=0)
    assert result.recall is None


def test_id_of_somebody_else_is_a_wrong_revival():
    stranger = boxes_of(frames(1, 25, 2), 100.0)
    result = score(
        [GONE_AND_BACK, stranger],
        [
            boxes_of({**frames(1, 20, 7), **frames(31, 50, 8)}, 0.0),
            boxes_of(frames(1, 25, 8), 100.0),
        ],
    )
    assert result == ReentryScore(returns=1, recovered=0, entries=3, wrong_revivals=1)


def test_newcomer_with_the_id_of_somebody_who_left_is_a_wrong_revival():
    newcomer = boxes_of(frames(40, 50, 2), 100.0)
    result = score(
        [boxes_of(frames(1, 20, 1), 0.0), newcomer],
        [boxes_of(frames(1, 20, 7), 0.0), boxes_of(frames(40, 50, 7), 100.0)],
    )
    assert result == ReentryScore(returns=0, recovered=0, entries=2, wrong_revivals=1)


def test_majority_decides_where_the_id_is_confused_for_some_frames():
    """Swapped in the last 4 of 10 frames before, sure after 8 of 20 frames behind the return."""
    track = {
        **frames(1, 16, 7),
        **frames(17, 20, 9),
        **frames(31, 38, 10),
        **frames(39, 50, 7),
    }
    assert score([GONE_AND_BACK], [boxes_of(track, 0.0)]).recovered == 1
    track |= frames(39, 40, 10)  # now 10 of 20: in a tie the earlier id
    assert score([GONE_AND_BACK], [boxes_of(track, 0.0)]).recovered == 0


def test_return_that_nobody_tracks_is_not_recovered():
    result = score([GONE_AND_BACK], [boxes_of(frames(1, 20, 7), 0.0)])
    assert result == ReentryScore(returns=1, recovered=0, entries=2, wrong_revivals=0)
    assert score([GONE_AND_BACK], []).recall == 0.0


def test_rows_that_do_not_count_are_an_absence():
    hidden = [(*row[:6], 0.0, row[7]) for row in boxes_of(frames(21, 30, 1), 0.0)]
    result = score([GONE_AND_BACK, hidden], [boxes_of(frames(1, 50, 7), 0.0)])
    assert (result.returns, result.recovered) == (1, 1)


def test_nobody_anywhere_is_no_return():
    assert score([], []) == ReentryScore()


def test_pairs_below_half_overlap_do_not_match():
    """Boxes 10 wide: shifted by 3 the IoU is 7/13, by 4 it is 6/14."""
    ground_truth = table(boxes_of({1: 1}, 0.0))
    assert match_frames(ground_truth, table(boxes_of({1: 5}, 3.0))) == {(1, 1): 5}
    assert match_frames(ground_truth, table(boxes_of({1: 5}, 4.0))) == {}


def test_scores_of_sequences_add_up():
    total = sum([ReentryScore(2, 1, 5, 1), ReentryScore(1, 1, 2, 0)], ReentryScore())
    assert total == ReentryScore(3, 2, 7, 1)
    assert total.recall == pytest.approx(2 / 3)
