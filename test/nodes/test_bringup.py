import pytest

pytest.importorskip('rclpy')
import rclpy

from person_mtl_ros.nodes import running
from person_mtl_ros.nodes.bringup import bringup
from person_mtl_ros.nodes.node_parameters import ParameterError


@pytest.fixture
def arguments_for(monkeypatch):
    """What bringup hands to ROS."""

    def arguments(*given):
        seen = []

        def stop(ros_arguments):
            seen.extend(ros_arguments)
            raise ParameterError('enough seen')

        monkeypatch.setattr(running, 'init_ros', stop)
        assert bringup(*given) == 2
        return seen

    return arguments


def values(arguments, node_name, *names):
    context = rclpy.Context()
    rclpy.init(args=arguments, context=context)
    node = rclpy.create_node(
        node_name, context=context, automatically_declare_parameters_from_overrides=True
    )
    try:
        return [node.get_parameter(name).value for name in names]
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


@pytest.mark.parametrize('source', ['0', 'yes', '1e5', 'a folder/"x": é.mp4', r'c:\new'])
def test_a_source_stays_the_text_it_is(arguments_for, source):
    assert values(arguments_for(None, source, None, []), 'video_node', 'source') == [source]


def test_an_argument_of_the_user_wins_over_the_parameter_file(arguments_for, tmp_path):
    params = tmp_path / 'params.yaml'
    params.write_text('/**/tracker_node:\n  ros__parameters:\n    confirm_sec: 1.0\n    x: 2\n')
    given = ['-p', 'tracker_node:confirm_sec:=3.0']
    arguments = arguments_for(str(params), None, None, given)
    assert values(arguments, 'tracker_node', 'confirm_sec', 'x') == [3.0, 2]


def test_a_detector_that_is_no_hog_is_a_network(arguments_for):
    arguments = arguments_for(None, None, 'my yolox.onnx', [])
    assert values(arguments, 'detector_node', 'network') == ['my yolox.onnx']
    assert 'detector_node' not in ' '.join(arguments_for(None, None, 'hog', []))
