"""Tracking: persons -> tracked_persons."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

HERE = Path(__file__).parent


def generate_launch_description() -> LaunchDescription:
    """Start tracker_node."""
    return LaunchDescription(
        [
            GroupAction(
                [
                    IncludeLaunchDescription(str(HERE / 'settings.launch.py')),
                    Node(
                        package='person_mtl',
                        executable='tracker_node',
                        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
                    ),
                ]
            )
        ]
    )
