from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='parameter files are read by ROS')

import rclpy

from person_mtl_ros.nodes.tracker_node import TrackerNode, TrackerNodeParams


@pytest.mark.parametrize('namespace', ['/', '/robot', '/robot/front'])
def test_wildcard_key_holds_in_every_namespace(tmp_path: Path, namespace: str):
    params_file = tmp_path / 'params.yaml'
    params_file.write_text(
        '/**/tracker_node: {ros__parameters: {publish_lost: true}}\n'
        '/**/perception_node: {ros__parameters: {device: cpu}}\n'
    )
    context = rclpy.Context()
    ros_arguments = ['--ros-args', '--params-file', str(params_file), '-r', f'__ns:={namespace}']
    rclpy.init(args=ros_arguments, context=context, domain_id=98)
    node = TrackerNode(context=context)
    try:
        assert node.get_namespace() == namespace
        assert node.params(TrackerNodeParams).publish_lost
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
