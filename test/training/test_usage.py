import time
from pathlib import Path

import pytest
import torch
from tiny_training import experiment, open_random_people

from training import annotations
from training.engine import Trainer
from training.run_folder import STATE
from training.train import train
from training.usage import Usage


def test_speed_is_that_of_the_steps() -> None:
    usage = Usage(seconds=100.0, step_seconds=50.0, waiting_seconds=5.0, crops=400)
    assert (usage.crops_per_second, usage.waiting_share) == (8.0, 0.1)
    assert (Usage().crops_per_second, Usage().waiting_share) == (0.0, 0.0)


def test_sessions_are_summed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotations, 'create_dataset', open_random_people)
    clock = iter(range(10**6))  # a second passes at every look
    monkeypatch.setattr(time, 'monotonic', lambda: float(next(clock)))
    config = experiment(tmp_path)
    step = Trainer._train_step

    def stop_in_step_4(trainer: Trainer, batches):
        if trainer.step == 4:
            raise KeyboardInterrupt
        return step(trainer, batches)

    monkeypatch.setattr(Trainer, '_train_step', stop_in_step_4)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / 'run')
    first = Usage(**torch.load(tmp_path / 'run' / STATE, weights_only=True)['usage'])
    monkeypatch.setattr(Trainer, '_train_step', step)
    results = train(config, tmp_path / 'run')
    whole = train(config, tmp_path / 'whole')
    assert 0 < first.seconds < results['seconds'] < 2 * first.seconds
    # The first step of a session, in which the reading processes start, belongs to no step.
    assert 0 < first.crops < results['crops'] < whole['crops']
    assert results['memory_bytes'] >= first.memory_bytes > 0
