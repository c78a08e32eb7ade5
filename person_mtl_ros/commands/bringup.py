"""Run the nodes of bringup.launch.py in one process, without ros2 launch."""

import argparse
from pathlib import Path

from person_mtl_ros.commands.errors import CommandError, needs_ros
from person_mtl_ros.hog_detector import HOG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('--params', metavar='FILE', help='ROS parameter file')
    parser.add_argument(
        '--source', help='video, image folder, MOT folder or camera to play (default: none)'
    )
    parser.add_argument(
        '--detector',
        metavar='hog|FILE',
        help='start our own detector: hog, or the file of a YOLOX network (.onnx); default: '
        'none, detections come from elsewhere',
    )
    parser.add_argument(
        '--ros-args',
        nargs=argparse.REMAINDER,
        default=[],
        help='the rest goes to ROS: -r image:=/camera/image_raw -p perception_node:device:=cuda',
    )


def run(options: argparse.Namespace) -> int:
    """Run until stopped."""
    detector = options.detector
    if detector and detector != HOG and not Path(detector).is_file():
        raise CommandError(f'{detector}: no such file; expected hog or a YOLOX network (.onnx)')
    with needs_ros('bringup'):
        from person_mtl_ros.nodes.bringup import bringup
    return bringup(options.params, options.source, detector, options.ros_args)
