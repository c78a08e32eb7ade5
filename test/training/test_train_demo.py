from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from person_mtl_ros.checkpoint import load_checkpoint
from training.train_demo import DemoTraining, DemoTrainingParams, Phase

PEOPLE, VIEWS = 4, 3
PARAMS = DemoTrainingParams(
    phases=(Phase((64, 32), 2), Phase((96, 48), 2)),
    people=2,
    crops=2,
    train_share=0.75,
    warmup_steps=1,
    save_every=100,
)


@pytest.fixture(scope='module')
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write crops of people who are boxes of their own colours, in the layout of the renderer."""
    folder = tmp_path_factory.mktemp('crops')
    rng = np.random.default_rng(0)
    count = PEOPLE * VIEWS
    identity = np.repeat(np.arange(PEOPLE, dtype=np.int32), VIEWS)
    image = rng.integers(0, 60, (count, 96, 48, 3), np.uint8)
    colors = rng.integers(60, 256, (PEOPLE, 3), np.uint8)
    image[:, 20:80, 14:34] = colors[identity][:, None, None]
    parts = np.zeros((count, 96, 48), np.uint8)
    parts[:, 20:80, 14:34] = 5
    keypoints = np.tile(np.array([24, 50, 1], np.float32), (count, 16, 1))
    arrays = {
        'image_rgb': image,
        'keypoints': keypoints,
        'parts': parts,
        'attributes': rng.integers(0, 2, (PEOPLE, 12), np.uint8)[identity],
        'box': np.zeros((count, 4), np.float32),
        'visible': np.ones(count, np.float32),
        'identity': identity,
    }
    for name, array in arrays.items():
        np.save(folder / f'{name}.npy', array)
    return folder


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(
    crops: Path, tmp_path: Path
) -> None:
    for name in ('whole', 'broken'):
        (tmp_path / name).mkdir()
    DemoTraining(crops, tmp_path / 'whole', PARAMS).run()
    first = DemoTraining(crops, tmp_path / 'broken', PARAMS)
    first._run_phase(PARAMS.phases[0], range(1))
    first.save()
    DemoTraining(crops, tmp_path / 'broken', PARAMS).run()
    whole, broken = (
        load_checkpoint(tmp_path / name / 'demo.safetensors') for name in ('whole', 'broken')
    )
    assert whole.info == broken.info
    for name, tensor in whole.tensors.items():
        np.testing.assert_allclose(tensor, broken.tensors[name], atol=2e-3)


def test_every_loss_falls_on_a_batch_seen_again_and_again(crops: Path, tmp_path: Path) -> None:
    training = DemoTraining(crops, tmp_path, replace(PARAMS, phases=(Phase((64, 32), 1000),)))
    batch = next(training._batches((64, 32), range(1)))
    losses = [training._train_step(batch) for _ in range(25)]
    for name in losses[0]:
        assert losses[-1][name] < 0.8 * losses[0][name], name


def test_the_checkpoint_describes_how_it_was_trained(crops: Path, tmp_path: Path) -> None:
    training = DemoTraining(crops, tmp_path, PARAMS)
    training.save()
    info = load_checkpoint(tmp_path / 'demo.safetensors').info
    assert (info.crop.height, info.crop.width) == PARAMS.phases[-1].size_hw
    assert info.training['steps_done'] == 0
    assert info.training['learning_rate'] == PARAMS.learning_rate
    assert info.embedding_dim == training.network(torch.zeros(2, 3, 64, 32))['reid'].shape[1]
