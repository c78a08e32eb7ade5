"""
Turn the results of runs into a page with tables and plots.

    python -m training.table runs --out docs/results/multi_task.md

RUNS holds what ``python -m training.sweep`` writes: NAME/seed_N/results.json. The tables are those
of Pfeiffer et al.; a figure is the mean over seeds with its standard deviation.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from tabulate import tabulate

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.checkpoint import load_info
from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams
from training.cost import Cost, measure_costs
from training.evaluation import PRIMARY
from training.run_folder import NETWORK, RESULTS

matplotlib.use('Agg')
import matplotlib.pyplot as plt

Column = tuple[str, str]  # data set and task
MEASURES = {
    'reid': 'ReID mAP',
    'attributes': 'attribute accuracy',
    'pose': 'PCKh',
    'parts': 'mIoU',
}


class TableError(ValueError):
    """Runs that are missing or broken; one line for the user."""


@dataclass(frozen=True)
class Runs:
    """All seeds of an experiment."""

    name: str
    folders: tuple[Path, ...]
    results: tuple[dict[str, Any], ...]

    @property
    def description(self) -> str:
        """Of the experiment file."""
        return str(self.results[0]['description'])

    @property
    def columns(self) -> list[Column]:
        """What was measured."""
        validation = self.results[0]['validation']
        return [(dataset, task) for dataset, tasks in validation.items() for task in tasks]

    def percent(self, column: Column) -> list[float]:
        """Measure of each seed."""
        dataset, task = column
        values = [r['validation'][dataset][task][PRIMARY[task]] for r in self.results]
        return [float('nan') if value is None else 100 * value for value in values]


def read_runs(folder: Path) -> dict[str, Runs]:
    """
    Read all finished runs.

    :param folder: of ``training.sweep``.
    :returns: by name of the experiment.
    :raises TableError: when there are none, or one cannot be read.
    """
    runs = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(path.glob(f'seed_*/{RESULTS}'))
        try:
            results = tuple(json.loads(file.read_text()) for file in files)
        except ValueError as error:
            raise TableError(f'{path}: a {RESULTS} that is no JSON: {error}') from error
        if results:
            runs[path.name] = Runs(path.name, tuple(file.parent for file in files), results)
    if not runs:
        raise TableError(
            f'{folder}: no NAME/seed_N/{RESULTS}; python -m training.sweep makes them'
        )
    return runs


def score_table(runs: Sequence[Runs]) -> str:
    """Markdown: a row per experiment, a column per data set and task."""
    columns = list(dict.fromkeys(column for run in runs for column in run.columns))
    headers = ['', 'seeds', *(f'{MEASURES[task]}, {dataset}' for dataset, task in columns)]
    rows = []
    for run in runs:
        cells = [
            _mean_and_deviation(run.percent(column)) if column in run.columns else '–'
            for column in columns
        ]
        rows.append([run.description, len(run.results), *cells])
    return tabulate(rows, headers, tablefmt='github', disable_numparse=True)


def cost_table(runs: Sequence[Runs]) -> str:
    """Markdown: parameters, memory and time of each network, measured now and in turns."""
    networks = {}
    for run in runs:
        info = load_info(run.folders[0] / NETWORK)
        size = (info.crop.height, info.crop.width)
        networks[run.description] = (MultiTaskNetParams(**info.network_params), size)
    costs = measure_costs(networks)
    headers = ['', 'parameters', 'training memory per crop', 'forward pass per crop']
    rows = [[name, *_cost_cells(cost)] for name, cost in costs.items()]
    return tabulate(rows, headers, tablefmt='github', disable_numparse=True)


def plot(runs: Sequence[Runs], path: Path) -> None:
    """Draw every measure of every experiment: a bar for the mean, a dot for each seed."""
    columns = list(dict.fromkeys(column for run in runs for column in run.columns))
    figure, axes = plt.subplots(
        1, len(columns), figsize=(2.6 * len(columns), 0.34 * len(runs) + 1.1), sharey=True
    )
    for axis, column in zip(np.atleast_1d(axes), columns, strict=True):
        for place, run in enumerate(runs):
            if column in run.columns:
                values = run.percent(column)
                axis.barh(place, np.mean(values), color='#9ecae1')
                axis.plot(values, [place] * len(values), 'o', color='#08519c', markersize=3)
        dataset, task = column
        axis.set_title(f'{MEASURES[task]}\n{dataset}', fontsize=9)
        axis.set_yticks(range(len(runs)), [run.description for run in runs], fontsize=8)
        axis.tick_params(axis='x', labelsize=8)
        axis.spines[['top', 'right']].set_visible(False)
    np.atleast_1d(axes)[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_page(page: Path, runs: Mapping[str, Runs]) -> None:
    """
    Replace the generated parts of a page, which stand between HTML comments.

    A part ``<!-- table7 -->`` to ``<!-- end -->`` gets the scores of the experiments whose names
    begin so and a plot, ``table7.png`` beside the page; ``<!-- table7 cost -->`` gets what their
    networks cost.

    :param page: Markdown that exists; its prose stays.
    :raises TableError: for a part without runs or without end.
    """
    lines: list[str] = []
    is_generated = False
    for line in page.read_text().splitlines():
        if line == '<!-- end -->':
            is_generated = False
        if not is_generated:
            lines.append(line)
        if line.startswith('<!-- ') and line != '<!-- end -->':
            is_generated = True
            lines += ['', *_part(page, line.removeprefix('<!-- ').removesuffix(' -->'), runs), '']
    if is_generated:
        raise TableError(f'{page}: a part without <!-- end -->; what follows it would be lost')
    with atomic_path(page) as temporary:
        temporary.write_text('\n'.join(lines) + '\n')


def _part(page: Path, title: str, runs: Mapping[str, Runs]) -> list[str]:
    name, _, what = title.partition(' ')
    chosen = [run for key, run in runs.items() if key.startswith(name)]
    if not chosen:
        raise TableError(f"{page}: part '{title}': no run whose name begins with {name}")
    if what == 'cost':
        return cost_table(chosen).splitlines()
    picture = page.parent / f'{name}.png'
    plot(chosen, picture)
    return [*score_table(chosen).splitlines(), '', f'![{name}]({picture.name})']


def _mean_and_deviation(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f'{values[0]:.1f}'
    return f'{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}'


def _cost_cells(cost: Cost) -> list[str]:
    return [
        f'{cost.parameters / 1e6:.2f} M',
        f'{cost.training_bytes_per_crop / 2**20:.1f} MiB',
        f'{cost.ms_per_crop:.2f} ms',
    ]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Turn results of runs into a page.')
    parser.add_argument('runs', type=Path, help='folder of training.sweep')
    parser.add_argument('--out', type=Path, required=True, help='page, Markdown, that exists')
    args = parser.parse_args()
    try:
        write_page(args.out, read_runs(args.runs))
    except (TableError, OSError) as error:
        print(f'table: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
