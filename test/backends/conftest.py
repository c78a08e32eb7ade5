from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import write_fake_checkpoint
from fake_crops import fake_crops

from person_mtl_ros.backends.export import export_checkpoint
from person_mtl_ros.backends.sample_crops import CLIP
from person_mtl_ros.checkpoint import Checkpoint, load_checkpoint
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.networks.multi_task_net import TASKS


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache of this test lies; that of the user stays as it is."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'person_mtl'


@pytest.fixture(scope='session')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_checkpoint(tmp_path_factory.mktemp('weights') / 'x.safetensors')


@pytest.fixture(scope='session')
def checkpoint(weights: Path) -> Checkpoint:
    return load_checkpoint(weights)


@pytest.fixture(scope='session')
def exported(weights: Path) -> Path:
    """The same network as ONNX, with all heads."""
    path = weights.with_suffix('.onnx')
    export_checkpoint(weights, path, 'onnx', TASKS, fake_crops(16))
    return path


@pytest.fixture(scope='session')
def picture() -> np.ndarray:
    """First image of the shipped clip, (h, w, 3) uint8 BGR."""
    image = next(iter(load_sequence(CLIP))).image_bgr
    assert image is not None
    return image
