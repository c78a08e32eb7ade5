import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_training import EXPERIMENT

from training import sweep
from training.config import config_to_json, load_config


@pytest.fixture
def commands(monkeypatch):
    """Commands that a sweep would start; each succeeds at once."""
    started: list[list[str]] = []

    def start(command: list[str]) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(sweep.subprocess, 'run', start)
    return started


def _run(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, 'argv', ['sweep', *map(str, arguments)])
    return sweep.main()


def _config(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(EXPERIMENT)
    return folder / name


def _finish(config: Path, seed: int, out: Path) -> None:
    """Leave the results of a run in the folder of a sweep."""
    folder = out / config.stem / f'seed_{seed}'
    folder.mkdir(parents=True)
    results = {'config': config_to_json(load_config(config, [f'seed={seed}']))}
    (folder / 'results.json').write_text(json.dumps(results))


def test_every_experiment_runs_with_every_seed_but_finished_ones(tmp_path, monkeypatch, commands):
    configs = [_config(tmp_path, f'{name}.yaml') for name in ('one', 'other')]
    _finish(configs[0], 1, tmp_path / 'runs')
    assert _run(monkeypatch, *configs, '--seeds', 0, 1, '--out', tmp_path / 'runs') == 0
    outs = [Path(command[command.index('--out') + 1]) for command in commands]
    assert [str(out.relative_to(tmp_path / 'runs')) for out in outs] == [
        'one/seed_0',
        'other/seed_0',
        'other/seed_1',
    ]
    assert [command[-1] for command in commands] == ['seed=0', 'seed=0', 'seed=1']


def test_a_finished_run_of_a_file_that_was_edited_is_refused_before_anything_runs(
    tmp_path, monkeypatch, commands, capsys
):
    config = _config(tmp_path, 'edited.yaml')
    _finish(config, 1, tmp_path / 'runs')
    config.write_text(EXPERIMENT.replace('steps: 6', 'steps: 7'))
    assert _run(monkeypatch, config, '--seeds', 0, 1, '--out', tmp_path / 'runs') == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('sweep:') and 'another experiment' in line
    assert str(tmp_path / 'runs' / 'edited' / 'seed_1') in line
    assert not commands


def test_two_files_of_one_name_are_refused_before_anything_runs(
    tmp_path, monkeypatch, commands, capsys
):
    configs = [_config(tmp_path / folder, 'same.yaml') for folder in ('a', 'b')]
    assert _run(monkeypatch, *configs, '--out', tmp_path / 'runs') == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('sweep:') and 'OUT/same' in line
    assert all(str(config) in line for config in configs)
    assert not commands


def test_a_failed_training_ends_the_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep.subprocess, 'run', lambda _: SimpleNamespace(returncode=1))
    assert _run(monkeypatch, _config(tmp_path, 'x.yaml'), '--out', tmp_path / 'runs') == 1
