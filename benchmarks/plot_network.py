"""
Draw what ``person-mtl benchmark network`` measured.

    person-mtl benchmark network --json benchmarks/network.json
    python -m benchmarks.plot_network benchmarks/network.json

writes ``network.png`` beside the file: crops per second of every row, with the share of the
machine's own matrix product at its end; and prints the tables of docs/speed.md.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from tabulate import tabulate

from person_mtl_ros.benchmark_network import NetworkCost, compare_costs

BAR_INCHES = 0.4


def plot(rows: list[dict[str, Any]]) -> Figure:
    """
    Draw one bar per row.

    :param rows: as ``person-mtl benchmark network --json`` writes them.
    """
    figure = Figure((8, 1 + BAR_INCHES * len(rows)), layout='constrained')
    axes = figure.add_subplot()
    labels = [
        f'{row["backend"]} {row["precision"]}, {row["norm"]} norm, batch {row["batch"]}\n'
        f'{", ".join(row["heads"])}'
        for row in rows
    ]
    speeds = [row['crops_per_s'] for row in rows]
    bars = axes.barh(range(len(rows)), speeds)
    axes.bar_label(
        bars, [f'{row["fraction_of_ceiling"]:.0%} of ceiling' for row in rows], padding=3
    )
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.3)
    axes.set_xlabel('crops per second')
    return figure


def tables(rows: list[dict[str, Any]]) -> str:
    """
    Write the rows, and what follows from them, as Markdown.

    :param rows: as for :func:`plot`.
    """
    costs = [NetworkCost(**{**row, 'heads': tuple(row['heads'])}) for row in rows]
    speeds = [
        {
            'backend': cost.backend,
            'precision': cost.precision,
            'norm': cost.norm,
            'heads': 'all four' if len(cost.heads) > 1 else cost.heads[0],
            'batch': cost.batch,
            'crops per second': f'{cost.crops_per_s:.1f}',
            'ms p50': f'{cost.ms_p50:.1f}',
            'ms p99': f'{cost.ms_p99:.1f}',
            'of the ceiling': f'{cost.fraction_of_ceiling:.2f}',
        }
        for cost in costs
    ]
    ratios = [
        {'': ratio.name, 'clock': f'{ratio.clock:.2f}', 'processor time': f'{ratio.cpu:.2f}'}
        for ratio in compare_costs(costs)
    ]
    return '\n\n'.join(
        tabulate(table, headers='keys', tablefmt='github', disable_numparse=True)
        for table in (speeds, ratios)
    )


def main() -> int:
    """Read the file of the command line, write the picture and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('rows', type=Path, help='JSON file')
    path = parser.parse_args().rows
    rows = json.loads(path.read_text())
    plot(rows).savefig(path.with_suffix('.png'), dpi=120)
    print(tables(rows))
    return 0


if __name__ == '__main__':
    sys.exit(main())
