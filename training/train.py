"""
Train a network as an experiment file says.

    python -m training.train config/training/multi_task/demo.yaml --out RUN
    python -m training.train CONFIG --out RUN --set optimization.steps=100 --set seed=1
    torchrun --nproc-per-node 4 -m training.train CONFIG --out RUN

RUN gets the state (a started training goes on from it), logs for TensorBoard, and at the end
``network.safetensors``, ready for the robot, and ``results.json``. A run that has results is
finished: the same command again leaves it as it is.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from lightning_fabric.loggers import TensorBoardLogger
from lightning_fabric.strategies import DDPStrategy

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.checkpoint import save_checkpoint
from person_mtl_ros.crops import CropParams
from training.annotations import open_dataset
from training.batches import training_loader
from training.config import (
    ConfigError,
    DataConfig,
    ExperimentConfig,
    config_to_json,
    load_config,
)
from training.datasets.sample import DatasetError, PersonDataset
from training.engine import NonFiniteLossError, Trainer
from training.evaluation import PRIMARY, Scores, evaluate, evaluate_same_person, without_nan
from training.pretrained import load_pretrained
from training.run_folder import NETWORK, RESULTS, ResumeError, finished_results
from training.systems.multi_task import MultiTaskSystem
from training.transforms import evaluation_transform, margin_of, train_transform
from training.validation import predict_dataset

Results = dict[str, dict[str, Scores]]  # data set -> task -> measures


class Experiment:
    """
    Data sets, system and trainer of an experiment file.

    :param config: what to do.
    :param out: folder of the run.
    :param fabric: launched.
    """

    def __init__(self, config: ExperimentConfig, out: Path, fabric: Fabric) -> None:
        self._config, self._out, self._fabric = config, out, fabric
        self._size_hw = (config.crop.height, config.crop.width)
        self._train = {
            name: _open(name, data, config.crop, margin_of(data.augmentation))
            for name, data in config.train.items()
        }
        self._validation = {
            name: _open(name, data, config.crop) for name, data in config.validation.items()
        }
        labels = {name: data.labels for name, data in (self._train | self._validation).items()}
        people = {
            name: len(set(self._train[name].identities.tolist()))
            for name, data in config.train.items()
            if 'reid' in data.tasks
        }
        seed_everything(config.seed, verbose=False)
        self.system = MultiTaskSystem(config, labels, people)
        if config.pretrained:
            filled = load_pretrained(self.system.network, self.system.params, config.pretrained)
            if config.optimization.frozen_statistics:
                self.system.freeze_statistics(filled)
        self._trainer = Trainer(fabric, self.system, config, out)

    def run(self) -> dict[str, Any]:
        """Train, measure, and write the network and the results."""
        transforms = {
            name: train_transform(
                data.augmentation,
                self._size_hw,
                self._train[name].labels,
                self._config.crop.context,
            )
            for name, data in self._config.train.items()
        }
        self._trainer.run(
            lambda steps: training_loader(
                self._config, self._train, transforms, steps, self._fabric.global_rank
            ),
            self._validate,
        )
        results: dict[str, Any] = {}
        if self._fabric.is_global_zero:
            results = self._results()
            self._write(results)
        self._fabric.barrier()
        return results

    def _validate(self, step: int) -> Mapping[str, float]:
        """Primary measures; the first process measures, the others wait."""
        values: dict[str, float] = {}
        if self._fabric.is_global_zero:
            for name, tasks in self._measure()[0].items():
                values |= {f'{name}/{task}': s[PRIMARY[task]] for task, s in tasks.items()}
            text = '  '.join(f'{name} {value:.3f}' for name, value in values.items())
            print(f'step {step}: {text}', flush=True)
        self._fabric.barrier()
        return values

    def _measure(self) -> tuple[Results, Scores]:
        """Measures of all sets, and the same-person threshold of the first with ReID labels."""
        transform = evaluation_transform(self._size_hw)
        results: Results = {}
        same_person: Scores = {}
        for name, data in self._config.validation.items():
            dataset = self._validation[name]
            answers, labels = predict_dataset(
                self._predict,
                dataset,
                transform,
                data.tasks,
                self._fabric.device,
                self._config.workers,
            )
            results[name] = evaluate(answers, labels, dataset.labels, dataset.is_query)
            if 'reid' in answers and not same_person:
                same_person = evaluate_same_person(answers['reid'], labels['identity'])
        return results, same_person

    def _predict(self, images: torch.Tensor, tasks: tuple[str, ...]) -> dict[str, torch.Tensor]:
        network = self._trainer.network.eval()
        images = images.contiguous(memory_format=torch.channels_last)
        with self._fabric.autocast():
            outputs = network(images, tasks)
        return dict(self.system.decoder(outputs))

    def _results(self) -> dict[str, Any]:
        usage = self._trainer.usage
        validation, same_person = self._measure()
        measured = {
            'description': self._config.description,
            'expected': self._config.expected,
            'validation': validation,
            'same_person': same_person,
            'parameters': sum(p.numel() for p in self._trainer.network.parameters()),
            'seconds': round(usage.seconds, 1),
            'crops': usage.crops,
            'crops_per_second': usage.crops_per_second,
            'waiting_share': usage.waiting_share,
            'memory_bytes': usage.memory_bytes,
            'device': str(self._fabric.device),
            'processes': usage.processes,
            'versions': {
                'python': platform.python_version(),
                **{name: version(name) for name in ('torch', 'lightning-fabric')},
            },
        }
        return without_nan(measured) | {'config': config_to_json(self._config)}

    def _write(self, results: Mapping[str, Any]) -> None:
        network = self._trainer.network
        training = {
            'experiment': results['config'],
            'steps': self._trainer.step,
            'processes': results['processes'],
        }
        info = replace(
            self.system.checkpoint_info(training),
            results=results['validation'],
            **results['same_person'],
        )
        tensors = {
            name: tensor.detach().float().cpu().contiguous().numpy()
            for name, tensor in network.state_dict().items()
        }
        save_checkpoint(self._out / NETWORK, info, tensors, half=True)
        with atomic_path(self._out / RESULTS) as temporary:
            temporary.write_text(json.dumps(results, indent=1) + '\n')


def _open(name: str, data: DataConfig, crop: CropParams, margin: float = 1.0) -> PersonDataset:
    dataset = open_dataset(data, crop, margin)
    unlabelled = [task for task in data.tasks if task not in dataset.labelled_tasks]
    if unlabelled:
        raise ConfigError(
            f"data set '{name}' has no labels of {', '.join(unlabelled)}; "
            f'it has those of {", ".join(dataset.labelled_tasks) or "no task"}'
        )
    return dataset


def create_fabric(config: ExperimentConfig, out: Path) -> Fabric:
    """Launch on all devices that ``torchrun`` gives this training, or on one."""
    processes = int(os.environ.get('WORLD_SIZE', '1'))
    # Heads without labels in a batch have no gradients.
    strategy = DDPStrategy(find_unused_parameters=True) if processes > 1 else 'auto'
    fabric = Fabric(
        devices=int(os.environ.get('LOCAL_WORLD_SIZE', '1')),
        num_nodes=int(os.environ.get('GROUP_WORLD_SIZE', '1')),
        strategy=strategy,
        precision=config.optimization.precision,
        loggers=TensorBoardLogger(root_dir=out, name='', version=''),
    )
    fabric.launch()
    return fabric


def train(config: ExperimentConfig, out: Path) -> dict[str, Any]:
    """
    Train an experiment and write its folder; one that is finished stays as it is.

    :returns: what is in ``results.json``; nothing in processes but the first.
    :raises ConfigError, DatasetError, ResumeError, NonFiniteLossError: one line each.
    """
    results = finished_results(config, out)
    if results is not None:
        if os.environ.get('RANK', '0') == '0':
            print(f'{out} is finished; to measure it again, remove {out / RESULTS}', flush=True)
        return results
    out.mkdir(parents=True, exist_ok=True)
    return Experiment(config, out, create_fabric(config, out)).run()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Train a network as an experiment file says.')
    parser.add_argument('config', type=Path, help='experiment file, see config/training')
    parser.add_argument('--out', type=Path, required=True, help='folder of the run')
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        dest='changes',
        help='change a value of the file, such as optimization.steps=100',
    )
    args = parser.parse_args()
    try:
        train(load_config(args.config, args.changes), args.out)
    except (ConfigError, DatasetError, ResumeError, OSError) as error:
        print(f'train: {error}', file=sys.stderr)
        return 2
    except NonFiniteLossError as error:
        print(f'train: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
