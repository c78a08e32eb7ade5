"""The nodes of ``bringup.launch.py`` in one process, for machines without ``ros2 launch``."""

import json
import sys
from collections.abc import Sequence

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from person_mtl_ros.nodes.detector_node import DetectorNode
from person_mtl_ros.nodes.fastdds_profile import use_fastdds_profile
from person_mtl_ros.nodes.managed_node import ManagedNode, init_ros
from person_mtl_ros.nodes.node_parameters import ParameterError
from person_mtl_ros.nodes.perception_node import PerceptionNode
from person_mtl_ros.nodes.tracker_node import TrackerNode
from person_mtl_ros.nodes.video_node import VideoNode
from person_mtl_ros.nodes.visualizer_node import VisualizerNode


def bringup(
    params_file: str | None, source: str | None, detector: str, ros_args: Sequence[str]
) -> int:
    """
    Run perception, tracker and visualizer, with a source of images and a detector if asked for.

    :param params_file: ROS parameter file for all of them.
    :param source: what the video node plays; None leaves images to others.
    :param detector: ``hog`` or ``none``.
    :param ros_args: further ROS arguments (remappings, parameters).
    :returns: exit code.
    """
    use_fastdds_profile()
    arguments = ['--ros-args']
    if params_file:
        arguments += ['--params-file', params_file]
    if source:
        # Quoted: ROS reads values as YAML, where camera 0 is a number.
        arguments += ['-p', f'video_node:source:={json.dumps(source, ensure_ascii=False)}']
    arguments += ros_args  # last: of two values of a parameter ROS takes the later one
    classes: list[type[ManagedNode]] = [PerceptionNode, TrackerNode, VisualizerNode]
    if detector == 'hog':
        classes.append(DetectorNode)
    if source:
        classes.append(VideoNode)  # last, so that everybody listens when it begins
    nodes: list[ManagedNode] = []
    try:
        init_ros(arguments)
        executor = SingleThreadedExecutor()
        for node_class in classes:
            nodes.append(node_class())
            executor.add_node(nodes[-1])
            if not nodes[-1].start():
                return 2
        executor.spin()
    except (ParameterError, ParameterException) as error:
        print(f'person-mtl bringup: {error}', file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RuntimeError:  # see managed_node.run
        if rclpy.ok():
            raise
    finally:
        for node in reversed(nodes):
            node.stop()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
