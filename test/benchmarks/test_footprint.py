import sys
from pathlib import Path

import pytest
from fake_checkpoint import write_fake_checkpoint

from benchmarks.footprint import installed_mb, measure_footprint


def test_a_fresh_process_tells_time_and_memory(tmp_path: Path) -> None:
    weights = write_fake_checkpoint(tmp_path / 'x.safetensors')
    footprint = measure_footprint(sys.executable, weights, 'torch', rounds=1)
    assert (footprint.backend, footprint.precision) == ('torch', 'fp32')
    assert footprint.is_torch_loaded
    assert footprint.first_answer_sec > 0
    assert 10 < footprint.resident_mb <= footprint.peak_mb


def test_what_does_not_run_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r'nowhere\.onnx') as caught:
        measure_footprint(sys.executable, Path('/nowhere.onnx'), 'onnx')
    assert '\n' not in str(caught.value)


def test_installed_packages_have_a_size() -> None:
    assert installed_mb(sys.executable) > 100
