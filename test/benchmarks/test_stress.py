import argparse
from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.stress import (
    SLOW_RATE,
    Run,
    draw,
    jittered,
    markdown,
    perfect_ids,
    score_with_bound,
    statements,
    track,
)
from person_mtl_ros.commands.node_params import read_node_params
from person_mtl_ros.evaluation.mot_files import NO_CLASS, table_from_rows
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.structures import Detection, PersonEstimate

STAMPS = [k / 30 for k in range(1, 451)]


def test_slow_frames_come_at_five_hertz_give_or_take_half_of_the_interval() -> None:
    indices = jittered(STAMPS, SLOW_RATE, 0.5)
    gaps = np.diff([STAMPS[k] for k in indices])
    assert np.diff(indices).min() > 0
    assert gaps.mean() == pytest.approx(0.2, rel=0.1)
    assert 0.08 < gaps.min() < 0.13 and 0.27 < gaps.max() < 0.34
    assert indices == jittered(STAMPS, SLOW_RATE, 0.5)


def _walk() -> Run:
    """Two people who walk past each other for three seconds."""
    frames, persons, rows = [], [], []
    for number, stamp in enumerate(STAMPS[:90], start=1):
        lefts = {1: 20 + 2 * number, 2: 260 - 2 * number}
        boxes = {
            who: [left, 40 + 8 * who, left + 30, 120 + 8 * who] for who, left in lefts.items()
        }
        seen = [
            PersonEstimate(
                Detection(np.array(box, np.float32), 0.9), np.eye(2, dtype=np.float32)[who - 1]
            )
            for who, box in boxes.items()
        ]
        frames.append(Frame(number, stamp, None, ()))
        persons.append(seen)
        rows += [
            (number, who, box[0], box[1], 30, 80, 1.0, NO_CLASS) for who, box in boxes.items()
        ]
    return Run('walk', tuple(frames), tuple(persons), table_from_rows(rows), (320, 240))


@pytest.fixture(scope='module')
def scores():
    run = _walk()
    params = read_node_params(argparse.Namespace(params=None, set=[]))
    found = {'crossing': run, 'fast': run}
    found['fast_5hz'] = run.picked('fast_5hz', jittered(STAMPS[:90], SLOW_RATE, 0.5))
    results = {name: track(one, params, 0.5) for name, one in found.items()}
    return (
        found,
        results,
        {name: score_with_bound(one, results[name]) for name, one in found.items()},
    )


def test_picked_frames_keep_their_people_and_truth(scores) -> None:
    slow = scores[0]['fast_5hz']
    assert slow.rate == pytest.approx(5, rel=0.15)
    for frame, seen in zip(slow.frames, slow.persons, strict=True):
        truth = slow.ground_truth.boxes_xywh[slow.ground_truth.rows_of(frame.index)]
        lefts = [person.detection.box_xyxy[0] for person in seen]
        np.testing.assert_allclose(truth[:, 0], lefts)
    assert slow.ground_truth.frames[-1] == len(slow.frames)


def test_an_easy_scene_is_tracked(scores) -> None:
    found = scores[2]['crossing']
    assert found['IDF1'] > 0.9 and found['gt_ids'] == 2
    assert found['returns'] == 0 and found['reentry_recall'] is None


def test_perfect_ids_are_those_of_the_people_detected(scores) -> None:
    run = scores[0]['crossing']
    half = replace(run, persons=tuple(seen[:1] for seen in run.persons))
    found = perfect_ids(half)
    assert set(found.ids.tolist()) == {1} and len(found) == 90
    assert scores[2]['crossing']['bound_IDF1'] == 1.0
    assert score_with_bound(half, found)['IDF1'] == pytest.approx(2 / 3)


def test_statements_leave_uniforms_out_and_scenes_that_were_not_run(scores) -> None:
    keys = ('returns', 'recovered', 'entries', 'wrong_revivals', 'bound_recovered')
    counts = dict(zip(keys, (4, 1, 5, 2, 4), strict=True))
    plain = dict(zip(keys, (10, 8, 12, 0, 9), strict=True))
    found = statements({'crossing': plain, 'uniforms': counts})
    assert found == {
        're-entry recall, without uniforms': 0.8,
        're-entry recall of perfect ids, without uniforms': 0.9,
        'wrong revivals, without uniforms': 0,
        'wrong revivals, uniforms': 2,
    }
    lost = statements(scores[2])['IDF1 lost at 5 Hz with jitter']
    assert lost == scores[2]['fast']['IDF1'] - scores[2]['fast_5hz']['IDF1']


def test_the_report_has_a_row_per_run_and_the_picture_is_drawn(scores, tmp_path) -> None:
    runs, results, figures = scores
    report = {'scenes': figures, 'ablations': {}, 'statements': statements(figures)}
    text = markdown(report)
    assert all(f'| {name} ' in text for name in runs)
    assert '| -' in text  # the recall of nobody
    path = tmp_path / 'stress.png'
    draw({name: (run, results[name]) for name, run in runs.items()}, path)
    assert cv2.imread(str(path)).shape[1] > 1000
