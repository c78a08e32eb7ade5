import json
import re
from pathlib import Path

import pytest
from fake_checkpoint import write_fake_checkpoint

from person_mtl_ros import cli
from person_mtl_ros.backends import agreement
from person_mtl_ros.checkpoint import open_model


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
    monkeypatch.setitem(agreement.GREATEST, 'keypoint_error_px', -1.0)
    out = tmp_path / 'x.onnx'
    arguments = ['export', str(weights), '--out', str(out), '--backend', 'onnx']
    assert cli.main([*arguments, '--heads', 'pose']) == 1
    assert 'does not agree with torch: keypoint_error_px' in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--out', 'x.xml'], r'ends in \.onnx'),
        (['--out', 'x.onnx', '--height', '50'], 'multiples of 16'),
        (['--out', 'x.onnx', '--width', '-16'], 'multiples of 16'),
        (['--out', 'x.onnx', '--backend', 'onnx', '--precision', 'bf16'], 'expected fp32'),
        (['--out', 'nowhere/x.onnx', '--backend', 'onnx'], 'does not exist'),
    ],
)
def test_wrong_use_of_export_is_told_in_one_line(
    weights: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['export', str(weights), *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count('\n') == 1
    assert re.search(reason, message)
