import argparse
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.stress import (
    ABLATIONS,
    SLOW_RATE,
    Run,
    jittered,
    load_runs,
    main,
    measure,
    perfect_ids,
    read_variants,
    score,
    track,
)
from person_mtl_ros.commands.node_params import NodeParams
from person_mtl_ros.evaluation.mot_files import NO_CLASS, table_from_rows
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.structures import Detection, PersonEstimate
from training.synthetic.scene import SceneParams
from training.synthetic.stress_scenes import StressScene

STAMPS = [k / 30 for k in range(1, 451)]


def test_slow_frames_come_at_five_hertz_give_or_take_half_of_the_interval() -> None:
    indices = jittered(STAMPS, SLOW_RATE, 0.5, seed=0)
    gaps = np.diff([STAMPS[k] for k in indices])
    assert np.diff(indices).min() > 0
    assert gaps.mean() == pytest.approx(0.2, rel=0.1)
    assert 0.08 < gaps.min() < 0.13 and 0.27 < gaps.max() < 0.34
    assert indices == jittered(STAMPS, SLOW_RATE, 0.5, seed=0)
    assert indices != jittered(STAMPS, SLOW_RATE, 0.5, seed=1)


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
    return Run('crossing', 2, tuple(frames), tuple(persons), table_from_rows(rows), (320, 240))


@pytest.fixture(scope='module')
def run() -> Run:
    return _walk()


def test_picked_frames_keep_their_people_and_truth(run) -> None:
    slow = run.picked('fast_5hz', jittered(STAMPS[:90], SLOW_RATE, 0.5, seed=0))
    assert slow.name == 'fast_5hz_2'
    assert slow.rate == pytest.approx(5, rel=0.15)
    for frame, seen in zip(slow.frames, slow.persons, strict=True):
        truth = slow.ground_truth.boxes_xywh[slow.ground_truth.rows_of(frame.index)]
        lefts = [person.detection.box_xyxy[0] for person in seen]
        np.testing.assert_allclose(truth[:, 0], lefts)
    assert slow.ground_truth.frames[-1] == len(slow.frames)


def _variants(*settings: str) -> dict[str, NodeParams]:
    return read_variants(argparse.Namespace(params=None, set=list(settings)))


def test_an_easy_scene_is_tracked_with_and_without_each_source_of_evidence(run) -> None:
    variants = _variants()
    outcome, timeline = measure(run, variants, 0.5)
    found = outcome.summary()
    assert (outcome.kind, outcome.name) == ('crossing', 'crossing_2')
    assert found['IDF1'] > 0.9 and found['gt_ids'] == 2
    assert found['returns'] == 0 and found['reentry_recall'] is None
    assert found['bound_IDF1'] == 1.0
    assert set(found['ablations']) == set(ABLATIONS)
    without = track(run, variants['no appearance'], 0.5)
    assert found['ablations']['no appearance'] == score(run, without).summary()
    np.testing.assert_allclose(timeline.stamps, STAMPS[:90])
    assert score(run, timeline.results).summary()['IDF1'] == found['IDF1']


def test_each_ablation_takes_one_source_of_evidence_away_and_settings_hold_for_all() -> None:
    variants = _variants('max_lost_sec=3.5')
    assert {params.tracker.max_lost_sec for params in variants.values()} == {3.5}
    changed = {
        'no appearance': lambda params: params.tracker.max_appearance == 0,
        'no gallery': lambda params: params.tracker.gallery_size == 0,
        'no camera motion': lambda params: not params.camera.camera_motion,
        'no occlusion': lambda params: not params.tracker.occlusion,
    }
    for what, is_away in changed.items():
        assert [name for name, params in variants.items() if is_away(params)] == [what]


def test_perfect_ids_are_those_of_the_people_detected(run) -> None:
    half = replace(run, persons=tuple(seen[:1] for seen in run.persons))
    found = perfect_ids(half)
    assert set(found.ids.tolist()) == {1} and len(found) == 90
    assert score(half, found).summary()['IDF1'] == pytest.approx(2 / 3)


class _NobodyKnown:
    """Predictor that gives everybody the same embedding."""

    info = SimpleNamespace(model_id='nobody', same_person_threshold=0.5)

    def predict(self, image_bgr, detections):
        assert image_bgr.shape == (90, 160, 3)
        return [PersonEstimate(found, np.ones(2, np.float32)) for found in detections]


@pytest.fixture
def small_scenes(monkeypatch) -> None:
    params = SceneParams(seed=5, people=2, seconds=0.4, fps=30, size_hw=(90, 160))
    scenes = [StressScene(kind, number, params) for kind in ('crowd', 'fast') for number in (1, 2)]
    monkeypatch.setattr('benchmarks.stress.STRESS_SCENES', scenes)


def test_scenes_of_the_kinds_wanted_are_loaded_and_the_fast_ones_twice(
    small_scenes, tmp_path
) -> None:
    found = list(load_runs(tmp_path, ['fast'], _NobodyKnown()))
    assert [run.name for run in found] == ['fast_1', 'fast_5hz_1', 'fast_2', 'fast_5hz_2']
    assert [run.kind for run in found] == ['fast', 'fast_5hz'] * 2
    assert [len(run.frames) for run in found[::2]] == [12, 12]
    assert max(len(run.frames) for run in found[1::2]) < 5


def test_the_command_writes_tables_figures_and_a_picture(
    small_scenes, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr('cv2.setNumThreads', lambda count: None)  # would hold for other tests
    monkeypatch.setattr('benchmarks.stress.Predictor', lambda *args, **kwargs: _NobodyKnown())
    command = ['stress', '--only', 'crowd', '--out', str(tmp_path), '--set', 'max_lost_sec=3.5']
    monkeypatch.setattr('sys.argv', command)
    main()
    text = (tmp_path / 'stress.md').read_text()
    assert text in capsys.readouterr().out
    report = json.loads((tmp_path / 'stress.json').read_text())
    assert report['model_id'] == 'nobody' and report['set'] == ['max_lost_sec=3.5']
    assert list(report['scenes']) == ['crowd_1', 'crowd_2'] and list(report['kinds']) == ['crowd']
    people = [scene['gt_ids'] for scene in report['scenes'].values()]
    assert report['kinds']['crowd']['gt_ids'] == sum(people) > 0
    assert (tmp_path / 'stress.png').is_file()
    assert {path.name for path in (tmp_path / 'scenes').iterdir()} == {'crowd_1', 'crowd_2'}


def test_a_wrong_parameter_is_told_before_anything_is_rendered(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr('sys.argv', ['stress', '--out', str(tmp_path), '--set', 'speed=1'])
    with pytest.raises(SystemExit):
        main()
    assert '--set speed=1' in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
