"""Perception: image + detections -> persons; with a detector for those who have none."""

import json
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnShutdown
from launch_ros.actions import Node

HERE = Path(__file__).parent


def generate_launch_description() -> LaunchDescription:
    """Start perception_node, and detector_node and tracker_node if asked for."""
    return LaunchDescription(
        [
            DeclareLaunchArgument('image', default_value='image', description='image topic'),
            DeclareLaunchArgument(
                'detections',
                default_value='detections',
                description='topic of the vision_msgs/Detection2DArray',
            ),
            DeclareLaunchArgument(
                'image_transport',
                default_value='',
                choices=['', 'raw', 'compressed'],
                description='compressed reads <image>/compressed; empty: see params_file',
            ),
            DeclareLaunchArgument(
                'odometry',
                default_value='',
                description='topic of the nav_msgs/Odometry, to follow turns of the camera; '
                'empty: see params_file',
            ),
            DeclareLaunchArgument(
                'camera_info',
                default_value='camera_info',
                description='topic of the sensor_msgs/CameraInfo, read with odometry',
            ),
            DeclareLaunchArgument(
                'detector',
                default_value='none',
                description='detector to start: hog, or the file of a YOLOX network (.onnx); '
                'none if yours publishes the detections',
            ),
            DeclareLaunchArgument(
                'weights',
                default_value='',
                description='checkpoint file (.safetensors); empty: see params_file',
            ),
            DeclareLaunchArgument(
                'device',
                default_value='',
                description='cpu, cuda, cuda:1 ...; empty: see params_file',
            ),
            DeclareLaunchArgument(
                'backend',
                default_value='',
                description='what runs the network; empty: see params_file',
            ),
            DeclareLaunchArgument(
                'composed',
                default_value='false',
                choices=['true', 'false'],
                description='tracker_node in the process of perception_node, which is faster',
            ),
            GroupAction(
                [
                    IncludeLaunchDescription(str(HERE / 'settings.launch.py')),
                    OpaqueFunction(function=start_nodes),
                ]
            ),
        ]
    )


def start_nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Nodes with the parameters that were given; an argument left empty changes nothing."""
    arguments = context.launch_configurations
    written: list[Path] = []

    def process(executable: str, node: str, *names: str, **more: Any) -> Node:
        given = {name: arguments[name] for name in names if arguments[name]} | more
        if given:
            written.append(parameter_file(node, given))
        return Node(
            package='person_mtl',
            executable=executable,
            parameters=written[-1:] if given else [],
            remappings=[
                ('image', arguments['image']),
                ('image/compressed', arguments['image'] + '/compressed'),
                ('detections', arguments['detections']),
                ('odometry', arguments['odometry'] or 'odometry'),
                ('camera_info', arguments['camera_info']),
            ],
            ros_arguments=['--log-level', arguments['log_level']],
        )

    executable = 'composed' if arguments['composed'] == 'true' else 'perception_node'
    more = {'use_odometry': True} if arguments['odometry'] else {}
    names = ('weights', 'device', 'backend', 'image_transport')
    nodes = [process(executable, 'perception_node', *names, **more)]
    if (detector := arguments['detector']) != 'none':
        network = {} if detector == 'hog' else {'network': existing_network(detector)}
        nodes.append(process('detector_node', 'detector_node', 'image_transport', **network))

    def remove_written(*_: Any) -> None:
        for path in written:
            path.unlink(missing_ok=True)

    return [*nodes, RegisterEventHandler(OnShutdown(on_shutdown=remove_written))]


def existing_network(detector: str) -> str:
    """Refuse what is no file, before the node does in a log that others fill."""
    if not Path(detector).is_file():
        raise ValueError(
            f"detector '{detector}' is no file; expected none, hog or a YOLOX network (.onnx)"
        )
    return str(Path(detector).absolute())


def parameter_file(node: str, values: dict[str, Any]) -> Path:
    """Write parameters of one node only; those that launch_ros writes are for a whole process."""
    content = {f'/**/{node}': {'ros__parameters': values}}
    with NamedTemporaryFile(
        'w', prefix='person_mtl_', suffix='.yaml', delete=False, encoding='utf-8'
    ) as file:
        json.dump(content, file, ensure_ascii=False)  # which is YAML too
    return Path(file.name)
