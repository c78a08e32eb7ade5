"""More images than the network can process: latency is bounded, every image accounted for."""

import threading

import numpy as np
import pytest

pytest.importorskip('rclpy')

import rclpy
from bench import detection, detections_at, image_at
from rclpy.parameter import Parameter

from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.perception_node import PerceptionNode
from person_mtl_ros.structures import ModelInfo, PersonEstimate

DEADLINE_SEC = 20.0


class SlowPredictor:
    """A network that takes as long as it is told to."""

    info = ModelInfo('slow')
    device = 'cpu'
    backend, precision = 'fake', 'fp32'

    def __init__(self):
        self.last_timings = {'forward': 0.0}
        self.has_begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def predict(self, image_bgr, detections, meanwhile=lambda: None):
        meanwhile()
        assert isinstance(image_bgr, np.ndarray)
        self.has_begun.release()
        assert self.may_end.acquire(timeout=DEADLINE_SEC)
        return [PersonEstimate(d) for d in detections]


class Rig:
    """A perception node in this process; its publisher is overheard."""

    def __init__(self, monkeypatch):
        self.network = SlowPredictor()
        monkeypatch.setattr(PerceptionNode, '_load', lambda node: self.network)
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=0)
        self.node = PerceptionNode(
            context=self.context, parameter_overrides=[Parameter('weights', value='fake')]
        )
        assert self.node.start()
        self.published = []
        self.has_published = threading.Semaphore(0)
        self.node._persons.publish = self._overhear
        self.sent = 0

    def _overhear(self, message):
        self.published.append(round(stamp_ns(message.header) / 1e8))
        self.has_published.release()

    def send(self, count=1):
        for _ in range(count):
            self.sent += 1
            self.node._pairing.add_image(image_at(self.sent / 10))
            found = detections_at(self.sent / 10, detection(20, 24, 16, 40))
            self.node._pairing.add_partner(found)

    def wait_for_begin(self):
        assert self.network.has_begun.acquire(timeout=DEADLINE_SEC)

    def end_image(self):
        self.network.may_end.release()
        assert self.has_published.acquire(timeout=DEADLINE_SEC)

    def close(self):
        self.node.stop()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def rig(monkeypatch):
    made = Rig(monkeypatch)
    yield made
    made.network.may_end.release(100)
    made.close()


@pytest.mark.parametrize('per_image', [2, 5], ids=['twice_the_rate', 'five_times_the_rate'])
def test_the_next_image_is_always_the_newest_and_the_others_are_counted(rig, per_image):
    rig.send()
    rig.wait_for_begin()
    rounds = 12
    for _ in range(rounds):
        rig.send(per_image)  # while the network is at work on one
        rig.end_image()
        rig.wait_for_begin()
    rig.end_image()
    # However long it goes on, an image waits for no other but the one at work.
    assert rig.published == [1, *range(1 + per_image, rig.sent + 1, per_image)]
    rig.node.stop()
    counts = rig.node.diagnostics.counts()
    dropped = counts['pairs dropped: replaced by a newer one']
    assert counts['images processed'] == len(rig.published) == rounds + 1
    assert dropped == rounds * (per_image - 1)
    assert counts['images processed'] + dropped == counts['image received'] == rig.sent


def test_an_image_that_waits_when_the_node_is_stopped_is_counted(rig):
    rig.send()
    rig.wait_for_begin()
    rig.send(3)
    stopping = threading.Thread(target=rig.node.stop)
    stopping.start()
    while not rig.node._worker._stopping:
        pass
    rig.end_image()
    stopping.join(timeout=DEADLINE_SEC)
    counts = rig.node.diagnostics.counts()
    drops = {name: count for name, count in counts.items() if 'dropped' in name and count}
    assert drops == {
        'pairs dropped: replaced by a newer one': 2,
        'pairs dropped: deactivated': 1,
    }
    assert counts['images processed'] + sum(drops.values()) == rig.sent
