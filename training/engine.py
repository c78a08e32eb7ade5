"""
Training loop on Lightning Fabric: one process or many, without a change to the code.

    python -m training.train CONFIG --out RUN            one CPU or GPU
    torchrun --nproc-per-node 4 -m training.train ...    several; also on several nodes
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from person_mtl_ros.atomic_path import atomic_path
from training.batches import Batch
from training.config import ExperimentConfig, OptimizationConfig
from training.run_folder import STATE, ResumeError, recipe
from training.systems.multi_task import MultiTaskSystem
from training.usage import Usage, peak_memory

LAST_FACTOR = 1e-3  # of the learning rate at the end of the exponential decay (Hermans et al.)


class NonFiniteLossError(RuntimeError):
    """A loss that is no number, with the batch that gave it."""


@dataclass
class _Report:
    """Sums of losses since the last line of the log."""

    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, dataset: str, losses: Mapping[str, float]) -> None:
        for name, value in losses.items():
            self.sums[f'{dataset}/{name}'] += value
            self.counts[f'{dataset}/{name}'] += 1

    def means(self) -> dict[str, float]:
        return {name: value / self.counts[name] for name, value in self.sums.items()}


class Trainer:
    """
    A training with its state: weights, their average, optimizer and step.

    :param fabric: devices, precision and loggers; launched.
    :param system: what is trained.
    :param config: the experiment.
    :param out: folder of the run; a state there is gone on from, bit for bit.
    :raises ResumeError: when that state is of another experiment or broken.
    """

    def __init__(
        self, fabric: Fabric, system: MultiTaskSystem, config: ExperimentConfig, out: Path
    ) -> None:
        self._fabric, self._config, self._out = fabric, config, out
        self._bare_system = system
        system.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimization = config.optimization
        adam = torch.optim.Adam(
            system.parameters(),
            optimization.learning_rate,
            weight_decay=optimization.weight_decay,
        )
        self._system, self._optimizer = fabric.setup(system, adam)
        self._average: AveragedModel | None = None
        if optimization.average_decay:
            average = get_ema_multi_avg_fn(optimization.average_decay)
            self._average = AveragedModel(system.network, multi_avg_fn=average, use_buffers=True)
        self.step = 0
        self.usage = Usage()
        self._counted_until = time.monotonic()
        if (out / STATE).exists():
            self._resume()

    @property
    def network(self) -> nn.Module:
        """The network to use: the average of the weights where there is one."""
        if self._average is not None:
            return self._average.module
        return self._bare_system.network

    def run(
        self,
        loader: Callable[[range], DataLoader[Any]],
        validate: Callable[[int], Mapping[str, float]],
    ) -> None:
        """
        Train to the last step.

        :param loader: batches of some steps.
        :param validate: measures, every ``validate_every`` steps, to be logged.
        """
        config, fabric = self._config, self._fabric
        last = config.optimization.steps
        batches = iter(loader(range(self.step, last)))
        first, usage = self.step, replace(self.usage)
        self._counted_until = time.monotonic()
        report = _Report()
        bar = tqdm(
            total=last, initial=self.step, unit='step', disable=not fabric.is_global_zero or None
        )
        self._system.train()
        while self.step < last:
            begin = time.monotonic()
            report.add(*self._train_step(batches))
            self.usage.step_seconds += time.monotonic() - begin
            if self.step == first:  # the start of the reading processes belongs to no step
                self.usage = usage
            self.step += 1
            bar.update()
            if self.step % config.report_every == 0:
                self._log(report.means(), bar)
                report = _Report()
            if self.step % config.save_every == 0 or self.step == last:
                self.save()
            if config.validate_every and self.step % config.validate_every == 0:
                fabric.log_dict(dict(validate(self.step)), self.step)
                self._system.train()
        bar.close()

    def _train_step(self, batches: Iterator[Batch]) -> tuple[str, dict[str, float]]:
        optimization, fabric = self._config.optimization, self._fabric
        rate = optimization.learning_rate * learning_rate_factor(self.step, optimization)
        for group in self._optimizer.param_groups:
            group['lr'] = rate
        values: dict[str, float] = defaultdict(float)
        for part in range(optimization.accumulate):
            batch = self._next(batches)
            is_last = part == optimization.accumulate - 1
            with fabric.no_backward_sync(self._system, enabled=not is_last):
                total, losses = self._system(fabric.to_device(batch.tensors), batch.dataset)
                self._check_finite(total, losses, batch)
                fabric.backward(total / optimization.accumulate)
            for name, loss in losses.items():
                values[name] += loss.item() / optimization.accumulate
        if optimization.gradient_clip is not None:
            fabric.clip_gradients(
                self._system, self._optimizer, max_norm=optimization.gradient_clip
            )
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._average is not None:
            self._average.update_parameters(self._bare_system.network)
        return batch.dataset, dict(values)

    def _check_finite(
        self, total: torch.Tensor, losses: Mapping[str, torch.Tensor], batch: Batch
    ) -> None:
        if math.isfinite(total.item()):
            return
        values = ', '.join(f'{name} {loss.item():g}' for name, loss in losses.items())
        raise NonFiniteLossError(
            f'step {self.step}: the loss is {total.item():g} ({values}) on data set '
            f"'{batch.dataset}', rows {batch.rows}"
        )

    def _next(self, batches: Iterator[Batch]) -> Batch:
        asked = time.monotonic()
        batch = next(batches)
        self.usage.waiting_seconds += time.monotonic() - asked
        self.usage.crops += len(batch.rows)
        return batch

    def _log(self, means: Mapping[str, float], bar: tqdm) -> None:
        speed = {
            'crops_per_second': self.usage.crops_per_second,
            'waiting_share': self.usage.waiting_share,
            'learning_rate': self._optimizer.param_groups[0]['lr'],
        }
        self._fabric.log_dict({**means, **speed}, self.step)
        text = '  '.join(f'{name} {value:.3f}' for name, value in means.items())
        if self._fabric.is_global_zero:
            bar.write(f'step {self.step}: {text}')

    def save(self) -> None:
        """Write the state, whole or not at all; only the first process writes."""
        now, usage = time.monotonic(), self.usage
        usage.seconds += now - self._counted_until
        usage.memory_bytes = max(usage.memory_bytes, peak_memory(self._fabric.device))
        usage.processes = self._fabric.world_size
        self._counted_until = now
        if self._fabric.is_global_zero:
            with atomic_path(self._out / STATE) as temporary:
                torch.save(self._state(), temporary)
        self._fabric.barrier()

    def _state(self) -> dict[str, Any]:
        return {
            'recipe': recipe(self._config),
            'step': self.step,
            'batches_per_step': self._batches_per_step,
            'usage': asdict(self.usage),
            'system': self._bare_system.state_dict(),
            'average': self._average.state_dict() if self._average is not None else {},
            'optimizer': self._optimizer.state_dict(),
            'precision': self._fabric.strategy.precision.state_dict(),  # of fp16: the loss scale
        }

    def _resume(self) -> None:
        path = self._out / STATE
        try:
            state = torch.load(path, map_location=self._fabric.device, weights_only=True)
        except (OSError, EOFError, KeyError, RuntimeError, UnpicklingError) as error:
            reason = ' '.join(str(error).split())[:200]
            raise ResumeError(
                f'{path} cannot be read ({reason}); remove it to start anew'
            ) from error
        if state.keys() != self._state().keys():
            raise ResumeError(f'{path} was not written by this version; remove it to start anew')
        if state['recipe'] != recipe(self._config):
            raise ResumeError(
                f'{path} is of another experiment; give another --out or remove the folder'
            )
        self.step, self.usage = state['step'], Usage(**state['usage'])
        if self.step < self._config.optimization.steps:
            self._check_batches_per_step(path, state['batches_per_step'])
        self._bare_system.load_state_dict(state['system'])
        self._optimizer.load_state_dict(state['optimizer'])
        self._fabric.strategy.precision.load_state_dict(state['precision'])
        if self._average is not None:
            self._average.load_state_dict(state['average'])

    @property
    def _batches_per_step(self) -> int:
        return self._config.optimization.accumulate * self._fabric.world_size

    def _check_batches_per_step(self, path: Path, before: int) -> None:
        if before == self._batches_per_step:
            return
        processes, now = self.usage.processes, self._fabric.world_size
        ways = [f'start {processes} with optimization.accumulate={before // processes}']
        if now != processes and before % now == 0:
            ways.append(f'set optimization.accumulate={before // now}')
        raise ResumeError(
            f'{path}: its steps are of {before} batches (processes: {processes}), yours of '
            f'{self._batches_per_step} (processes: {now}); to go on, {" or ".join(ways)}'
        )


def learning_rate_factor(step: int, optimization: OptimizationConfig) -> float:
    """Factor on the learning rate at a step: warm-up times decay."""
    progress = step / (optimization.decay_steps or optimization.steps)
    warmup = min(1.0, (step + 1) / max(optimization.warmup_steps, 1))
    if optimization.decay == 'cosine':
        return warmup * (0.5 + 0.5 * math.cos(math.pi * progress))
    beyond = max(progress - optimization.decay_start, 0) / (1 - optimization.decay_start)
    return warmup * LAST_FACTOR**beyond
