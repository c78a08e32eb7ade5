import numpy as np
import pytest
from command_line import LENGTH
from evaluation.generated_sequences import make_sequence
from fake_checkpoint import write_fake_checkpoint

from person_mtl_ros.video import VideoWriter


@pytest.fixture(scope='session')
def weights(tmp_path_factory):
    return write_fake_checkpoint(tmp_path_factory.mktemp('weights') / 'tiny.safetensors')


@pytest.fixture(scope='session')
def walk(tmp_path_factory):
    """Somebody who walks, found in every frame."""
    places = [(frame, 5 + 5 * frame) for frame in range(1, LENGTH + 1)]
    return make_sequence(
        tmp_path_factory.mktemp('sequences') / 'walk',
        length=LENGTH,
        images=LENGTH,
        det=''.join(f'{frame},-1,{left},10,16,40,0.9,-1,-1,-1\n' for frame, left in places),
        gt=''.join(f'{frame},1,{left},10,16,40,1,-1,-1,-1\n' for frame, left in places),
    )


@pytest.fixture(scope='session')
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp('videos') / 'clip.mp4'
    with VideoWriter(path, 10.0) as video:
        for index in range(4):
            video.write(np.full((96, 128, 3), 60 * index, np.uint8))
    return path
