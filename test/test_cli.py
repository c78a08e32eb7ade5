import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation.generated_sequences import HEIGHT, WIDTH, make_sequence
from fake_checkpoint import write_fake_checkpoint

from person_mtl_ros.backends import DeviceError
from person_mtl_ros.checkpoint import load_info
from person_mtl_ros.cli import COMMANDS, main
from person_mtl_ros.commands import sources
from person_mtl_ros.commands.node_params import read_node_params
from person_mtl_ros.evaluation.mot_files import read_mot_file
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.refresh import RefreshParams
from person_mtl_ros.video import VideoError, VideoWriter

SHIPPED = Path(__file__).parents[1] / 'person_mtl_ros' / 'weights' / 'demo.safetensors'
LENGTH = 8
NUMBERS = {'HOTA', 'AssA', 'DetA', 'IDF1', 'MOTA', 'IDSW', 'ids', 'gt_ids', 'frames', 'dropped'}
RATIOS = ('HOTA', 'AssA', 'DetA', 'IDF1')


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return write_fake_checkpoint(tmp_path_factory.mktemp('weights') / 'tiny.safetensors')


@pytest.fixture(scope='module')
def walk(tmp_path_factory):
    """Somebody who walks, found in every frame."""
    places = [(frame, 5 + 5 * frame) for frame in range(1, LENGTH + 1)]
    return make_sequence(
        tmp_path_factory.mktemp('sequences') / 'walk',
        length=LENGTH,
        images=LENGTH,
        det=''.join(f'{frame},-1,{left},10,16,40,0.9,-1,-1,-1\n' for frame, left in places),
        gt=''.join(f'{frame},1,{left},10,16,40,1,-1,-1,-1\n' for frame, left in places),
    )


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp('videos') / 'clip.mp4'
    with VideoWriter(path, 10.0) as video:
        for index in range(4):
            video.write(np.full((96, 128, 3), 60 * index, np.uint8))
    return path


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize('command', [None, *COMMANDS])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*([command] if command else []), '--help'])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith('usage: person-mtl')
    expected = COMMANDS if command is None else ['--help']
    assert all(word in out for word in expected)


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
    det = ''.join(f'{frame},-1,{5 * frame},10,16,40,0.9,-1,-1,-1\n' for frame in range(1, 7))
    folder = make_sequence(tmp_path / 'blind', det=det, gt=det.replace(',-1,', ',1,', 1))
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


def test_track_writes_tracks_people_and_a_video(walk, weights, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('track', walk, '--weights', weights, '--out', out) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        'overlay.mp4',
        'persons.jsonl',
        'tracks.txt',
    ]
    table = read_mot_file(out / 'tracks.txt', unique_ids=True)
    assert set(table.ids) == {1} and set(table.frames) <= set(range(1, LENGTH + 1))
    head, *lines = (json.loads(line) for line in (out / 'persons.jsonl').open())
    assert head['model_id'] and head['keypoint_names'][0] == 'head'
    assert [line['frame'] for line in lines] == list(range(1, LENGTH + 1))
    person = lines[-1]['persons'][0]
    assert person['track_id'] == 1 and person['state'] == 'CONFIRMED'
    assert len(person['embedding']) == 128 and set(person['attributes']) == set(head['attributes'])
    video = cv2.VideoCapture(str(out / 'overlay.mp4'))
    pictures = []
    while (item := video.read())[0]:
        pictures.append(item[1])
    assert [picture.shape for picture in pictures] == [(HEIGHT, WIDTH, 3)] * LENGTH
    assert '1 people' in capsys.readouterr().out


def test_track_finds_people_in_a_plain_video_by_itself(clip, weights, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('track', clip, '--weights', weights, '--out', out, '--no-overlay') == 0
    assert sorted(path.name for path in out.iterdir()) == ['persons.jsonl', 'tracks.txt']
    assert len((out / 'persons.jsonl').read_text().splitlines()) == 1 + 4
    assert 'HOG' in capsys.readouterr().out


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


def test_a_device_that_fails_is_one_line(walk, weights, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise DeviceError('cuda:0 failed on a batch of 1: out of memory')

    monkeypatch.setattr(Predictor, 'predict', fail)
    out = tmp_path / 'out'
    assert run('track', walk, '--weights', weights, '--out', out) == 2
    assert capsys.readouterr().err == (
        'person-mtl track: cuda:0 failed on a batch of 1: out of memory\n'
    )
    assert list(out.iterdir()) == []


def test_info_describes_a_checkpoint(weights, tmp_path, capsys):
    report_file = tmp_path / 'info.json'
    assert run('info', weights, '--json', report_file) == 0
    out = capsys.readouterr().out
    for words in ('tiny.safetensors', 'resnet18', 'upper_color: black, white, red', 'left_hand'):
        assert words in out
    description = json.loads(report_file.read_text())
    assert description['embedding_dim'] == 128
    assert description['file'] == 'tiny.safetensors'
    assert [a['name'] for a in description['attributes']] == ['hat', 'upper_color']


def _text(folder, name):
    (folder / name).write_text('this is not what it should be\n')
    return folder / name


def _params(folder, line):
    path = folder / 'params.yaml'
    path.write_text(f'/**/tracker_node:\n  ros__parameters:\n    {line}\n')
    return path


def _short(weights, folder):
    path = folder / 'short.safetensors'
    path.write_bytes(weights.read_bytes()[:500])
    return path


def _no_truth(folder):
    return make_sequence(folder / 'no_truth', gt=None)


def _odd_truth(folder):
    return make_sequence(folder / 'odd_truth', gt='1,1,10,five,20,40,1,-1,-1,-1\n')


# What is typed, and what the one line must name.
WRONG = {
    'missing_checkpoint': (lambda f, w, s: ['info', f / 'no.safetensors'], ['no.safetensors']),
    'text_checkpoint': (lambda f, w, s: ['info', _text(f, 'x.safetensors')], ['x.safetensors']),
    'short_checkpoint': (
        lambda f, w, s: ['evaluate', s, '--weights', _short(w, f)],
        ['short.safetensors'],
    ),
    'folder_checkpoint': (lambda f, w, s: ['track', s, '--weights', f], []),
    'missing_sequence': (lambda f, w, s: ['evaluate', f / 'nowhere'], ['nowhere']),
    'no_truth': (lambda f, w, s: ['evaluate', _no_truth(f)], ['no_truth', 'gt/gt.txt']),
    'odd_truth': (lambda f, w, s: ['evaluate', _odd_truth(f)], ['odd_truth', 'gt.txt', 'five']),
    'missing_bag': (lambda f, w, s: ['evaluate', f / 'no.mcap'], ['no.mcap']),
    'text_bag': (lambda f, w, s: ['evaluate', _text(f, 'x.mcap')], ['x.mcap']),
    'missing_video': (lambda f, w, s: ['track', f / 'no.mp4'], ['no.mp4']),
    'text_video': (lambda f, w, s: ['track', _text(f, 'x.mp4')], ['x.mp4', 'video']),
    'no_camera': (lambda f, w, s: ['track', '/dev/video97'], ['/dev/video97']),
    'bag_of_nothing': (lambda f, w, s: ['bag', f / 'no', '--out', f / 'bag'], ['no']),
    'bag_nowhere': (
        lambda f, w, s: ['bag', s, '--out', f / 'a' / 'bag'],
        ['a/bag', 'cannot be written'],
    ),
    'device': (
        lambda f, w, s: ['evaluate', s, '--weights', w, '--device', 'abacus'],
        ['abacus'],
    ),
    'json_nowhere': (
        lambda f, w, s: ['evaluate', s, '--weights', w, '--json', f / 'no' / 'report.json'],
        ['report.json'],
    ),
    'rate': (
        lambda f, w, s: ['evaluate', s, '--mode', 'replay', '--rate', '0'],
        ['--rate', '0'],
    ),
    'rate_offline': (lambda f, w, s: ['evaluate', s, '--rate', '2'], ['--rate', 'replay']),
    'frame_rate': (lambda f, w, s: ['track', s, '--frame-rate', '0'], ['--frame-rate', '0']),
    'frame_rate_of_folder': (
        lambda f, w, s: ['track', s, '--frame-rate', '5'],
        ['walk', '--frame-rate'],
    ),
    'topic_of_folder': (
        lambda f, w, s: ['track', s, '--image-topic', '/image'],
        ['walk', '--image-topic'],
    ),
    'same_name': (lambda f, w, s: ['evaluate', s, s, '--weights', w], ['2', 'named walk']),
    'iou_weights': (
        lambda f, w, s: ['evaluate', s, '--tracker', 'iou', '--weights', w],
        ['--weights', 'iou'],
    ),
    'params_missing': (
        lambda f, w, s: ['track', s, '--weights', w, '--params', f / 'no.yaml'],
        ['no.yaml'],
    ),
    'params_unknown': (
        lambda f, w, s: [
            'evaluate',
            s,
            '--weights',
            w,
            '--params',
            _params(f, 'confrim_sec: 1.0'),
        ],
        ['params.yaml', "'confrim_sec'"],
    ),
    'params_of_nodes': (
        lambda f, w, s: ['evaluate', s, '--mode', 'lockstep', '--params', _params(f, 'x: 1.0')],
        ['params.yaml', "'x'"],
    ),
    'params_bound': (
        lambda f, w, s: ['track', s, '--weights', w, '--params', _params(f, 'high_score: 2.0')],
        ['params.yaml', 'high_score is 2.0', '0 <= x <= 1'],
    ),
    'params_kind': (
        lambda f, w, s: ['track', s, '--weights', w, '--params', _params(f, 'high_score: 1')],
        ['high_score is 1', 'expected float'],
    ),
    'params_text': (
        lambda f, w, s: ['track', s, '--weights', w, '--params', _text(f, 'x.yaml')],
        ['x.yaml', 'tracker_node'],
    ),
    'set_unknown': (
        lambda f, w, s: ['evaluate', s, '--weights', w, '--set', 'galery_size=0'],
        ['galery_size=0', 'gallery_size', 'camera_motion'],
    ),
    'set_nothing': (
        lambda f, w, s: ['evaluate', s, '--weights', w, '--set', 'gallery_size'],
        ['NAME=VALUE'],
    ),
    'set_kind': (
        lambda f, w, s: ['track', s, '--weights', w, '--set', 'camera_motion=0'],
        ['camera_motion is 0', 'expected bool'],
    ),
    'set_bound': (
        lambda f, w, s: ['evaluate', s, '--mode', 'replay', '--set', 'high_score=2'],
        ['high_score is 2.0', '0 <= x <= 1'],
    ),
    'set_iou': (
        lambda f, w, s: ['evaluate', s, '--tracker', 'iou', '--set', 'high_score=0.5'],
        ['--set', 'iou'],
    ),
    'two_truths': (lambda f, w, s: ['evaluate', s, s, '--gt', f], ['--gt']),
    'truth_of_folder': (lambda f, w, s: ['evaluate', s, '--gt', f], ['--gt', 'bag']),
    'iou_replay': (
        lambda f, w, s: ['evaluate', s, '--tracker', 'iou', '--mode', 'replay'],
        ['iou', 'offline'],
    ),
    'out_is_a_file': (
        lambda f, w, s: ['track', s, '--weights', w, '--out', _text(f, 'file')],
        ['file'],
    ),
    'unknown_command': (lambda f, w, s: ['trakc', s], ['trakc']),
    'unknown_option': (lambda f, w, s: ['track', s, '--wieghts', w], ['--wieghts']),
    'no_command': (lambda f, w, s: [], ['COMMAND']),
    'not_a_number': (lambda f, w, s: ['evaluate', s, '--rate', 'fast'], ['--rate', 'fast']),
}


@pytest.mark.parametrize('case', WRONG)
def test_wrong_use_is_one_line_and_leaves_nothing(case, walk, weights, tmp_path, capsys):
    make, words = WRONG[case]
    arguments = make(tmp_path, weights, walk)
    before = sorted(tmp_path.rglob('*'))
    if arguments[0:1] == ['track'] and '--out' not in arguments:
        arguments += ['--out', tmp_path / 'out']
    try:
        code = run(*arguments)
    except SystemExit as end:  # argparse ends by itself
        code = end.code
    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith('person-mtl')
    assert all(word in lines[0] for word in words), lines[0]
    assert sorted(tmp_path.rglob('*')) == before


def test_track_that_breaks_in_the_middle_leaves_nothing_half_written(weights, tmp_path, capsys):
    folder = make_sequence(tmp_path / 'walk', images=6)
    (folder / 'img1' / '000004.png').write_bytes(b'broken')
    out = tmp_path / 'out'
    assert run('track', folder, '--weights', weights, '--out', out) == 2
    assert list(out.rglob('*')) == []
    assert '000004.png' in capsys.readouterr().err


class FakeCamera:
    """Four pictures, then what ends a camera."""

    frame_rate, size, length, is_live = 10.0, (128, 96), None, True

    def __init__(self, end, frames=4):
        self.end, self.frames = end, frames

    def __iter__(self):
        for index in range(1, self.frames + 1):
            yield index, 1000 + index / 10, np.full((96, 128, 3), 50 * index, np.uint8)
        raise self.end


CAMERA_ENDS = [KeyboardInterrupt(), VideoError('camera 0 stopped delivering after 4 frames')]


@pytest.mark.parametrize('end', CAMERA_ENDS, ids=['interrupt', 'unplugged'])
def test_what_a_camera_has_shown_is_kept_at_its_end(end, weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sources, 'VideoSource', lambda *_: FakeCamera(end))
    out = tmp_path / 'out'
    assert run('track', '0', '--weights', weights, '--out', out) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        'overlay.mp4',
        'persons.jsonl',
        'tracks.txt',
    ]
    assert len((out / 'persons.jsonl').read_text().splitlines()) == 1 + 4
    assert cv2.VideoCapture(str(out / 'overlay.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert '0 people in 0 frames' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('end', 'code'), list(zip(CAMERA_ENDS, (130, 2), strict=True)), ids=['interrupt', 'unplugged']
)
def test_a_camera_that_has_shown_nothing_leaves_nothing(end, code, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, 'VideoSource', lambda *_: FakeCamera(end, frames=0))
    out = tmp_path / 'out'
    assert run('track', '0', '--weights', weights, '--out', out) == code
    assert list(out.iterdir()) == []


def test_an_interrupted_recording_leaves_nothing(clip, weights, tmp_path, monkeypatch):
    recording = FakeCamera(KeyboardInterrupt())
    recording.is_live = False
    monkeypatch.setattr(sources, 'VideoSource', lambda *_: recording)
    out = tmp_path / 'out'
    assert run('track', clip, '--weights', weights, '--out', out) == 130
    assert list(out.iterdir()) == []


def test_a_folder_of_images_has_the_frame_rate_it_is_given(walk, weights, tmp_path):
    out = tmp_path / 'out'
    arguments = ('--frame-rate', '4', '--weights', weights, '--out', out)
    assert run('track', walk / 'img1', *arguments) == 0
    lines = (out / 'persons.jsonl').read_text().splitlines()
    assert [json.loads(line)['stamp_sec'] for line in lines[1:4]] == [0.25, 0.5, 0.75]


def test_tracker_parameters_come_from_the_file_of_the_nodes(walk, weights, tmp_path):
    params = _params(tmp_path, 'confirm_sec: 60.0\n    publish_lost: true')
    out = tmp_path / 'out'
    arguments = ('--weights', weights, '--out', out, '--no-overlay')
    assert run('track', walk, *arguments, '--params', params) == 0
    assert (out / 'tracks.txt').read_text() == ''  # nobody is confirmed so early


def test_parameters_can_be_set_by_hand(walk, weights, tmp_path):
    params = _params(tmp_path, 'confirm_sec: 0.0')
    for setting, is_empty in (('confirm_sec=60', True), ('gallery_size=0', False)):
        out = tmp_path / setting
        arguments = ('--weights', weights, '--out', out, '--no-overlay', '--set', setting)
        assert run('track', walk, *arguments, '--params', params) == 0
        assert ((out / 'tracks.txt').read_text() == '') == is_empty


@pytest.mark.parametrize(
    ('settings', 'content', 'expected'),
    [
        ([], None, True),
        (['camera_motion=false'], None, False),
        ([], {'perception_node': {'camera_motion': False, 'device': 'cuda'}}, False),
        (['camera_motion=true'], {'/**/perception_node': {'camera_motion': False}}, True),
    ],
)
def test_camera_motion_is_a_parameter_of_the_perception_node(
    tmp_path, settings, content, expected
):
    path = None
    if content:
        path = tmp_path / 'params.yaml'
        nodes = {node: {'ros__parameters': values} for node, values in content.items()}
        path.write_text(json.dumps(nodes))
    params = read_node_params(argparse.Namespace(params=path, set=settings))
    assert params.camera.camera_motion is expected


@pytest.mark.parametrize(
    ('settings', 'content', 'expected'),
    [
        ([], 'device: cuda', RefreshParams()),
        (['max_persons_per_frame=3'], 'time_budget_ms: 50.0', RefreshParams(3, 50.0)),
        (['time_budget_ms=20'], 'time_budget_ms: 50.0', RefreshParams(time_budget_ms=20.0)),
    ],
)
def test_how_many_people_are_looked_at_is_a_parameter_of_the_perception_node(
    tmp_path, settings, content, expected
):
    path = tmp_path / 'params.yaml'
    path.write_text(f'perception_node:\n  ros__parameters:\n    {content}\n')
    params = read_node_params(argparse.Namespace(params=path, set=settings))
    assert params.refresh == expected


def test_tracking_looks_at_as_many_people_as_it_is_told(weights, tmp_path):
    places = [(frame, 20 * person) for frame in range(1, LENGTH + 1) for person in range(2)]
    det = ''.join(f'{frame},-1,{left},5,16,40,0.9,-1,-1,-1\n' for frame, left in places)
    folder = make_sequence(tmp_path / 'two', length=LENGTH, images=LENGTH, det=det)
    arguments = ('--weights', weights, '--out', tmp_path, '--no-overlay')
    assert run('track', folder, *arguments, '--set', 'max_persons_per_frame=1') == 0
    frames = [json.loads(line) for line in (tmp_path / 'persons.jsonl').open()][1:]
    seen = [[p for p in frame['persons'] if p['is_matched']] for frame in frames]
    assert max(map(len, seen)) == 2
    assert all(sum('embedding' in person for person in persons) <= 1 for persons in seen)
    ages = {person['result_age_sec'] for persons in seen for person in persons}
    assert 0.0 in ages and len(ages) > 1


def test_numbers_by_hand_are_read_as_numbers(tmp_path):
    given = ['unexpected_density=1e-3', 'confirm_sec=2', 'gallery_size=7']
    params = read_node_params(argparse.Namespace(params=None, set=given))
    assert params.tracker.unexpected_density == 1e-3
    assert params.set_by_hand['tracker_node']['confirm_sec'] == 2.0
    assert isinstance(params.tracker.confirm_sec, float) and params.tracker.gallery_size == 7


def test_what_reading_left_out_is_said(weights, tmp_path, capsys):
    det = '1,-1,10,5,20,40,0.9\n1,-1,10,5,0,40,0.9\n'
    folder = make_sequence(tmp_path / 'odd', images=6, det=det)
    assert run('evaluate', folder, '--weights', weights) == 0
    assert 'left out 1 boxes' in capsys.readouterr().out


def test_a_bag_without_ros_is_one_line(tmp_path, monkeypatch, capsys):
    for module in ('person_mtl_ros.evaluation.bag_source', 'person_mtl_ros.images'):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    assert run('track', tmp_path / 'walk.mcap', '--out', tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'reading a bag needs ROS 2' in line and 'cv_bridge' in line


def test_a_frame_lost_without_a_reason_fails_the_evaluation(walk, monkeypatch):
    replay = pytest.importorskip('person_mtl_ros.nodes.replay')
    for drops, code in (({'image lost': LENGTH}, 0), ({'image lost': LENGTH - 1}, 1)):
        result = replay.ReplayResult(published=LENGTH, drops=drops)
        monkeypatch.setattr(replay, 'replay', lambda *_, result=result, **__: result)
        assert run('evaluate', walk, '--mode', 'replay') == code


@pytest.mark.parametrize('keys', [{'sync': 'odd'}, {'wieghts': 'x'}], ids=['bound', 'name'])
def test_bringup_refuses_a_wrong_parameter_file_in_one_line(keys, tmp_path, capfd):
    pytest.importorskip('rclpy')
    lines = ''.join(f'    {key}: {value}\n' for key, value in keys.items())
    params = tmp_path / 'params.yaml'
    params.write_text(f'perception_node:\n  ros__parameters:\n{lines}')
    assert run('bringup', '--params', params) == 2
    stderr = capfd.readouterr().err.splitlines()
    assert len(stderr) == 1 and next(iter(keys)) in stderr[0], stderr


def test_bringup_names_a_parameter_file_that_is_missing(capfd):
    pytest.importorskip('rclpy')
    assert run('bringup', '--params', '/nowhere.yaml') == 2
    assert '/nowhere.yaml' in capfd.readouterr().err.splitlines()[-1]


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


@pytest.mark.parametrize('command', ['track', 'evaluate'])
def test_the_log_tells_in_one_line_what_runs_the_network(walk, weights, tmp_path, caplog, command):
    arguments = ('--weights', weights, '--backend', 'torch', '--device', 'cpu')
    assert run(command, walk, *arguments, '--out', tmp_path) == 0
    messages = [record.getMessage() for record in caplog.records if record.name != 'root']
    assert messages == ['backend torch on cpu in fp32']
