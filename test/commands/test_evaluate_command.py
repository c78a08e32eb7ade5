import json
import sys
from pathlib import Path

import pytest
from command_line import LENGTH, run
from evaluation.generated_sequences import make_sequence

from person_mtl_ros.checkpoint import load_info

SHIPPED = Path(__file__).parents[2] / 'person_mtl_ros' / 'weights' / 'demo.safetensors'


NUMBERS = {'HOTA', 'AssA', 'DetA', 'IDF1', 'MOTA', 'IDSW', 'ids', 'gt_ids', 'frames', 'dropped'}


RATIOS = ('HOTA', 'AssA', 'DetA', 'IDF1')


def test_evaluate_scores_a_perfect_detector(walk, weights, tmp_path, capsys):
    report_file = tmp_path / 'report.json'
    assert run('evaluate', walk, '--weights', weights, '--json', report_file) == 0
    report = json.loads(report_file.read_text())
    assert report.keys() == {'sequences', 'combined'}
    assert list(report['sequences']) == ['walk']
    for scores in (report['combined'], report['sequences']['walk']):
        assert NUMBERS | {'fps'} <= scores.keys()
        assert all(0 <= scores[name] <= 1 for name in RATIOS)
        assert scores['fps'] > 0
    scores = report['sequences']['walk']
    assert (scores['frames'], scores['dropped']) == (LENGTH, 0)
    assert (scores['ids'], scores['gt_ids'], scores['IDSW']) == (1, 1, 0)
    assert scores['DetA'] > 0.5 and scores['AssA'] > 0.5
    out = capsys.readouterr().out
    assert 'HOTA' in out and 'walk' in out


def test_evaluate_says_the_same_every_time(walk, weights, tmp_path):
    def without_times(report):
        for scores in [report['combined'], *report['sequences'].values()]:
            del scores['fps']
            scores.pop('latency', None)
        return json.dumps(report)

    written = []
    for name in ('a', 'b'):
        out = tmp_path / name
        report_file = tmp_path / f'{name}.json'
        arguments = ('--weights', weights, '--json', report_file, '--out', out)
        assert run('evaluate', walk, *arguments) == 0
        report = without_times(json.loads(report_file.read_text()))
        written.append((report, (out / 'walk.txt').read_bytes()))
    assert written[0] == written[1]


def test_a_sequence_without_pictures_is_tracked_by_motion_and_says_so(tmp_path, capsys):
    det, gt = (
        ''.join(f'{frame},{who},{5 * frame},10,16,40,0.9,-1,-1,-1\n' for frame in range(1, 7))
        for who in (-1, 1)
    )
    folder = make_sequence(tmp_path / 'blind', det=det, gt=gt)
    assert run('evaluate', folder) == 0
    assert 'no pictures, tracking by motion alone' in capsys.readouterr().out


def test_several_sequences_have_a_combined_row(walk, weights, tmp_path, capsys):
    gt = '1,1,10,5,20,40,1,-1,-1,-1\n'
    other = make_sequence(tmp_path / 'other', gt=gt)
    report_file = tmp_path / 'report.json'
    assert run('evaluate', walk, other, '--weights', weights, '--json', report_file) == 0
    report = json.loads(report_file.read_text())
    assert list(report['sequences']) == ['walk', 'other']
    assert report['combined']['frames'] == LENGTH + 6
    assert 'COMBINED' in capsys.readouterr().out


def test_a_bag_is_evaluated_like_its_sequence(walk, weights, tmp_path):
    bag = tmp_path / 'walk_bag'
    assert run('bag', walk, '--out', bag) == 0
    reports = []
    topics = ('--image-topic', '/image', '--detections-topic', '/detections', '--slop', '0.01')
    for source, more in ((walk, ()), (bag, ('--gt', walk / 'gt' / 'gt.txt', *topics))):
        report_file = tmp_path / 'report.json'
        assert run('evaluate', source, *more, '--weights', weights, '--json', report_file) == 0
        scores = json.loads(report_file.read_text())['combined']
        reports.append({name: scores[name] for name in NUMBERS})
    assert reports[0] == reports[1]


def test_what_reading_left_out_is_said(weights, tmp_path, capsys):
    det = '1,-1,10,5,20,40,0.9\n1,-1,10,5,0,40,0.9\n'
    folder = make_sequence(tmp_path / 'odd', images=6, det=det)
    assert run('evaluate', folder, '--weights', weights) == 0
    assert 'left out 1 boxes' in capsys.readouterr().out


def test_a_frame_lost_without_a_reason_fails_the_evaluation(walk, monkeypatch):
    replay = pytest.importorskip('person_mtl_ros.nodes.replay')
    for drops, code in (({'image lost': LENGTH}, 0), ({'image lost': LENGTH - 1}, 1)):
        result = replay.ReplayResult(published=LENGTH, drops=drops)
        monkeypatch.setattr(replay, 'replay', lambda *_, result=result, **__: result)
        assert run('evaluate', walk, '--mode', 'replay') == code


def test_the_shipped_network_tracks_real_people(shared_data, tmp_path):
    if not SHIPPED.is_file():
        pytest.skip(f'no shipped weights at {SHIPPED}')
    folder = shared_data / 'mot15' / 'TUD-Campus'
    report_file = tmp_path / 'report.json'
    assert run('evaluate', folder, '--json', report_file) == 0
    scores = json.loads(report_file.read_text())['combined']
    assert scores['frames'] > 0 and scores['gt_ids'] > 1
    # Far below what it reaches; above what a tracker that mixes people up would.
    assert scores['HOTA'] > 0.3 and scores['IDF1'] > 0.3
    assert load_info(SHIPPED).embedding_dim > 0
    assert 'torch' in sys.modules
