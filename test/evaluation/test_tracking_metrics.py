import json

import numpy as np
import pytest
import trackeval
from generated_sequences import boxes_of, table

from person_mtl_ros.evaluation.mot_files import read_mot_file, table_from_rows, write_mot_file
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.evaluation.tracking_metrics import combine_sequences, score_sequence


@pytest.mark.parametrize(
    ('name', 'tracker', 'keys'),
    [
        ('TUD-Campus', 'test', ('TUD-Campus',)),
        ('TUD-Campus', 'masa', ('masa', 'TUD-Campus')),
        ('PETS09-S2L1', 'masa', ('masa', 'PETS09-S2L1')),
        ('KITTI-17', 'masa', ('masa', 'KITTI-17')),
    ],
)
def test_recorded_trackers_get_their_known_scores(shared_data, name, tracker, keys):
    expected = json.loads((shared_data / 'expected/tracking.json').read_text())
    for key in keys:
        expected = expected[key]
    folder = shared_data / 'mot15' / name
    sequence = load_sequence(folder)
    results = read_mot_file(folder / 'recorded_tracker' / f'{tracker}.txt', unique_ids=True)
    score = score_sequence(name, sequence.ground_truth, results, len(sequence))
    for family, values in expected['TrackEval'].items():
        for field, value in values.items():
            if field == 'HOTA_alpha_0.05_to_0.95':
                np.testing.assert_allclose(score.fields['HOTA']['HOTA'], value, atol=1e-6)
            else:
                assert np.mean(score.fields[family][field]) == pytest.approx(value, abs=1e-6), (
                    field
                )
    summary = score.summary()
    assert summary['HOTA'] == pytest.approx(expected['TrackEval']['HOTA']['HOTA'], abs=1e-6)
    assert summary['gt_ids'] == expected['py-motmetrics']['num_unique_objects']
    assert summary['ids'] == len(np.unique(results.ids))


def official_scores(root, benchmark, lengths):
    """What TrackEval says of the files in ``root/gt`` and ``root/trackers/us/data``."""
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            'GT_FOLDER': str(root / 'gt'),
            'TRACKERS_FOLDER': str(root / 'trackers'),
            'BENCHMARK': benchmark,
            'SKIP_SPLIT_FOL': True,
            'SEQ_INFO': lengths,
            'PRINT_CONFIG': False,
        }
    )
    quiet = dict.fromkeys(trackeval.Evaluator.get_default_eval_config(), False)
    quiet |= {'BREAK_ON_ERROR': True, 'LOG_ON_ERROR': None}
    metrics = [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR({'PRINT_CONFIG': False}),
        trackeval.metrics.Identity({'PRINT_CONFIG': False}),
    ]
    results, _ = trackeval.Evaluator(quiet).evaluate([dataset], metrics)
    return {
        name: scores['pedestrian'] for name, scores in results['MotChallenge2DBox']['us'].items()
    }


@pytest.mark.parametrize('benchmark', ['MOT15', 'MOT17', 'MOT20'])
def test_scores_are_those_of_the_official_evaluator(tmp_path, benchmark):
    """Random tracks over random ground truth of all classes, in two sequences."""
    generator = np.random.default_rng(5)
    lengths, scores = {}, {}
    tracker_folder = tmp_path / 'trackers' / 'us' / 'data'
    tracker_folder.mkdir(parents=True)
    for name, length in ((f'{benchmark}-a', 30), (f'{benchmark}-b', 20)):
        lines, rows = [], []
        for identity in range(1, 14):
            kind = identity if benchmark != 'MOT15' and identity % 5 else 1
            for frame in range(1, length - 1):
                box = np.round(generator.normal([identity * 25, 10, 20, 40], 2), 2)
                flag = int(generator.random() > 0.1)
                tail = f'{kind},1' if benchmark != 'MOT15' else '-1,-1,-1'
                lines.append(f'{frame},{identity},{",".join(map(str, box))},{flag},{tail}')
                if generator.random() > 0.2:
                    track_id = identity + 20 * (frame > length // 2) * (identity % 3 == 0)
                    noisy = np.round(generator.normal(box, 3), 2)
                    rows.append((frame, track_id, *noisy, 0.9, -1))
        lengths[name] = length
        gt_file = tmp_path / 'gt' / name / 'gt' / 'gt.txt'
        gt_file.parent.mkdir(parents=True)
        gt_file.write_text('\n'.join(lines))
        results = table_from_rows(rows)
        write_mot_file(tracker_folder / f'{name}.txt', results)
        ground_truth = read_mot_file(gt_file, unique_ids=True)
        scores[name] = score_sequence(name, ground_truth, results, length)
    official = official_scores(tmp_path, benchmark, lengths)
    scores['COMBINED_SEQ'] = combine_sequences(list(scores.values()))
    for name, score in scores.items():
        for family in ('HOTA', 'CLEAR', 'Identity'):
            for field, value in official[name][family].items():
                np.testing.assert_array_equal(score.fields[family][field], value, err_msg=field)


def test_frames_without_results_count_as_misses():
    ground_truth = table(boxes_of(dict.fromkeys(range(1, 11), 1), 0.0))
    half = table(boxes_of(dict.fromkeys(range(1, 6), 4), 0.0))
    summary = score_sequence('half', ground_truth, half, 10).summary()
    # 5 of 10 boxes found: DetA = 5/10, AssA = 5/10, MOTA = 5/10, IDF1 = 2*5 / (10 + 5).
    assert summary == pytest.approx(
        {
            'HOTA': 0.5,
            'AssA': 0.5,
            'DetA': 0.5,
            'LocA': 1.0,
            'IDF1': 2 / 3,
            'MOTA': 0.5,
            'IDSW': 0,
            'ids': 1,
            'gt_ids': 1,
        }
    )


def test_no_results_and_no_ground_truth_are_scored():
    ground_truth = table(boxes_of({1: 1}, 0.0))
    nothing = score_sequence('nothing', ground_truth, table(), 3)
    assert (nothing.summary()['HOTA'], nothing.summary()['ids']) == (0.0, 0)
    assert score_sequence('nobody', table(), ground_truth, 3).summary()['gt_ids'] == 0
    assert score_sequence('empty', table(), table(), 3).summary()['HOTA'] == 0.0
    assert combine_sequences([nothing, nothing]).summary()['gt_ids'] == 2


def test_ids_may_be_any_numbers():
    """TrackEval would make lists as long as the largest."""
    frames = dict.fromkeys(range(1, 11), 1)
    small, large = (
        table(boxes_of(frames, 0.0)),
        table(boxes_of(dict.fromkeys(frames, 10**12), 0.0)),
    )
    assert score_sequence('ids', large, large, 10).summary() == (
        score_sequence('ids', small, small, 10).summary()
    )


def test_scoring_prints_nothing(capfd):
    boxes = table(boxes_of({1: 1}, 0.0))
    combine_sequences([score_sequence('quiet', boxes, boxes, 1)])
    assert capfd.readouterr() == ('', '')


def test_results_after_the_last_frame_are_refused():
    boxes = table(boxes_of({5: 1}, 0.0))
    with pytest.raises(ValueError, match='results have frame 5; the sequence short has 4 frames'):
        score_sequence('short', table(), boxes, 4)
