import pytest
from command_line import params_file, run, text_file
from evaluation.generated_sequences import make_sequence


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
    'text_checkpoint': (
        lambda f, w, s: ['info', text_file(f, 'x.safetensors')],
        ['x.safetensors'],
    ),
    'short_checkpoint': (
        lambda f, w, s: ['evaluate', s, '--weights', _short(w, f)],
        ['short.safetensors'],
    ),
    'folder_checkpoint': (lambda f, w, s: ['track', s, '--weights', f], []),
    'missing_sequence': (lambda f, w, s: ['evaluate', f / 'nowhere'], ['nowhere']),
    'no_truth': (lambda f, w, s: ['evaluate', _no_truth(f)], ['no_truth', 'gt/gt.txt']),
    'odd_truth': (lambda f, w, s: ['evaluate', _odd_truth(f)], ['odd_truth', 'gt.txt', 'five']),
    'missing_bag': (lambda f, w, s: ['evaluate', f / 'no.mcap'], ['no.mcap']),
    'text_bag': (lambda f, w, s: ['evaluate', text_file(f, 'x.mcap')], ['x.mcap']),
    'missing_video': (lambda f, w, s: ['track', f / 'no.mp4'], ['no.mp4']),
    'camera_number': (lambda f, w, s: ['track', '9' * 20], ['9' * 20, 'camera']),
    'video_not_utf8': (lambda f, w, s: ['track', f / '\udcff.mp4'], ['udcff.mp4', 'UTF-8']),
    'out_not_utf8': (
        lambda f, w, s: ['track', s, '--weights', w, '--out', f / '\udcff'],
        ['udcff', 'UTF-8'],
    ),
    'text_video': (lambda f, w, s: ['track', text_file(f, 'x.mp4')], ['x.mp4', 'video']),
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
    'json_folder': (lambda f, w, s: ['info', w, '--json', f], ['--json', 'folder']),
    'json_empty': (lambda f, w, s: ['info', w, '--json', ''], ['--json', 'folder']),
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
            params_file(f, 'confrim_sec: 1.0'),
        ],
        ['params.yaml', "'confrim_sec'"],
    ),
    'params_of_nodes': (
        lambda f, w, s: [
            'evaluate',
            s,
            '--mode',
            'lockstep',
            '--params',
            params_file(f, 'x: 1.0'),
        ],
        ['params.yaml', "'x'"],
    ),
    'params_bound': (
        lambda f, w, s: [
            'track',
            s,
            '--weights',
            w,
            '--params',
            params_file(f, 'high_score: 2.0'),
        ],
        ['params.yaml', 'high_score is 2.0', '0 <= x <= 1'],
    ),
    'params_kind': (
        lambda f, w, s: ['track', s, '--weights', w, '--params', params_file(f, 'high_score: 1')],
        ['high_score is 1', 'expected float'],
    ),
    'params_text': (
        lambda f, w, s: ['track', s, '--weights', w, '--params', text_file(f, 'x.yaml')],
        ['x.yaml', 'tracker_node'],
    ),
    'set_unknown': (
        lambda f, w, s: ['evaluate', s, '--weights', w, '--set', 'galery_size=0'],
        ['galery_size=0', 'did you mean gallery_size?'],
    ),
    'set_strange': (
        lambda f, w, s: ['evaluate', s, '--weights', w, '--set', 'xyz=0'],
        ['xyz=0', 'gallery_size', 'camera_motion'],
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
        lambda f, w, s: ['track', s, '--weights', w, '--out', text_file(f, 'file')],
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
