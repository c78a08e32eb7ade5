import pytest
from bench import Bench, detection, detections_at, image_at
from person_mtl.msg import PersonArray, TrackedPersonArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

TRACKER, PERCEPTION = 'tracker_node', 'perception_node'
# How to get from the start into each state.
PATHS = {
    'unconfigured': (),
    'inactive': ('configure',),
    'active': ('configure', 'activate'),
    'finalized': ('configure', 'activate', 'shutdown'),
}


@pytest.mark.parametrize('state', PATHS)
def test_a_node_ends_cleanly_in_every_state(bench, state):
    process = bench.start(TRACKER, autostart=False)
    for transition in PATHS[state]:
        assert bench.change_state(TRACKER, transition)
    assert bench.state(TRACKER) == state
    assert bench.terminate(TRACKER) == 0
    assert process.stderr.read() == ''


def test_a_node_that_starts_itself_is_active(bench):
    bench.start(TRACKER)
    bench.until(lambda: bench.node.count_subscribers('persons') > 0)
    assert bench.state(TRACKER) == 'active'


def test_nothing_is_taken_in_or_given_out_before_activation(bench):
    bench.start(TRACKER, autostart=False)
    assert bench.state(TRACKER) == 'unconfigured'
    assert bench.node.count_publishers('tracked_persons') == 0
    assert bench.change_state(TRACKER, 'configure')
    bench.until(lambda: bench.node.count_publishers('tracked_persons') == 1)
    assert bench.node.count_subscribers('persons') == 0
    assert bench.change_state(TRACKER, 'activate')
    bench.until(lambda: bench.node.count_subscribers('persons') == 1)


def test_parameters_can_be_set_before_configuration(bench):
    bench.start(TRACKER, autostart=False)
    changes = [Parameter('bank_size', value=3).to_parameter_msg()]
    name = f'/{TRACKER}/set_parameters'
    assert bench.call(SetParameters, name, parameters=changes).results[0].successful
    assert bench.change_state(TRACKER, 'configure')


def test_the_network_can_be_unloaded_and_loaded_again(bench: Bench, weights):
    bench.start(PERCEPTION, backend='torch', weights=weights, autostart=False)
    stamp = 1.0

    def answered():
        nonlocal stamp
        image = bench.publisher(Image, 'image')
        detections = bench.publisher(Detection2DArray, 'detections')
        persons = bench.listen(PersonArray, 'persons')
        while not persons:
            stamp += 0.1
            image.publish(image_at(stamp))
            detections.publish(detections_at(stamp, detection(20, 24, 16, 40)))
            bench.spin_for(0.2)
        return len(persons[0].persons)

    for transition in ('configure', 'activate'):
        assert bench.change_state(PERCEPTION, transition)
    assert answered() == 1
    for transition in ('deactivate', 'activate'):
        assert bench.change_state(PERCEPTION, transition)
    assert answered() == 1
    for transition in ('deactivate', 'cleanup'):
        assert bench.change_state(PERCEPTION, transition)
    bench.until(lambda: bench.node.count_publishers('persons') == 0)
    for transition in ('configure', 'activate'):
        assert bench.change_state(PERCEPTION, transition)
    assert answered() == 1
    assert bench.node.count_publishers('persons') == 1
    assert bench.change_state(PERCEPTION, 'shutdown')
    bench.until(lambda: bench.node.count_subscribers('image') == 0)
    assert bench.terminate(PERCEPTION) == 0


def test_weights_that_cannot_be_loaded_leave_the_node_unconfigured(bench, tmp_path):
    (tmp_path / 'broken.safetensors').write_bytes(b'no tensors')
    bench.start(PERCEPTION, weights=tmp_path / 'broken.safetensors', autostart=False)
    assert not bench.change_state(PERCEPTION, 'configure')
    assert bench.state(PERCEPTION) == 'unconfigured'
    assert bench.node.count_publishers('persons') == 0
    assert bench.terminate(PERCEPTION) == 0


def test_a_perception_node_that_was_killed_is_replaced_by_the_next(bench, weights):
    bench.start(TRACKER)
    bench.start(PERCEPTION, backend='torch', weights=weights)
    image = bench.publisher(Image, 'image')
    detections = bench.publisher(Detection2DArray, 'detections')
    tracked = bench.listen(TrackedPersonArray, 'tracked_persons')
    stamp = 1.0
    for is_killed in (True, False):
        while not tracked:
            stamp += 0.1
            image.publish(image_at(stamp))
            detections.publish(detections_at(stamp, detection(20, 24, 16, 40)))
            bench.spin_for(0.2)
        if is_killed:
            killed = bench.processes.pop(PERCEPTION)
            killed.kill()
            killed.wait()
            tracked.clear()
            bench.start(PERCEPTION, backend='torch', weights=weights)
    assert bench.count(TRACKER, 'time jumps back') == 0
