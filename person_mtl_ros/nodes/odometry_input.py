"""Odometry and the camera's parameters as inputs of a node: for how the camera turns."""

import math
import time
from collections.abc import Callable
from typing import Any

from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo

from person_mtl_ros.camera_geometry import pinhole_from_message
from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.qos import qos_profile
from person_mtl_ros.odometry import RESTARTS, CameraOdometry, OdometryParams

ODOMETRY_DEPTH = 50  # 100 ms at 500 Hz, while another callback takes long


def subscribe_to_odometry(
    node: ManagedNode, time_jump: float, silence_sec: Callable[[], float]
) -> CameraOdometry | None:
    """
    Subscribe a node that has :class:`OdometryParams` to what tells the turns of its camera.

    :param time_jump: see ``odometry.OrientationBuffer``.
    :param silence_sec: returns after how long without odometry, or without ever a camera info,
        the node warns.
    :returns: what is fed with the messages; None if the node shall use none.
    """
    params = node.params(OdometryParams)
    if not params.use_odometry:
        return None
    odometry = CameraOdometry(params, time_jump)
    begin = time.monotonic()
    heard = {'odometry': begin, 'camera_info': begin}  # until when nothing is missing

    def add(message: Any) -> None:
        orientation = message.pose.pose.orientation
        quaternion = (orientation.x, orientation.y, orientation.z, orientation.w)
        fault = odometry.add(stamp_ns(message.header) / 1e9, quaternion)
        heard['odometry'] = time.monotonic()
        node.diagnostics.tick('odometry received')
        if fault:
            what = 'restarted' if fault in RESTARTS else 'messages refused'
            node.diagnostics.count(f'odometry {what}: {fault}')

    def set_camera(message: Any) -> None:
        odometry.set_camera(*pinhole_from_message(message))
        heard['camera_info'] = math.inf  # some say it once

    # Best effort matches every publisher.
    inputs = [
        node.subscribe(Odometry, 'odometry', add, qos_profile('best_effort', ODOMETRY_DEPTH)),
        node.subscribe(CameraInfo, 'camera_info', set_camera, qos_profile('best_effort', 1)),
    ]

    def watch() -> None:
        limit = time.monotonic() - silence_sec()
        missing = [topic for topic, until in heard.items() if until < limit]
        text = ''
        if missing:
            text = f'no {" and no ".join(missing)}; publishers: {node.publishers_of(inputs)}'
        node.warn('odometry', text)

    node.every(1.0, watch)
    return odometry
