"""
Run many experiments, each with several seeds.

    python -m training.sweep CONFIG.yaml CONFIG.yaml --seeds 0 1 2 --out runs

A run lies in OUT/NAME/seed_N. Those that are finished are left, those that were stopped go on.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from training.config import ConfigError, load_config


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Run many experiments with several seeds.')
    parser.add_argument('configs', type=Path, nargs='+', help='experiment files')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--out', type=Path, required=True, help='folder for the runs')
    args = parser.parse_args()
    try:
        for config in args.configs:
            load_config(config)
    except ConfigError as error:
        print(f'sweep: {error}', file=sys.stderr)
        return 2
    for seed in args.seeds:
        for config in args.configs:
            out = args.out / config.stem / f'seed_{seed}'
            if (out / 'results.json').exists():
                continue
            print(f'{config.stem}, seed {seed}', flush=True)
            # Each in a process of its own, so that memory is that of the experiment.
            command = [sys.executable, '-m', 'training.train', str(config), '--out', str(out)]
            if subprocess.run([*command, '--set', f'seed={seed}']).returncode:
                return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
