"""Perception: image + detections -> persons; with a detector for those who have none."""

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

HERE = Path(__file__).parent


def generate_launch_description() -> LaunchDescription:
    """Start perception_node, and detector_node if asked for."""
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
                choices=['none', 'hog'],
                description='detector to start; none if yours publishes the detections',
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

    def node(executable: str, *parameters: str, **more: Any) -> Node:
        given = {n: ParameterValue(arguments[n], value_type=str) for n in parameters}
        return Node(
            package='person_mtl',
            executable=executable,
            parameters=[{n: value for n, value in given.items() if arguments[n]} | more],
            remappings=[
                ('image', arguments['image']),
                ('image/compressed', arguments['image'] + '/compressed'),
                ('detections', arguments['detections']),
                ('odometry', arguments['odometry'] or 'odometry'),
                ('camera_info', arguments['camera_info']),
            ],
            ros_arguments=['--log-level', arguments['log_level']],
        )

    more = {'use_odometry': True} if arguments['odometry'] else {}
    names = ('weights', 'device', 'backend', 'image_transport')
    nodes = [node('perception_node', *names, **more)]
    if arguments['detector'] == 'hog':
        nodes.append(node('detector_node', 'image_transport'))
    return nodes
