"""
Turn the results of runs into a page with tables and plots.

    python -m training.table runs --out docs/results/multi_task.md

RUNS holds what ``python -m training.sweep`` writes: NAME/seed_N/results.json. The tables are those
of Pfeiffer et al.; a figure is the mean over seeds with its standard deviation, and in brackets
what the experiment file expects.
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
from training.config import config_from_json
from training.cost import Cost, measure_costs
from training.evaluation import PRIMARY
from training.run_folder import NETWORK, RESULTS

matplotlib.use('Agg')
import matplotlib.pyplot as plt

Column = tuple[str, str, str]  # data set, task and measure
# Measures whose name does not tell what of.
TITLES = {'mAP': 'ReID mAP', 'accuracy': 'attribute accuracy', 'mIoU_5': 'mIoU of 5 classes'}
# What may differ between the runs of an experiment.
_FREE = frozenset({'seed', 'workers', 'report_every', 'save_every', 'validate_every'})


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
        """Primary measure of every task, and those that are expected."""
        return [
            (dataset, task, measure)
            for dataset, tasks in self.results[0]['validation'].items()
            for task in tasks
            for measure in dict.fromkeys((PRIMARY[task], *self._expected(dataset, task)))
        ]

    def percent(self, column: Column) -> list[float]:
        """Measure of each seed."""
        dataset, task, measure = column
        values = [r['validation'][dataset][task].get(measure) for r in self.results]
        return [float('nan') if value is None else 100 * value for value in values]

    def expected_percent(self, column: Column) -> float | None:
        """Figure that the experiment file expects, if it does."""
        dataset, task, measure = column
        value = self._expected(dataset, task).get(measure)
        return None if value is None else 100 * value

    def _expected(self, dataset: str, task: str) -> dict[str, float]:
        return dict(self.results[0]['expected'].get(dataset, {}).get(task, {}))


def read_runs(folder: Path) -> dict[str, Runs]:
    """
    Read all finished runs.

    :param folder: of ``training.sweep``.
    :returns: by name of the experiment.
    :raises TableError: when there are none, one cannot be read, or seeds are of unequal
        experiments.
    """
    runs = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(path.glob(f'seed_*/{RESULTS}'))
        results = tuple(_read_results(file) for file in files)
        if results:
            _check_equal(dict(zip(files, results, strict=True)))
            runs[path.name] = Runs(path.name, tuple(file.parent for file in files), results)
    if not runs:
        raise TableError(
            f'{folder}: no NAME/seed_N/{RESULTS}; python -m training.sweep makes them'
        )
    return runs


def _read_results(file: Path) -> dict[str, Any]:
    """Results with an ``ExperimentConfig`` in ``config``."""
    try:
        results: dict[str, Any] = json.loads(file.read_text())
        return results | {'config': config_from_json(results['config'])}
    except (KeyError, TypeError, ValueError) as error:
        reason = ' '.join(str(error).split())[:200]
        raise TableError(
            f'{file} was not written by this version ({reason}); remove it and sweep again'
        ) from error


def _check_equal(results: Mapping[Path, Mapping[str, Any]]) -> None:
    first, *others = results
    expected = vars(results[first]['config'])
    for file in others:
        actual = vars(results[file]['config'])
        unequal = [key for key in expected if key not in _FREE and actual[key] != expected[key]]
        if unequal:
            raise TableError(
                f'{file} is of another experiment than that of {first.parent.name}: they differ '
                f'in {", ".join(unequal)}; remove the outdated folders and sweep again'
            )


def score_table(runs: Sequence[Runs]) -> str:
    """Markdown: a row per experiment, a column per measure; expected figures in brackets."""
    columns = _columns(runs)
    headers = ['', 'seeds', *(f'{_title(measure)}, {dataset}' for dataset, _, measure in columns)]
    rows = [
        [run.description, len(run.results), *(_score_cell(run, column) for column in columns)]
        for run in runs
    ]
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
    """
    Draw every measure of every experiment.

    A bar for the mean, a dot for each seed and a line for what is expected.
    """
    columns = _columns(runs)
    figure, axes = plt.subplots(
        1, len(columns), figsize=(2.6 * len(columns), 0.34 * len(runs) + 1.1), sharey=True
    )
    for axis, column in zip(np.atleast_1d(axes), columns, strict=True):
        for place, run in enumerate(runs):
            if column in run.columns:
                values = run.percent(column)
                axis.barh(place, np.mean(values), color='#9ecae1')
                axis.plot(values, [place] * len(values), 'o', color='#08519c', markersize=3)
                if (expected := run.expected_percent(column)) is not None:
                    axis.plot(expected, place, '|', color='#d94801', markersize=12)
        dataset, _, measure = column
        axis.set_title(f'{_title(measure)}\n{dataset}', fontsize=9)
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


def _columns(runs: Sequence[Runs]) -> list[Column]:
    return list(dict.fromkeys(column for run in runs for column in run.columns))


def _title(measure: str) -> str:
    return TITLES.get(measure, measure)


def _score_cell(run: Runs, column: Column) -> str:
    if column[:2] not in [measured[:2] for measured in run.columns]:
        return '–'
    expected = run.expected_percent(column)
    words = '' if expected is None else f' (expected {expected:.1f})'
    return _mean_and_deviation(run.percent(column)) + words


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
