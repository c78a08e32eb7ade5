"""Arguments and settings that all nodes share; the other files include it in their own scope."""

import os
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import PushRosNamespace, SetParameter, SetParametersFromFile

CONFIG = Path(__file__).parents[1] / 'config'

FASTDDS_VARIABLES = ['FASTDDS_DEFAULT_PROFILES_FILE']
if os.environ.get('ROS_DISTRO') in ('humble', 'iron', 'jazzy'):
    # Jazzy and older: Fast DDS 2, which knows only the old name of the variable; 3 warns about it.
    FASTDDS_VARIABLES.append('FASTRTPS_DEFAULT_PROFILES_FILE')


def generate_launch_description() -> LaunchDescription:
    """Declare the shared arguments and apply them to the nodes that follow."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'namespace', default_value='', description='ROS namespace of all nodes'
            ),
            DeclareLaunchArgument(
                'params_file',
                default_value=str(CONFIG / 'person_mtl.yaml'),
                description='parameter file; arguments that are given win over it',
            ),
            DeclareLaunchArgument(
                'use_sim_time',
                default_value='',
                choices=['', 'true', 'false'],
                description='time from /clock, for simulators and bags; empty: see params_file',
            ),
            DeclareLaunchArgument(
                'autostart',
                default_value='',
                choices=['', 'true', 'false'],
                description='false waits for a lifecycle manager; empty: see params_file',
            ),
            DeclareLaunchArgument(
                'log_level',
                default_value='info',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
                description='what is logged',
            ),
            DeclareLaunchArgument(
                'fastdds_profile',
                default_value=EnvironmentVariable(
                    FASTDDS_VARIABLES[-1], default_value=str(CONFIG / 'fastdds.xml')
                ),
                description='Fast DDS profile that lets camera images through; empty for none',
            ),
            PushRosNamespace(LaunchConfiguration('namespace')),
            OpaqueFunction(function=apply_settings),
        ]
    )


def apply_settings(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """
    Pass on what was given; an argument left empty changes nothing.

    :raises FileNotFoundError: for a parameter file that does not exist.
    """
    arguments = context.launch_configurations
    params_file, profile = arguments['params_file'], arguments['fastdds_profile']
    if not Path(params_file).is_file():
        raise FileNotFoundError(f"params_file '{params_file}' does not exist")
    return [
        SetParametersFromFile(params_file),
        *[SetParameter(n, arguments[n]) for n in ('use_sim_time', 'autostart') if arguments[n]],
        # Empty too: the nodes take their own profile where nothing is said.
        *[SetEnvironmentVariable(name, profile) for name in FASTDDS_VARIABLES],
    ]
