import json
import re
from pathlib import Path
from typing import Any

import pytest
from evaluation.generated_sequences import make_sequence
from fake_checkpoint import write_fake_checkpoint

from person_mtl_ros import cli
from person_mtl_ros.backends import agreement
from person_mtl_ros.checkpoint import Export, open_model


@pytest.fixture(scope='module')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_checkpoint(tmp_path_factory.mktemp('weights') / 'x.safetensors')


def test_export_writes_a_verified_file_and_its_report(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / 'x.onnx', tmp_path / 'x.json'
    arguments = ['export', str(weights), '--out', str(out), '--backend', 'onnx']
    assert cli.main([*arguments, '--heads', 'pose', '--height', '48', '--json', str(report)]) == 0
    export = open_model(out).export
    assert export is not None
    assert export.tasks == ('pose',)
    assert open_model(out).info.crop.height == 48
    assert json.loads(report.read_text())['agreement'] == export.agreement
    printed = capsys.readouterr().out
    assert 'keypoint_error_px' in printed
    assert 'onnx in fp32' in printed


def test_export_of_a_network_that_differs_fails(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(agreement.EXACT.greatest, 'keypoint_error_px', -1.0)
    out = tmp_path / 'x.onnx'
    arguments = ['export', str(weights), '--out', str(out), '--backend', 'onnx']
    assert cli.main([*arguments, '--heads', 'pose']) == 1
    assert 'does not agree with torch in fp32: keypoint_error_px' in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--out', 'x.xml'], r'ends in \.onnx'),
        (['--out', 'x.onnx', '--height', '50'], 'multiples of 16'),
        (['--out', 'x.onnx', '--width', '-16'], 'multiples of 16'),
        (['--out', 'x.onnx', '--height', '0'], 'multiples of 16'),
        (['--out', 'x.onnx', '--backend', 'onnx', '--precision', 'bf16'], 'expected fp32'),
        (['--out', 'nowhere/x.onnx', '--backend', 'onnx'], 'does not exist'),
        (['--out', 'x.onnx', '--calibration', 'x.mp4'], 'goes with --precision int8'),
    ],
)
def test_wrong_use_of_export_is_told_in_one_line(
    weights: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['export', str(weights), *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count('\n') == 1
    assert re.search(reason, message)


def test_int8_has_bounds_of_its_own(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip('nncf')
    seen = []
    monkeypatch.setattr(
        'person_mtl_ros.backends.quantization.quantize',
        lambda model, crops: seen.append(crops.shape) or model,
    )
    monkeypatch.setitem(agreement.EXACT.greatest, 'keypoint_error_px', -1.0)
    out = tmp_path / 'x.onnx'
    arguments = ['export', str(weights), '--out', str(out), '--heads', 'pose']
    assert cli.main([*arguments, '--precision', 'int8']) == 0
    export = open_model(out).export
    assert export is not None
    assert export.precision == 'int8'
    assert '<= 2' in capsys.readouterr().out
    assert seen[0][0] > 100
    assert seen[0][1:] == (3, 64, 32)


def test_int8_is_calibrated_on_people_of_a_recording(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def export_checkpoint(*arguments: Any) -> Export:
        seen.append(arguments[-1].shape)
        arguments[1].touch()
        return Export('x', '', ('reid',), 'openvino', 'int8', {})

    monkeypatch.setattr('person_mtl_ros.backends.export.export_checkpoint', export_checkpoint)
    det = ''.join(f'{1 + i // 6},-1,{5 * (i % 6)},10,16,40,0.9,-1,-1,-1\n' for i in range(60))
    sequence = make_sequence(tmp_path / 'walk', length=10, images=10, det=det)
    out = ['--out', str(tmp_path / 'x.onnx')]
    calibration = ['--precision', 'int8', '--calibration', str(sequence)]
    assert cli.main(['export', str(weights), *out, *calibration]) == 0
    assert seen == [(60, 3, 64, 32)]


def test_too_few_people_to_calibrate_with_are_told(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sequence = make_sequence(
        tmp_path / 'walk', length=2, images=2, det='1,-1,5,10,16,40,0.9,-1,-1,-1\n'
    )
    out = ['--out', str(tmp_path / 'x.onnx')]
    calibration = ['--precision', 'int8', '--calibration', str(sequence)]
    assert cli.main(['export', str(weights), *out, *calibration]) == 2
    assert 'walk: 1 people found; calibration takes 50 or more' in capsys.readouterr().err
