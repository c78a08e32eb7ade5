import itertools

import numpy as np
import pytest

pytest.importorskip('rclpy')

import rclpy
from bench import detection, detections_at, image_at
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from person_mtl_ros.backends import DeviceError
from person_mtl_ros.nodes.perception_node import PerceptionNode
from person_mtl_ros.structures import ModelInfo, PersonEstimate

DEADLINE_SEC = 20.0


class FailingPredictor:
    """A network whose device fails on the images it is told to."""

    info = ModelInfo('fake')
    device = 'cpu'
    backend, precision = 'fake', 'fp32'

    def __init__(self, loads, failures):
        self.last_timings = {}
        self._failures = failures
        loads.append(self)

    def predict(self, image_bgr, detections, meanwhile=lambda: None):
        meanwhile()
        assert isinstance(image_bgr, np.ndarray)
        error = next(self._failures)
        if error is not None:
            raise error
        return [PersonEstimate(d) for d in detections]


class Rig:
    """A perception node in this process with a network of our own."""

    def __init__(self, monkeypatch, *failures):
        self.loads: list = []
        planned = itertools.chain(failures, itertools.repeat(None))
        monkeypatch.setattr(
            PerceptionNode, '_load', lambda node: FailingPredictor(self.loads, planned)
        )
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=0)
        self.node = PerceptionNode(
            context=self.context, parameter_overrides=[Parameter('weights', value='fake')]
        )
        self.stamp = 1.0
        assert self.node.start()

    def show(self):
        """One image with one person; wait until it is accounted for."""
        before = self._settled()
        self.stamp += 0.1
        self.node._pairing.add_image(image_at(self.stamp))
        self.node._pairing.add_partner(detections_at(self.stamp, detection(20, 24, 16, 40)))
        wait = self.node.get_clock()
        deadline = wait.now().nanoseconds + int(DEADLINE_SEC * 1e9)
        while self._settled() == before:
            assert wait.now().nanoseconds < deadline
        return self.node.diagnostics.counts()

    def _settled(self):
        counts = self.node.diagnostics.counts()
        dropped = sum(n for name, n in counts.items() if name.startswith('pairs dropped'))
        return counts.get('images processed', 0) + dropped

    def close(self):
        self.node.stop()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def make_rig(monkeypatch):
    rigs = []

    def make(*failures):
        rigs.append(Rig(monkeypatch, *failures))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def test_a_device_that_fails_costs_one_image_and_is_opened_anew(make_rig):
    rig = make_rig(None, DeviceError('out of memory'))
    assert rig.show()['images processed'] == 1
    counts = rig.show()
    assert counts['images processed'] == 1
    assert counts['pairs dropped: device failure'] == 1
    counts = rig.show()
    assert counts['images processed'] == 2
    assert len(rig.loads) == 2


def test_another_error_costs_one_image_and_keeps_the_network(make_rig):
    rig = make_rig(RuntimeError('odd'))
    assert rig.show()['pairs dropped: error'] == 1
    assert rig.show()['images processed'] == 1
    assert len(rig.loads) == 1


def test_a_node_whose_device_failed_can_be_activated_again(make_rig):
    rig = make_rig(DeviceError('lost'))
    rig.show()
    assert rig.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert rig.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert rig.show()['images processed'] == 1
