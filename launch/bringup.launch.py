"""Everything: perception, tracking, pictures of the result and, if asked for, RViz."""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    UnsetLaunchConfiguration,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

HERE = Path(__file__).parent


def generate_launch_description() -> LaunchDescription:
    """Start all nodes but a source of images."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'visualize',
                default_value='true',
                choices=['true', 'false'],
                description='start visualizer_node, which draws overlay and markers',
            ),
            DeclareLaunchArgument(
                'rviz',
                default_value='false',
                choices=['true', 'false'],
                description='start RViz with rviz/person_mtl.rviz',
            ),
            DeclareLaunchArgument(
                'composed',
                default_value='true',
                choices=['true', 'false'],
                description='perception_node and tracker_node in one process, which is faster',
            ),
            IncludeLaunchDescription(str(HERE / 'perception.launch.py')),
            IncludeLaunchDescription(
                str(HERE / 'tracking.launch.py'),
                condition=UnlessCondition(LaunchConfiguration('composed')),
            ),
            GroupAction(
                [
                    IncludeLaunchDescription(str(HERE / 'settings.launch.py')),
                    OpaqueFunction(
                        function=start_visualizer,
                        condition=IfCondition(LaunchConfiguration('visualize')),
                    ),
                    Node(
                        package='rviz2',
                        executable='rviz2',
                        arguments=['-d', str(HERE.parent / 'rviz' / 'person_mtl.rviz')],
                        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
                        condition=IfCondition(LaunchConfiguration('rviz')),
                    ),
                ]
            ),
            UnsetLaunchConfiguration('composed'),  # not for what is included after this file
        ]
    )


def start_visualizer(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """visualizer_node, reading the same image as perception.launch.py, which declares it."""
    arguments = context.launch_configurations
    image, transport = arguments['image'], arguments['image_transport']
    return [
        Node(
            package='person_mtl',
            executable='visualizer_node',
            parameters=[{'image_transport': transport} if transport else {}],
            remappings=[('image', image), ('image/compressed', image + '/compressed')],
            ros_arguments=['--log-level', arguments['log_level']],
        )
    ]
