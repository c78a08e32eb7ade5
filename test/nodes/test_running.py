from unittest.mock import Mock

import pytest

pytest.importorskip('rclpy')

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from person_mtl_ros.nodes import running
from person_mtl_ros.nodes.running import run


@pytest.fixture
def ros(monkeypatch):
    """ROS that is there only in name; ``spin`` and ``ok`` are what a test makes of them."""
    made = Mock()
    monkeypatch.setattr(running, 'init_ros', Mock())
    monkeypatch.setattr(running, 'SingleThreadedExecutor', lambda: made)
    monkeypatch.setattr(running.rclpy, 'ok', made.ok)
    monkeypatch.setattr(running.rclpy, 'try_shutdown', Mock())
    return made


@pytest.mark.parametrize('is_running', [True, False])
def test_an_error_of_rclpy_counts_only_while_nobody_said_stop(ros, is_running):
    ros.spin.side_effect = RuntimeError('context')
    ros.ok.return_value = is_running
    node = Mock()
    if is_running:
        with pytest.raises(RuntimeError, match='context'):
            run('name', lambda: [node])
    else:
        assert run('name', lambda: [node]) == 0
    node.stop.assert_called_once()


def test_a_request_that_fails_ends_nothing(ros):
    ros.spin.side_effect = [ValueError('10 is not a type'), KeyError('who'), None]
    node = Mock()
    assert run('name', lambda: [node]) == 0
    said = [call.args[0] for call in node.get_logger().error.call_args_list]
    assert said == [
        'a request or timer failed: ValueError: 10 is not a type',
        "a request or timer failed: KeyError: 'who'",
    ]


def test_a_parameter_of_an_unknown_type_leaves_the_node_running(bench):
    bench.start('tracker_node')
    name = '/tracker_node/set_parameters'
    odd = ParameterMessage(name='high_score', value=ParameterValue(type=10))
    client = bench.node.create_client(SetParameters, name)
    bench.until(client.service_is_ready)
    for _ in range(3):
        client.call_async(SetParameters.Request(parameters=[odd]))
    changes = [Parameter('high_score', value=0.6).to_parameter_msg()]
    assert bench.call(SetParameters, name, parameters=changes).results[0].successful
    process = bench.processes['tracker_node']
    assert bench.terminate('tracker_node') == 0
    assert process.stderr.read().count('10 is not a valid') == 1


def test_nodes_start_in_turn_and_stop_the_other_way_round(ros):
    calls = []

    def node(name):
        made = Mock()
        made.start.side_effect = lambda: calls.append(f'start {name}') or True
        made.stop.side_effect = lambda: calls.append(f'stop {name}')
        calls.append(f'make {name}')
        return made

    ros.spin.side_effect = lambda: calls.append('spin')
    assert run('name', lambda: [node(name) for name in 'ab']) == 0
    assert calls == ['make a', 'make b', 'start a', 'start b', 'spin', 'stop b', 'stop a']


def test_what_has_started_is_stopped_when_another_cannot_start(ros):
    good, bad = Mock(), Mock()
    bad.start.return_value = False
    assert run('name', lambda: [good, bad]) == 2
    ros.spin.assert_not_called()
    good.stop.assert_called_once()
    bad.stop.assert_called_once()


def test_a_node_that_cannot_be_stopped_does_not_keep_the_others_from_it(ros):
    good, bad = Mock(), Mock()
    bad.stop.side_effect = OSError('disk full')
    with pytest.raises(OSError, match='disk full'):
        run('name', lambda: [good, bad])
    for node in (good, bad):
        node.stop.assert_called_once()
        node.destroy_node.assert_called_once()
    running.rclpy.try_shutdown.assert_called_once()


def test_a_section_that_no_node_reads_is_warned_of(ros, tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('traker_node:\n  ros__parameters: {confirm_sec: 1.0}\n')
    node = Mock()
    node.get_name.return_value = 'tracker_node'
    assert run('name', lambda: [node], ['--ros-args', '--params-file', str(path)]) == 0
    (warning,) = node.get_logger().warning.call_args.args
    assert 'which has a tracker_node' in warning
