"""Plays a video, image folder, MOT folder or camera through everything in bringup.launch.py."""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

HERE = Path(__file__).parent


def start_video_node(context: LaunchContext) -> list[GroupAction]:
    """Play once everybody who wants the images is there; loading the network takes a while."""
    arguments = context.launch_configurations
    readers = 1 + (arguments['visualize'] == 'true') + (arguments['detector'] != 'none')
    source = ParameterValue(LaunchConfiguration('source'), value_type=str)  # a camera is a number
    return [
        GroupAction(
            [
                IncludeLaunchDescription(str(HERE / 'settings.launch.py')),
                Node(
                    package='person_mtl',
                    executable='video_node',
                    parameters=[{'source': source, 'wait_for_subscribers': readers}],
                    # Both arguments are declared by perception.launch.py.
                    remappings=[
                        ('image', LaunchConfiguration('image')),
                        ('detections', LaunchConfiguration('detections')),
                    ],
                    ros_arguments=['--log-level', LaunchConfiguration('log_level')],
                ),
            ]
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Start video_node and what listens to it."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'source',
                description='video file, folder of images, camera number or MOT folder, whose '
                'detections are played too; with any other choose a detector',
            ),
            IncludeLaunchDescription(str(HERE / 'bringup.launch.py')),
            OpaqueFunction(function=start_video_node),
        ]
    )
