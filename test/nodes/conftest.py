import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (rclpy)')

from bench import Bench
from fake_checkpoint import write_fake_checkpoint

_domains = itertools.count(random.SystemRandom().randrange(1, 60))


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Nodes and topics of one test, unheard by all others."""
    made = Bench(next(_domains))
    yield made
    made.close()


@pytest.fixture(scope='module')
def shared_bench() -> Iterator[Bench]:
    """The same for many tests: what one of them sends must not spoil the next."""
    made = Bench(next(_domains))
    yield made
    made.close()


@pytest.fixture(scope='session')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny four-task checkpoint with random weights."""
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    return write_fake_checkpoint(path)
