from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_checkpoint import INFO, write_fake_checkpoint
from fake_crops import fake_crops

from person_mtl_ros.backends import BackendError, DeviceError, create_backend
from person_mtl_ros.backends.torch_backend import TorchBackend
from person_mtl_ros.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from person_mtl_ros.tasks import TASKS


def test_answers_are_numpy_in_the_agreed_types(checkpoint: Checkpoint) -> None:
    outputs = TorchBackend(checkpoint, 'cpu', TASKS).infer(fake_crops(2))
    kinds = {task: (value.shape, value.dtype.name) for task, value in outputs.items()}
    assert kinds == {
        'reid': ((2, 128), 'float32'),
        'attributes': ((2, 5), 'float32'),
        'pose': ((2, 4, 3), 'float32'),
        'parts': ((2, 64, 32), 'uint8'),
    }


@pytest.mark.parametrize('task', TASKS)
def test_one_head_alone_answers_as_among_all(checkpoint: Checkpoint, task: str) -> None:
    alone = TorchBackend(checkpoint, 'cpu', [task]).infer(fake_crops(2))
    among = TorchBackend(checkpoint, 'cpu', TASKS).infer(fake_crops(2))
    assert list(alone) == [task]
    np.testing.assert_allclose(alone[task], among[task], atol=1e-5)


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (('tensorflow', 'cpu', TASKS), "unknown backend 'tensorflow'"),
        (('torch', 'quantum', TASKS), "device 'quantum' is not there"),
        (('torch', 'cuda:99', TASKS), "device 'cuda:99' is not there"),
        (('torch', 'cpu', ['gait']), 'no head for gait'),
    ],
)
def test_what_is_not_there_is_named(
    checkpoint: Checkpoint, arguments: tuple[str, str, list[str]], reason: str
) -> None:
    backend, *rest = arguments
    with pytest.raises(BackendError, match=reason) as caught:
        create_backend(backend, checkpoint, *rest)
    assert '\n' not in str(caught.value)


def test_a_device_that_fails_is_told_from_a_bug(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = TorchBackend(checkpoint, 'cpu', TASKS)

    def out_of_memory(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError('out of memory\ndetails')

    monkeypatch.setattr(backend._network, 'forward', out_of_memory)
    with pytest.raises(DeviceError, match=r'cpu failed on a batch of 3: out of memory$'):
        backend.infer(fake_crops(3))


@pytest.mark.parametrize(
    'change',
    [
        pytest.param({'network': 'transformer'}, id='unknown network'),
        pytest.param({'network_params': {'depth': 3}}, id='unknown parameter'),
        pytest.param(
            {'network_params': {**INFO.network_params, 'width': 32}}, id='weights of another width'
        ),
        pytest.param(
            {'network_params': {**INFO.network_params, 'norm_groups': 3}},
            id='groups that do not fit',
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / 'x.safetensors'
    whole = load_checkpoint(write_fake_checkpoint(path))
    save_checkpoint(path, replace(INFO, **change), whole.tensors)
    with pytest.raises(CheckpointError) as caught:
        TorchBackend(load_checkpoint(path), 'cpu', TASKS)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)
