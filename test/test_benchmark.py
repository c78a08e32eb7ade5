import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_checkpoint import INFO, PARAMS, write_fake_checkpoint

from person_mtl_ros import cli
from person_mtl_ros.benchmark_network import (
    NetworkConfig,
    NetworkCost,
    compare_costs,
    measure_network,
    network_configs,
    network_of,
)

TASKS = ('reid', 'attributes', 'pose', 'parts')


@pytest.fixture(scope='module')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_checkpoint(tmp_path_factory.mktemp('weights') / 'x.safetensors')


def _cost(config: NetworkConfig, ms: float) -> NetworkCost:
    return NetworkCost(
        **config._asdict(),
        device='cpu',
        crops_per_s=1e3 * config.batch / ms,
        ms_p50=ms,
        ms_p99=ms,
        cpu_ms_per_crop=2 * ms / config.batch,
        gflop_per_crop=1,
        fraction_of_ceiling=0.5,
    )


def test_backends_run_every_batch_and_the_fastest_is_taken_apart() -> None:
    configs = network_configs([('torch', 'fp32'), ('openvino', 'bf16')], [1, 10])
    assert configs == [
        ('torch', 'fp32', 'group', TASKS, 10),
        ('openvino', 'bf16', 'group', TASKS, 1),
        ('openvino', 'bf16', 'group', TASKS, 10),
        ('openvino', 'bf16', 'batch', TASKS, 10),
        *(('openvino', 'bf16', 'group', (task,), 10) for task in TASKS),
    ]


def test_ratios_compare_what_they_say() -> None:
    configs = network_configs([('torch', 'fp32'), ('openvino', 'bf16')], [1, 10])
    times_ms = (1000, 6, 50, 40, 20, 30, 30, 45)
    ratios = compare_costs([_cost(*pair) for pair in zip(configs, times_ms, strict=True)])
    assert [ratio.clock for ratio in ratios] == pytest.approx([20, 0.8, 2.5, 0.4])
    assert [ratio.cpu for ratio in ratios] == pytest.approx([20, 0.8, 2.5, 0.4])


def test_without_another_runtime_torch_is_taken_apart() -> None:
    configs = network_configs([('torch', 'fp32')], [2])
    assert len(configs) == 6
    ratios = compare_costs([_cost(config, 1) for config in configs])
    assert [ratio.clock for ratio in ratios] == pytest.approx([1, 1, 1, 0.25])


def test_rows_tell_what_was_measured(cache_folder: Path) -> None:
    configs = [
        NetworkConfig('torch', 'fp32', 'batch', ('reid',), 3),
        NetworkConfig('onnx', 'fp32', 'group', ('pose',), 2),
    ]
    kept = set(cache_folder.parent.rglob('*'))
    costs = measure_network(configs, PARAMS, INFO.crop, rounds=2)
    for config, cost in zip(configs, costs, strict=True):
        assert config == tuple(getattr(cost, name) for name in config._fields)
        assert cost.device == 'cpu'
        assert 0 < cost.ms_p50 <= cost.ms_p99
        assert cost.crops_per_s == pytest.approx(1e3 * config.batch / cost.ms_p50)
        assert cost.fraction_of_ceiling > 0
    # A convolution of 7 x 7 on three colours at half the resolution is among them.
    assert costs[0].gflop_per_crop > 2 * 7 * 7 * 3 * 16 * 32 * 16 / 1e9
    assert set(cache_folder.parent.rglob('*')) == kept


def test_architecture_is_that_of_a_checkpoint(weights: Path) -> None:
    assert network_of(weights) == (replace(PARAMS), INFO.crop)


def test_frame_command_writes_one_row_per_crowd(weights: Path, tmp_path: Path) -> None:
    report = tmp_path / 'x.json'
    arguments = ['--weights', str(weights), '--backend', 'torch', '--frames', '2']
    people = ['--people', '1', '3']
    assert cli.main(['benchmark', 'frame', *arguments, *people, '--json', str(report)]) == 0
    rows = json.loads(report.read_text())
    assert [row['people'] for row in rows] == [1, 3]
    for row in rows:
        assert set(row) == {
            'people',
            'forward_ms_p50',
            'other_ms_p50',
            'total_ms_p50',
            'total_ms_p99',
        }
        assert 0 < row['forward_ms_p50'] < row['total_ms_p50'] <= row['total_ms_p99']


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['network', '--weights', '/nowhere.safetensors'], 'no such file'),
        (['network', '--batch', '0'], '--batch is 0; expected at least 1'),
        (['network', '--rounds', '0'], '--rounds is 0; expected at least 1'),
        (['frame', '--people', '3', '-1'], '--people is -1; expected at least 1'),
    ],
)
def test_wrong_use_is_told_in_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['benchmark', *arguments]) == 2
    message = capsys.readouterr().err
    assert reason in message
    assert message.count('\n') == 1
