"""
Run many experiments, each with several seeds.

    python -m training.sweep CONFIG.yaml CONFIG.yaml --seeds 0 1 2 --out runs

A run lies in OUT/NAME/seed_N, NAME being that of its file. Those that are finished are left, those
that were stopped go on; one that was finished with another content of the file is an error.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from training.config import ConfigError, load_config
from training.run_folder import ResumeError, finished_results


class Run(NamedTuple):
    """An experiment with a seed."""

    config: Path
    seed: int
    out: Path


def check_configs(paths: Sequence[Path]) -> None:
    """
    Refuse experiment files before the first of them has run for hours.

    :raises ConfigError: for a file that cannot be used, or two of one name.
    """
    places: dict[str, Path] = {}
    for path in paths:
        load_config(path)
        if path.stem in places:
            raise ConfigError(
                f'{places[path.stem]} and {path} would both run in OUT/{path.stem}; '
                'rename one, or sweep them into different folders'
            )
        places[path.stem] = path


def unfinished_runs(configs: Sequence[Path], seeds: Sequence[int], out: Path) -> list[Run]:
    """
    List what is left to do, seed by seed.

    :param configs: experiment files.
    :param out: folder of all runs.
    :raises ConfigError: for a file that cannot be used.
    :raises ResumeError: for a finished run of another experiment or one that cannot be read.
    """
    runs = [
        Run(config, seed, out / config.stem / f'seed_{seed}')
        for seed in seeds
        for config in configs
    ]
    return [
        run
        for run in runs
        if finished_results(load_config(run.config, [f'seed={run.seed}']), run.out) is None
    ]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Run many experiments with several seeds.')
    parser.add_argument('configs', type=Path, nargs='+', help='experiment files')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--out', type=Path, required=True, help='folder for the runs')
    args = parser.parse_args()
    try:
        check_configs(args.configs)
        runs = unfinished_runs(args.configs, args.seeds, args.out)
    except (ConfigError, ResumeError) as error:
        print(f'sweep: {error}', file=sys.stderr)
        return 2
    for run in runs:
        print(f'{run.config.stem}, seed {run.seed}', flush=True)
        # Each in a process of its own, so that memory is that of the experiment.
        command = [sys.executable, '-m', 'training.train', str(run.config), '--out', str(run.out)]
        if subprocess.run([*command, '--set', f'seed={run.seed}']).returncode:
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
