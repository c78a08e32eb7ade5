import json

import cv2
import numpy as np
import pytest
from evaluation.generated_sequences import HEIGHT, WIDTH, make_sequence
from fake_checkpoint import write_fake_checkpoint
from safetensors import safe_open

from person_mtl_ros.checkpoint import load_checkpoint, load_info
from person_mtl_ros.cli import main


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return write_fake_checkpoint(
        tmp_path_factory.mktemp('weights') / 'tiny.safetensors', half=True
    )


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    """Six people, four views each, seconds apart in two cameras."""
    folder = tmp_path_factory.mktemp('market')
    rng = np.random.default_rng(0)
    for person in range(1, 7):
        look = rng.integers(0, 256, (4, 2, 3), dtype=np.uint8)
        for view in range(4):
            crop = cv2.resize(look, (32, 64), interpolation=cv2.INTER_LINEAR)
            crop = np.clip(crop + rng.normal(0, 6, crop.shape), 0, 255).astype(np.uint8)
            name = f'{person:04}_c{1 + view % 2}s1_{100 * view:06}_00.jpg'
            cv2.imwrite(str(folder / name), crop)
    return folder


def run(*arguments):
    # No other backend: converting the network takes longer than using it.
    return main(['calibrate', '--backend', 'torch', *map(str, arguments)])


def test_the_copy_carries_the_threshold_and_the_same_weights(crops, weights, tmp_path, capsys):
    out, report_file = tmp_path / 'mine.safetensors', tmp_path / 'report.json'
    arguments = ('--weights', weights, '--far', '0.1', '--out', out, '--json', report_file)
    assert run(crops, *arguments) == 0
    report, info = json.loads(report_file.read_text()), load_info(out)
    assert info.same_person_threshold == report['same_person_threshold'] > 0
    assert info.false_accept_rate == report['false_accept_rate'] == pytest.approx(0.1, abs=0.02)
    assert info.false_reject_rate == report['false_reject_rate'] < 0.5
    assert info.results['calibration']['sources'] == [crops.name]
    assert info.attributes == load_info(weights).attributes
    before, after = load_checkpoint(weights), load_checkpoint(out)
    assert before.model_id != after.model_id
    for name, tensor in before.tensors.items():
        np.testing.assert_array_equal(tensor, after.tensors[name])
    with safe_open(out, framework='numpy') as file:
        assert {file.get_tensor(name).dtype.name for name in before.tensors} >= {'float16'}
    assert (tmp_path / 'mine.png').stat().st_size > 1000
    printed = capsys.readouterr().out
    assert '24 views of 6 people' in printed and after.model_id in printed


def test_without_out_nothing_is_written(crops, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(crops, '--weights', weights, '--far', '0.1') == 0
    assert list(tmp_path.iterdir()) == []


def test_a_recording_with_ground_truth_is_taken(weights, tmp_path, capsys):
    rows = [
        f'{frame},{person},{8 + 42 * person},8,16,40,1,-1,-1,-1\n'
        for frame in range(1, 31)
        for person in (0, 1)
    ]
    folder = make_sequence(tmp_path / 'pair', length=30, images=30, det=None, gt=''.join(rows))
    assert WIDTH > 66 and HEIGHT > 48
    assert run(folder, '--weights', weights, '--far', '0.5', '--every', '1') == 0
    # 3 s at one picture per second show each of them three times.
    assert '6 views of 2 people' in capsys.readouterr().out


WRONG = {
    'nowhere': (lambda c, f, w: [f / 'nowhere'], ['nowhere', 'Market-1501']),
    'far': (lambda c, f, w: [c, '--far', '1.5'], ['--far is 1.5']),
    'every': (lambda c, f, w: [c, '--every', '0'], ['--every is 0']),
    'few': (lambda c, f, w: [c, '--weights', w, '--far', '0.001'], ['0.001 needs 1000']),
    'truth_of_crops': (lambda c, f, w: [c, c, '--gt', f], ['--gt']),
    'truth_of_a_folder': (lambda c, f, w: [c, '--gt', f / 'gt.txt'], ['--gt goes with a bag']),
    'out_picture': (
        lambda c, f, w: [c, '--far', '0.1', '--out', f / 'x.png'],
        ['x.png: expected a name that ends in .safetensors'],
    ),
    'no_truth': (
        lambda c, f, w: [make_sequence(f / 'walk', images=6, gt=None), '--weights', w],
        ['walk', 'no ground truth'],
    ),
    'no_pictures': (
        lambda c, f, w: [make_sequence(f / 'walk'), '--weights', w],
        ['no pictures'],
    ),
    'out_nowhere': (
        lambda c, f, w: [c, '--weights', w, '--far', '0.1', '--out', f / 'no' / 'x.safetensors'],
        ['x.safetensors'],
    ),
}


@pytest.mark.parametrize('name', WRONG)
def test_wrong_use_is_one_line(name, crops, weights, tmp_path, capsys):
    arguments, expected = WRONG[name]
    assert run(*arguments(crops, tmp_path, weights)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(part in line for part in expected), line
