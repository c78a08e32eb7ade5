"""
Draw what ``person-mtl benchmark network`` measured.

    person-mtl benchmark network --json benchmarks/network.json
    python -m benchmarks.plot_network benchmarks/network.json

writes ``network.png`` beside the file: crops per second of every row, with the share of the
machine's own matrix product at its end.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

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
    axes.margins(x=0.2)
    axes.set_xlabel('crops per second')
    return figure


def main() -> int:
    """Read the file of the command line and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('rows', type=Path, help='JSON file')
    path = parser.parse_args().rows
    plot(json.loads(path.read_text())).savefig(path.with_suffix('.png'), dpi=120)
    return 0


if __name__ == '__main__':
    sys.exit(main())
