import numpy as np
import pytest
from generated_sequences import table

from person_mtl_ros.evaluation.breakdown import BinScore, add_breakdowns, break_down
from person_mtl_ros.evaluation.mot_files import NO_CLASS, MotTable, read_mot_file
from person_mtl_ros.evaluation.tracking_metrics import score_sequence


def standing(identity: int, frames: range, left: float, height: float, bottom: float = 300.0):
    width = 0.4 * height
    return [
        (frame, identity, left, bottom - height, width, height, 1.0, NO_CLASS) for frame in frames
    ]


def test_boxes_fall_into_the_bin_of_their_height():
    ground_truth = table(
        standing(1, range(1, 4), 0, 63.9),
        standing(2, range(1, 3), 200, 64),
        standing(3, range(1, 6), 400, 300),
    )
    boxes = {
        name: score.boxes for name, score in break_down(ground_truth, table())['height'].items()
    }
    assert boxes == {'0-64 px': 3, '64-128 px': 2, '128-256 px': 0, '256+ px': 5}


def test_who_stands_behind_a_nearer_person_is_occluded():
    ground_truth = table(
        standing(1, range(1, 2), 0, 100, bottom=300),  # nearer: ends lower, so hidden by nobody
        standing(2, range(1, 2), 10, 100, bottom=290),
        standing(3, range(1, 2), 30, 100, bottom=280),
    )
    boxes = {
        name: score.boxes for name, score in break_down(ground_truth, table())['occlusion'].items()
    }
    # Person 2 is covered by 0.75 * 0.9, person 3 by 2: 0.5 * 0.9, both widths being 40.
    assert boxes == {'0-10 %': 1, '10-50 %': 1, '50+ %': 1}


def test_found_counts_boxes_and_identified_those_of_the_right_track():
    ground_truth = table(standing(1, range(1, 11), 0, 100))
    results = table(standing(7, range(1, 7), 0, 100), standing(8, range(7, 10), 0, 100))
    score = break_down(ground_truth, results)['height']['64-128 px']
    assert score == BinScore(boxes=10, found=9, identified=6)


def test_a_swap_is_counted_where_it_happens():
    far, near = standing(1, range(1, 11), 0, 50), standing(2, range(1, 11), 300, 200)
    # Both change id in frame 8; the near person is lost for good from frame 4 on.
    results = table(
        standing(1, range(1, 8), 0, 50),
        standing(2, range(8, 11), 0, 50),
        standing(2, range(1, 4), 300, 200),
    )
    scores = break_down(table(far, near), results)['height']
    assert scores['0-64 px'] == BinScore(10, 10, 7)
    assert scores['128-256 px'] == BinScore(10, 3, 3)


def test_boxes_that_do_not_count_are_in_no_bin():
    rows = standing(1, range(1, 4), 0, 100)
    flagged = [(*row[:6], 0.0, NO_CLASS) for row in standing(2, range(1, 4), 200, 100)]
    scores = break_down(table(rows, flagged), table())
    assert sum(score.boxes for score in scores['height'].values()) == 3


def test_sums_are_taken_bin_by_bin():
    one = break_down(table(standing(1, range(1, 4), 0, 50)), table())
    two = break_down(table(standing(1, range(1, 3), 0, 300)), table())
    total = add_breakdowns([one, two, two])
    assert total['height']['0-64 px'].boxes == 3
    assert total['height']['256+ px'].boxes == 4
    assert total['occlusion']['0-10 %'].boxes == 7


def test_identified_boxes_are_those_that_idf1_counts():
    rng = np.random.default_rng(3)
    lefts = rng.uniform(0, 400, 6)
    ground_truth = table(*(standing(k, range(1, 41), left, 100) for k, left in enumerate(lefts)))
    frames, boxes = (
        ground_truth.frames,
        ground_truth.boxes_xywh + rng.normal(0, 6, (len(ground_truth), 4)),
    )
    ids = (ground_truth.ids + (frames > 25) * rng.integers(0, 2, len(frames))) % 6
    _, first = np.unique(np.stack([frames, ids]), axis=1, return_index=True)
    kept = np.sort(first)
    results = MotTable(frames, ids, boxes, np.ones(len(frames)), np.full(len(frames), NO_CLASS))
    results = results.where(np.isin(np.arange(len(frames)), kept))
    expected = score_sequence('walk', ground_truth, results, 40).fields['Identity']['IDTP']
    for bins in break_down(ground_truth, results).values():
        assert sum(score.identified for score in bins.values()) == expected
        assert sum(score.boxes for score in bins.values()) == len(ground_truth)


@pytest.mark.parametrize('name', ['TUD-Campus', 'KITTI-17'])
def test_identified_boxes_of_a_recorded_tracker_are_idtp(shared_data, name):
    folder = shared_data / 'mot15' / name
    ground_truth = read_mot_file(folder / 'gt' / 'gt.txt', unique_ids=True)
    results = read_mot_file(folder / 'recorded_tracker' / 'masa.txt', unique_ids=True)
    length = int(max(ground_truth.frames[-1], results.frames[-1]))
    expected = score_sequence(name, ground_truth, results, length).fields['Identity']['IDTP']
    scores = break_down(ground_truth, results)['occlusion'].values()
    assert sum(score.identified for score in scores) == expected
