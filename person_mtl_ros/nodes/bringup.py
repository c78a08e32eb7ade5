"""The nodes of ``bringup.launch.py`` in one process, for machines without ``ros2 launch``."""

import json
from collections.abc import Sequence

from person_mtl_ros.hog_detector import HOG
from person_mtl_ros.nodes.composed import perception_and_tracker
from person_mtl_ros.nodes.detector_node import DetectorNode
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.running import run
from person_mtl_ros.nodes.video_node import VideoNode
from person_mtl_ros.nodes.visualizer_node import VisualizerNode


def bringup(
    params_file: str | None, source: str | None, detector: str | None, ros_args: Sequence[str]
) -> int:
    """
    Run perception, tracker and visualizer, with a source of images and a detector if asked for.

    :param params_file: ROS parameter file for all of them.
    :param source: what the video node plays; None leaves images to others.
    :param detector: ``hog`` or the file of a network; None leaves detections to others.
    :param ros_args: further ROS arguments (remappings, parameters).
    :returns: exit code.
    """
    arguments = ['--ros-args']
    if params_file:
        arguments += ['--params-file', params_file]
    if source:
        # Quoted: ROS reads values as YAML, where camera 0 is a number.
        arguments += ['-p', f'video_node:source:={json.dumps(source, ensure_ascii=False)}']
    if detector and detector != HOG:
        arguments += ['-p', f'detector_node:network:={json.dumps(detector, ensure_ascii=False)}']
    arguments += ros_args  # last: of two values of a parameter ROS takes the later one

    def nodes() -> list[ManagedNode]:
        made = [*perception_and_tracker(), VisualizerNode()]
        if detector:
            made.append(DetectorNode())
        if source:
            made.append(VideoNode())  # last, so that everybody listens when it begins
        return made

    return run('person-mtl bringup', nodes, arguments)
