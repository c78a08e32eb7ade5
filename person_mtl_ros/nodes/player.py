"""Stands for the camera, the detector and the listeners of the nodes."""

import time
from typing import Any

import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from person_mtl.msg import PersonModelInfo, TrackedPersonArray
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.nodes.conversions import detections_to_message, image_to_message, stamp_ns
from person_mtl_ros.nodes.person_messages import model_info_from_message
from person_mtl_ros.nodes.qos import latched_profile, qos_profile
from person_mtl_ros.structures import ModelInfo

NODES = ('perception_node', 'tracker_node')


class Player:
    """
    Publishes frames, collects tracks and diagnostics.

    :param domain_id: ROS domain of the nodes.
    :param composed: perception and tracker are in one process, without a topic between them.
    """

    def __init__(self, domain_id: int, composed: bool) -> None:
        self._composed = composed
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self._node = rclpy.create_node('replay', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        reliable = qos_profile('reliable', 10)
        self._images = self._node.create_publisher(Image, 'image', qos_profile('reliable', 5))
        self._detections = self._node.create_publisher(Detection2DArray, 'detections', reliable)
        subscribe = self._node.create_subscription
        subscribe(TrackedPersonArray, 'tracked_persons', self._take_tracks, reliable)
        subscribe(PersonModelInfo, 'model_info', self._take_info, latched_profile())
        subscribe(DiagnosticArray, '/diagnostics', self._take_status, reliable)
        self._sent: dict[int, tuple[int, float]] = {}  # stamp -> frame index, when
        self._info_message: Any = None
        self.messages: dict[int, Any] = {}  # frame index -> TrackedPersonArray
        self.last_result = 0.0  # time.monotonic
        self.latency = Latency()
        self.frame_latency_sec: dict[int, float] = {}
        self.status: dict[str, dict[str, str]] = {}  # node -> key -> value
        self.status_count = 0

    def close(self) -> None:
        """Leave the domain."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    @property
    def is_ready(self) -> bool:
        """Whether the whole chain is connected."""
        return (
            self._info_message is not None
            and self._images.get_subscription_count() > 0
            and self._detections.get_subscription_count() > 0
            and self._node.count_publishers('tracked_persons') > 0
            and set(NODES) <= self.status.keys()
            and (self._composed or self._tracker_is_connected)
        )

    @property
    def _tracker_is_connected(self) -> bool:
        # In one process it is from the start, and hears of the network with the first people.
        is_described = bool(self.status['tracker_node'].get('model id'))
        return is_described and self._node.count_subscribers('persons') > 0

    @property
    def info(self) -> ModelInfo:
        """What the network tells of itself; once the chain is ready."""
        return model_info_from_message(self._info_message)

    def publish(self, frame: Frame) -> None:
        """Send the image of a frame and its detections."""
        assert frame.image_bgr is not None
        total_ns = round(frame.stamp_sec * 1e9)
        stamp = Time(sec=total_ns // 10**9, nanosec=total_ns % 10**9)
        header = Header(stamp=stamp, frame_id='camera')
        image = image_to_message(header, frame.image_bgr)
        # First, so that they do not come after the image: no detector is part of the latency.
        self._detections.publish(detections_to_message(header, frame.detections))
        self._sent[total_ns] = (frame.index, time.monotonic())
        self._images.publish(image)

    def spin_until(self, condition: Any, timeout_sec: float) -> bool:
        """Handle messages, one at least, until a condition holds; tell whether it does."""
        deadline = time.monotonic() + timeout_sec
        while not condition():
            left = max(0.0, deadline - time.monotonic())
            self._executor.spin_once(timeout_sec=min(left, 0.05))
            if not left:
                return bool(condition())
        return True

    def _take_tracks(self, message: Any) -> None:
        sent = self._sent.get(stamp_ns(message.header))
        if sent is not None:
            index, when = sent
            self.last_result = time.monotonic()
            self.frame_latency_sec[index] = self.last_result - when
            self.latency.add('image to tracks', self.last_result - when)
            self.messages[index] = message

    def _take_info(self, message: Any) -> None:
        self._info_message = message

    def _take_status(self, message: Any) -> None:
        for status in message.status:
            self.status[status.name] = {entry.key: entry.value for entry in status.values}
        self.status_count += 1
