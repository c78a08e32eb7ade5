from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2 (rclpy)')

from bench import Bench
from fake_checkpoint import write_fake_checkpoint

from person_mtl_ros.nodes.own_domain import own_domain


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Nodes and topics of one test, unheard by all others."""
    with own_domain() as domain_id:
        made = Bench(domain_id)
        yield made
        made.close()


@pytest.fixture(scope='module')
def shared_bench() -> Iterator[Bench]:
    """The same for many tests: what one of them sends must not spoil the next."""
    with own_domain() as domain_id:
        made = Bench(domain_id)
        yield made
        made.close()


@pytest.fixture(scope='session')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny four-task checkpoint with random weights."""
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    return write_fake_checkpoint(path)
