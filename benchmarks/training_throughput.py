"""
How many crops a second a training takes, and how long the device waits for them.

    python -m benchmarks.training_throughput config/training/multi_task/smoke.yaml --workers 0 1 2

Method: for each number of reading processes the experiment is trained for STEPS steps in a folder
that is thrown away, one after the other in one run, so that ratios hold on a noisy machine. Time
counts from the first batch on, when the processes have started. ``reading alone`` is what the same
processes give when nobody trains: as long as it is above the training's rate, reading and
augmenting is no bottleneck. Writes training_throughput.json beside this file.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from training.annotations import open_dataset
from training.batches import training_loader
from training.config import ExperimentConfig, load_config
from training.train import train
from training.transforms import margin_of, train_transform

STEPS = 60


def reading_rate(config: ExperimentConfig) -> float:
    """Crops a second that the reading processes give, from the second batch on."""
    datasets = {
        name: open_dataset(data, config.crop, margin_of(data.augmentation))
        for name, data in config.train.items()
    }
    size_hw = (config.crop.height, config.crop.width)
    transforms = {
        name: train_transform(data.augmentation, size_hw, datasets[name].labels)
        for name, data in config.train.items()
    }
    batches = iter(training_loader(config, datasets, transforms, range(STEPS)))
    next(batches)
    begin = time.monotonic()
    crops = sum(len(batch.rows) for batch in batches)
    return crops / (time.monotonic() - begin)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description='Throughput of a training.')
    parser.add_argument('config', type=Path)
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--set', action='append', default=[], dest='changes')
    args = parser.parse_args()
    rows = []
    for workers in args.workers:
        steps = f'optimization.steps={STEPS}'
        config = load_config(args.config, [*args.changes, steps, f'workers={workers}'])
        config = replace(config, validation={})
        with tempfile.TemporaryDirectory() as folder:
            results = train(config, Path(folder))
        rows.append(
            {
                'workers': workers,
                'reading_alone_crops_per_s': round(reading_rate(config), 1),
                'training_crops_per_s': round(results['crops_per_second'], 1),
                'waiting_share': round(results['waiting_share'], 3),
                'device': results['device'],
            }
        )
    print(tabulate(rows, headers='keys'))
    path = Path(__file__).with_suffix('.json')
    path.write_text(json.dumps({'experiment': str(args.config), 'rows': rows}, indent=1) + '\n')


if __name__ == '__main__':
    main()
