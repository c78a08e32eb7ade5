import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import EXPERIMENT, SIZE_HW, RandomPeople, experiment, open_random_people

from person_mtl_ros.checkpoint import load_checkpoint
from training import annotations
from training.batches import training_loader
from training.config import ConfigError
from training.datasets.label_sets import part_labels
from training.datasets.sample import DatasetError, LabelSet
from training.engine import NonFiniteLossError, Trainer, learning_rate_factor
from training.labels import PA100K_ATTRIBUTES
from training.run_folder import NETWORK, RESULTS, STATE, ResumeError
from training.systems.multi_task import MultiTaskSystem
from training.train import main, train
from training.transforms import train_transform

# What a process of its own runs: the random people and a pause in every step, to be killed in.
CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
from tiny_training import open_random_people
from training import annotations, train
from training.config import load_config
from training.engine import Trainer
annotations.create_dataset = open_random_people
step = Trainer._train_step
Trainer._train_step = lambda *args: (time.sleep(0.1), step(*args))[1]
train.train(load_config(Path(sys.argv[1])), Path(sys.argv[2]))
"""

TWO_PROCESSES = """
config, out = load_config(Path(sys.argv[1])), Path(sys.argv[2])
out.mkdir(exist_ok=True)
fabric = train.create_fabric(config, out)
experiment = train.Experiment(config, out, fabric)
experiment.run()
for parameter in experiment.system.parameters():
    one, other = fabric.all_gather(parameter.detach())
    assert (one == other).all()
"""


@pytest.fixture(autouse=True)
def _random_people(monkeypatch):
    monkeypatch.setattr(annotations, 'create_dataset', open_random_people)


def _weights(run: Path) -> dict[str, np.ndarray]:
    return dict(load_checkpoint(run / NETWORK).tensors)


def _assert_same_weights(one: Path, other: Path) -> None:
    first, second = (torch.load(run / STATE, weights_only=True) for run in (one, other))
    assert first['step'] == second['step']
    for part in ('system', 'average'):
        assert first[part].keys() == second[part].keys()
        for name, tensor in first[part].items():
            assert torch.equal(tensor, second[part][name]), name


def test_a_training_leaves_a_network_results_and_logs(tmp_path: Path) -> None:
    results = train(experiment(tmp_path), tmp_path / 'run')
    assert json.loads((tmp_path / 'run' / RESULTS).read_text()) == json.loads(json.dumps(results))
    assert set(results['validation']['people']) == {'reid', 'attributes', 'pose', 'parts'}
    info = load_checkpoint(tmp_path / 'run' / NETWORK).info
    assert info.keypoint_names[0] == 'right_ankle'
    assert info.part_names[1] == 'head'
    assert info.same_person_threshold == results['same_person']['same_person_threshold']
    assert list((tmp_path / 'run').glob('events.out.tfevents.*'))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_finished_training_says_so_and_stays_as_it_is(tmp_path: Path, capsys) -> None:
    config = experiment(tmp_path, 'optimization.learning_rate=1.23456789e-3')
    results = train(config, tmp_path / 'run')
    before = _contents(tmp_path / 'run')
    assert train(config, tmp_path / 'run') == results
    assert _contents(tmp_path / 'run') == before
    assert f'{tmp_path / "run"} is finished' in capsys.readouterr().out


def test_a_finished_training_is_measured_again_on_demand(tmp_path: Path) -> None:
    results = train(experiment(tmp_path), tmp_path / 'run')
    (tmp_path / 'run' / RESULTS).unlink()
    fewer = experiment(tmp_path, 'validation.people.tasks=[pose]')
    again = train(fewer, tmp_path / 'run')
    assert set(again['validation']['people']) == {'pose'}
    for name in ('seconds', 'crops', 'crops_per_second', 'waiting_share', 'processes'):
        assert again[name] == results[name] and results[name] > 0, name


def test_results_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / RESULTS).write_text('{}')
    with pytest.raises(ResumeError, match=r'results\.json was not written by this version'):
        train(experiment(tmp_path), tmp_path / 'run')


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    for name, seed in (('one', 0), ('same', 0), ('other', 1)):
        train(experiment(tmp_path, f'seed={seed}'), tmp_path / name)
    _assert_same_weights(tmp_path / 'one', tmp_path / 'same')
    one, other = _weights(tmp_path / 'one'), _weights(tmp_path / 'other')
    assert any((one[name] != other[name]).any() for name in one)


@pytest.mark.parametrize('sharing', ['single', 'multi', 'split'])
def test_weights_of_tasks_without_labels_in_a_batch_stay(tmp_path: Path, sharing: str) -> None:
    config = experiment(tmp_path, f'network.sharing={sharing}')
    people = open_random_people('', {'count': 24}, config.crop)
    torch.manual_seed(0)
    system = MultiTaskSystem(config, {'people': people.labels}, {'people': 8})
    batch = {
        'image': torch.randint(0, 256, (4, 3, 32, 16), dtype=torch.uint8),
        'keypoints': torch.rand(4, 16, 3),
        'parts': torch.zeros(4, 32, 16, dtype=torch.int64),
    }
    system(batch, 'figures')[0].backward()
    assert all(p.grad is None for p in system.network.heads['attributes'].parameters())
    assert all(p.grad is not None for p in system.network.heads['pose'].parameters())


def test_statistics_that_are_filled_can_be_frozen(tmp_path: Path) -> None:
    config = experiment(tmp_path, 'network.norm=batch')
    people = open_random_people('', {'count': 24}, config.crop)
    system = MultiTaskSystem(config, {'people': people.labels}, {'people': 8})
    names = {name for name in system.network.state_dict() if name.startswith('backbone.layer1.')}
    system.freeze_statistics(names)
    before = {name: buffer.clone() for name, buffer in system.network.named_buffers()}
    system.train()
    system.network(torch.randint(0, 256, (4, 3, 32, 16), dtype=torch.uint8))
    stayed = {
        name
        for name, buffer in system.network.named_buffers()
        if '.' in name and torch.equal(buffer, before[name])
    }
    assert stayed == names & before.keys()


def test_a_training_freezes_the_statistics_it_started_from(tmp_path: Path) -> None:
    start = experiment(tmp_path, 'network.norm=batch')
    train(start, tmp_path / 'start')
    config = experiment(
        tmp_path,
        'network.norm=batch',
        f'pretrained={tmp_path / "start" / NETWORK}',
        'optimization.frozen_statistics=true',
    )
    train(config, tmp_path / 'run')
    start, end = _weights(tmp_path / 'start'), _weights(tmp_path / 'run')
    is_same = {name: (start[name] == end[name]).all() for name in start}
    assert is_same['backbone.layer1.0.bn1.running_var']
    assert not is_same['backbone.layer1.0.bn1.weight']


def test_a_killed_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    train(experiment(tmp_path, 'optimization.steps=12'), tmp_path / 'whole')
    (tmp_path / 'config.yaml').write_text(EXPERIMENT.replace('steps: 6', 'steps: 12'))
    run = tmp_path / 'killed'
    child = [sys.executable, '-c', CHILD.format(here=str(Path(__file__).parent))]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [*child, str(tmp_path / 'config.yaml'), str(run)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (run / STATE).exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    time.sleep(np.random.default_rng().uniform(0, 0.6))
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_at = torch.load(run / STATE, weights_only=True)['step']
    assert 0 < killed_at < 12
    train(experiment(tmp_path, 'optimization.steps=12'), run)
    _assert_same_weights(tmp_path / 'whole', run)


def test_a_step_can_be_of_several_batches(tmp_path: Path) -> None:
    results = train(experiment(tmp_path, 'optimization.accumulate=2'), tmp_path / 'run')
    once = train(experiment(tmp_path), tmp_path / 'once')
    assert results['crops'] == pytest.approx(2 * once['crops'], rel=0.5)
    assert torch.load(tmp_path / 'run' / STATE, weights_only=True)['step'] == 6


def test_gradients_of_the_batches_of_a_step_are_averaged(tmp_path: Path) -> None:
    changes = ('optimization.accumulate=2', 'optimization.steps=1', 'optimization.average_decay=0')
    config = experiment(tmp_path, *changes)
    train(config, tmp_path / 'run')
    moments = torch.load(tmp_path / 'run' / STATE, weights_only=True)['optimizer']['state']

    people = {
        name: open_random_people('', data.options, config.crop)
        for name, data in config.train.items()
    }
    transforms = {
        name: train_transform(data.augmentation, SIZE_HW, people[name].labels)
        for name, data in config.train.items()
    }
    torch.manual_seed(config.seed)
    system = MultiTaskSystem(config, {'people': people['people'].labels}, {'people': 8})
    for batch in training_loader(config, people, transforms, range(1)):
        (system(batch.tensors, batch.dataset)[0] / 2).backward()
    learned = {index: p.grad for index, p in enumerate(system.parameters()) if p.grad is not None}
    assert moments.keys() == learned.keys()
    for index, gradient in learned.items():
        # The first moment of Adam after a step is 0.1 of the gradient.
        torch.testing.assert_close(moments[index]['exp_avg'], 0.1 * gradient, rtol=1e-3, atol=1e-5)


def test_a_broken_state_is_told(tmp_path: Path) -> None:
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / STATE).write_bytes(b'half a file')
    with pytest.raises(ResumeError, match=r'state\.pt cannot be read .*remove it'):
        train(experiment(tmp_path), tmp_path / 'run')
    torch.save({'step': 3}, tmp_path / 'run' / STATE)
    with pytest.raises(ResumeError, match=r'state\.pt was not written by this version'):
        train(experiment(tmp_path), tmp_path / 'run')


def test_a_loss_that_is_no_number_names_its_batch(tmp_path: Path) -> None:
    config = experiment(tmp_path, 'optimization.learning_rate=1.0e+30')
    with pytest.raises(NonFiniteLossError) as error:
        train(config, tmp_path / 'run')
    assert re.search(
        r"step \d+: the loss is (nan|inf).*data set '\w+', rows \[\d", str(error.value)
    )


def test_a_folder_of_another_experiment_is_refused(tmp_path: Path) -> None:
    train(experiment(tmp_path), tmp_path / 'run')
    with pytest.raises(ResumeError, match='another experiment'):
        train(experiment(tmp_path, 'optimization.learning_rate=0.1'), tmp_path / 'run')


@pytest.fixture
def half_of_two_processes(tmp_path: Path, monkeypatch) -> Path:
    """Run of two processes that was stopped in the middle."""
    step = Trainer._train_step

    def stop_in_step_3(trainer: Trainer, batches):
        if trainer.step == 3:
            raise KeyboardInterrupt
        return step(trainer, batches)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, '_train_step', stop_in_step_3)
        train(experiment(tmp_path), tmp_path / 'run')
    state = torch.load(tmp_path / 'run' / STATE, weights_only=True)
    state['batches_per_step'] = state['usage']['processes'] = 2
    torch.save(state, tmp_path / 'run' / STATE)
    return tmp_path / 'run'


def test_another_number_of_processes_is_refused(half_of_two_processes: Path) -> None:
    with pytest.raises(ResumeError) as error:
        train(experiment(half_of_two_processes.parent), half_of_two_processes)
    assert str(error.value) == (
        f'{half_of_two_processes / STATE}: its steps are of 2 batches (processes: 2), yours of 1 '
        '(processes: 1); to go on, start 2 with optimization.accumulate=1 or set '
        'optimization.accumulate=2'
    )


def test_another_number_of_processes_goes_on_with_the_same_batch(
    half_of_two_processes: Path,
) -> None:
    config = experiment(half_of_two_processes.parent, 'optimization.accumulate=2')
    assert train(config, half_of_two_processes)['processes'] == 1
    info = load_checkpoint(half_of_two_processes / NETWORK).info
    assert (info.training['steps'], info.training['processes']) == (6, 1)


def test_data_sets_whose_labels_disagree_are_refused(tmp_path: Path) -> None:
    config = experiment(tmp_path)
    people = open_random_people('', {'count': 24}, config.crop)
    other = LabelSet(**part_labels('lip'))
    with pytest.raises(ConfigError, match="'people' and 'figures' have different part_names"):
        MultiTaskSystem(config, {'people': people.labels, 'figures': other}, {})


def test_a_checkpoint_names_only_labels_of_its_tasks(tmp_path: Path) -> None:
    config = experiment(tmp_path, 'train.people.tasks=[reid]')
    people = open_random_people('', {'count': 24}, config.crop)
    other = LabelSet(attributes=PA100K_ATTRIBUTES)  # which nobody asks for
    system = MultiTaskSystem(config, {'people': people.labels, 'figures': other}, {'people': 8})
    info = system.checkpoint_info({})
    assert info.tasks == ('reid', 'pose', 'parts')
    assert info.attributes == ()
    assert info.keypoint_names and info.part_names


def test_tasks_without_labels_are_refused(tmp_path: Path, monkeypatch) -> None:
    people = open_random_people('', {'count': 24}, experiment(tmp_path).crop)
    people.labels = replace(people.labels, keypoint_names=())
    monkeypatch.setattr(annotations, 'create_dataset', lambda *_: people)
    with pytest.raises(ConfigError, match=r"'figures' has no labels of pose; .* reid, attributes"):
        train(experiment(tmp_path), tmp_path / 'run')


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path, monkeypatch, capsys) -> None:
    experiment(tmp_path)
    (tmp_path / 'file').touch()
    arguments = [str(tmp_path / 'experiment.yaml'), '--out', str(tmp_path / 'file')]
    monkeypatch.setattr(sys, 'argv', ['train', *arguments])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith('train:') and error.count('\n') == 1


@pytest.mark.parametrize('workers', [0, 1])
def test_what_is_wrong_with_the_data_is_said_in_one_line(
    tmp_path: Path, monkeypatch, capsys, workers: int
) -> None:
    def missing(*_: object) -> None:
        raise DatasetError('0001.png: missing or not an image')

    monkeypatch.setattr(RandomPeople, '__getitem__', missing)
    experiment(tmp_path)
    arguments = [str(tmp_path / 'experiment.yaml'), '--out', str(tmp_path / 'run')]
    monkeypatch.setattr(sys, 'argv', ['train', *arguments, '--set', f'workers={workers}'])
    assert main() == 2
    assert capsys.readouterr().err.splitlines()[-1] == 'train: 0001.png: missing or not an image'


def test_data_sets_that_are_too_small_are_named(tmp_path: Path) -> None:
    config = experiment(tmp_path, 'train.figures.batch=13')
    with pytest.raises(DatasetError, match="'figures' has 12 crops; a batch needs 13"):
        train(config, tmp_path / 'run')


def test_a_mistake_of_ours_shows_its_traceback(tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError('shapes do not fit')

    experiment(tmp_path)
    monkeypatch.setattr(MultiTaskSystem, 'forward', broken)
    arguments = [str(tmp_path / 'experiment.yaml'), '--out', str(tmp_path / 'run')]
    monkeypatch.setattr(sys, 'argv', ['train', *arguments])
    with pytest.raises(ValueError, match='shapes do not fit'):
        main()


def test_uncertainty_weights_are_trained_with_the_network(tmp_path: Path) -> None:
    config = experiment(tmp_path, 'losses.weighting=uncertainty')
    train(config, tmp_path / 'run')
    state = torch.load(tmp_path / 'run' / STATE, weights_only=True)['system']
    learned = [v for name, v in state.items() if name.startswith('weighting')]
    assert len(learned) == 5
    assert any(value.item() not in (0.0, -0.6931471824645996) for value in learned)


def test_learning_rate_warms_up_and_decays(tmp_path: Path) -> None:
    changes = ('optimization.steps=100', 'optimization.warmup_steps=10')
    exponential = experiment(tmp_path, *changes).optimization
    assert learning_rate_factor(0, exponential) == pytest.approx(0.1)
    assert learning_rate_factor(60, exponential) == pytest.approx(1.0)
    assert learning_rate_factor(80, exponential) == pytest.approx(1e-3**0.5)
    cosine = experiment(tmp_path, *changes, 'optimization.decay=cosine').optimization
    assert learning_rate_factor(50, cosine) == pytest.approx(0.5)
    longer = experiment(
        tmp_path, *changes, 'optimization.decay=cosine', 'optimization.decay_steps=200'
    )
    assert learning_rate_factor(50, longer.optimization) == pytest.approx(0.8536, abs=1e-4)


def test_two_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / 'config.yaml').write_text(EXPERIMENT)
    child = CHILD.format(here=str(Path(__file__).parent)).rpartition('train.train(')[0]
    (tmp_path / 'child.py').write_text(child + TWO_PROCESSES)
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += ['--nproc-per-node', '2', str(tmp_path / 'child.py')]
    ended = subprocess.run(
        [*command, str(tmp_path / 'config.yaml'), str(tmp_path / 'run')],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / 'run' / RESULTS).read_text())['processes'] == 2
    assert torch.load(tmp_path / 'run' / STATE, weights_only=True)['batches_per_step'] == 2
