from dataclasses import asdict

import pytest

from benchmarks.plot_network import plot, tables
from person_mtl_ros.benchmark_network import NetworkCost, network_configs


@pytest.fixture
def rows() -> list[dict[str, object]]:
    configs = network_configs([('torch', 'fp32'), ('openvino', 'bf16')], [1, 10])
    times_ms = (1000, 6, 50, 40, 20, 30, 30, 45)
    return [
        asdict(
            NetworkCost(
                **config._asdict(),
                device='cpu',
                crops_per_s=1e3 * config.batch / ms,
                ms_p50=ms,
                ms_p99=ms + 1,
                cpu_ms_per_crop=ms,
                gflop_per_crop=1,
                fraction_of_ceiling=0.5,
            )
        )
        for config, ms in zip(configs, times_ms, strict=True)
    ]


def test_tables_tell_speeds_and_ratios(rows: list[dict[str, object]]) -> None:
    speeds, ratios = tables(rows).split('\n\n')
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in speeds.splitlines()]
    assert len(cells) == 2 + len(rows)
    assert cells[4] == [
        *('openvino', 'bf16', 'group', 'all four', '10', '200.0', '50.0', '51.0', '0.50')
    ]
    assert cells[-1][3] == 'parts'
    assert '| all heads / embedding alone, time' in ratios
    assert ' 2.50 ' in ratios


def test_every_row_has_a_bar(rows: list[dict[str, object]]) -> None:
    (axes,) = plot(rows).axes
    assert [bar.get_width() for bar in axes.patches] == [row['crops_per_s'] for row in rows]
