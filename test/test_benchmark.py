import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_checkpoint import INFO, PARAMS, write_fake_checkpoint

from person_mtl_ros import benchmark_network, cli
from person_mtl_ros.backends import create_backend
from person_mtl_ros.benchmark_network import (
    EAGER,
    NetworkConfig,
    NetworkCost,
    compare_costs,
    measure_network,
    network_configs,
    network_of,
)
from person_mtl_ros.tasks import TASKS

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without GPU')


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


def test_the_twin_of_a_network_without_groups_has_groups_that_fit() -> None:
    params = replace(PARAMS, backbone='efficientnet_lite0', width=32, norm='batch', norm_groups=32)
    configs = [NetworkConfig('torch', 'fp32', norm, ('reid',), 1) for norm in ('batch', 'group')]
    costs = measure_network(configs, params, INFO.crop, rounds=1)
    assert [cost.norm for cost in costs] == ['batch', 'group']


def test_a_network_that_runs_several_batches_is_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    monkeypatch.setattr(
        'person_mtl_ros.benchmark_network.create_backend',
        lambda *arguments: made.append(arguments) or create_backend(*arguments),
    )
    configs = [NetworkConfig('torch', 'fp32', 'group', ('reid',), batch) for batch in (1, 2)]
    costs = measure_network(configs, PARAMS, INFO.crop, rounds=1)
    assert [cost.batch for cost in costs] == [1, 2]
    assert len(made) == 1


@pytest.mark.parametrize(
    ('backend', 'precision', 'graphs'),
    [(EAGER, 'fp32', False), (EAGER, 'fp16', False), ('torch', 'fp16', True)],
)
def test_on_a_gpu_precision_and_graphs_are_those_of_the_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str, precision: str, graphs: bool
) -> None:
    made = []
    monkeypatch.setattr(
        benchmark_network, 'TorchCudaBackend', lambda model, *rest: made.append(rest)
    )
    networks = benchmark_network._Networks(PARAMS, INFO.crop, tmp_path, 'cuda:1')
    networks.backend(NetworkConfig(backend, precision, 'group', ('pose',), 64))
    assert made == [('cuda:1', ('pose',), precision, graphs)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
def test_on_a_gpu_graphs_stand_beside_eager_execution() -> None:
    configs = network_configs([(EAGER, 'fp32'), (EAGER, 'fp16'), ('torch', 'fp16')], [1, 3])
    costs = measure_network(configs, PARAMS, INFO.crop, rounds=2, device='cuda')
    assert {(cost.backend, cost.precision) for cost in costs} == {
        (EAGER, 'fp32'),
        (EAGER, 'fp16'),
        ('torch', 'fp16'),
    }
    assert all(cost.device.startswith('cuda') for cost in costs)
    assert all(cost.fraction_of_ceiling > 0 for cost in costs)


def test_architecture_is_that_of_a_checkpoint(weights: Path) -> None:
    assert network_of(weights) == (replace(PARAMS), INFO.crop)


def test_network_command_says_what_was_not_measured(
    weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr('person_mtl_ros.commands.benchmark.RUNTIMES', {'onnx': 'not_installed'})
    arguments = ['--weights', str(weights), '--batch', '2', '--rounds', '1']
    assert cli.main(['benchmark', 'network', *arguments]) == 0
    printed = capsys.readouterr().out
    assert '| torch' in printed
    assert 'Not measured: onnx, GPUs (--device cuda).' in printed


def test_frame_command_writes_one_row_per_crowd(weights: Path, tmp_path: Path) -> None:
    report = tmp_path / 'x.json'
    arguments = ['--weights', str(weights), '--backend', 'torch', '--frames', '2']
    people = ['--people', '1', '3', '--max-persons-per-frame', '2', '--time-budget-ms', '60000']
    assert cli.main(['benchmark', 'frame', *arguments, *people, '--json', str(report)]) == 0
    rows = json.loads(report.read_text())
    assert [row['people'] for row in rows] == [1, 3]
    assert [row['evaluated_p50'] for row in rows] == [1, 2]
    for row in rows:
        assert set(row) == {
            'people',
            'evaluated_p50',
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
        pytest.param(
            ['network', '--device', 'cuda'], "nothing was measured on 'cuda'", marks=without_gpu
        ),
        pytest.param(
            ['frame', '--backend', 'torch', '--device', 'cuda'],
            "device 'cuda' is not there",
            marks=without_gpu,
        ),
        (['frame', '--people', '3', '-1'], '--people is -1; expected at least 1'),
        (['frame', '--time-budget-ms', '-1'], 'time_budget_ms is -1.0; expected 0 <= x'),
    ],
)
def test_wrong_use_is_told_in_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['benchmark', *arguments]) == 2
    message = capsys.readouterr().err
    assert reason in message
    assert message.count('\n') == 1
