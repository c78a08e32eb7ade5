"""Nodes under test run in processes of their own and are spoken to over DDS."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from person_mtl_ros.nodes.conversions import image_to_message
from person_mtl_ros.nodes.qos import latched_profile, qos_profile

DEADLINE_SEC = 60.0
# How long an answer to a harmless question may take before it is asked again.
PATIENCE_SEC = 2.0


def header_at(stamp_sec: float, frame_id: str = 'camera') -> Header:
    """Header with a stamp in seconds."""
    total = round(stamp_sec * 1e9)
    return Header(stamp=Time(sec=total // 10**9, nanosec=total % 10**9), frame_id=frame_id)


def image_at(stamp_sec: float, size: tuple[int, int] = (64, 48)) -> Image:
    """A noisy image, width x height."""
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return image_to_message(header_at(stamp_sec), pixels)


def detection(
    x: float, y: float, width: float, height: float, class_id: str = 'person', score: float = 0.9
) -> Detection2D:
    """A detection around a centre."""
    message = Detection2D()
    message.bbox.center.position.x, message.bbox.center.position.y = float(x), float(y)
    message.bbox.size_x, message.bbox.size_y = float(width), float(height)
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id = class_id
    result.hypothesis.score = score
    message.results = [result]
    return message


def detections_at(stamp_sec: float, *items: Detection2D) -> Detection2DArray:
    """Detections of one image."""
    return Detection2DArray(header=header_at(stamp_sec), detections=list(items))


class Bench:
    """Starts nodes on a ROS domain of its own and talks to them, always with a deadline."""

    def __init__(self, domain_id: int) -> None:
        self._domain_id = domain_id
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = rclpy.create_node('bench', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._publishers: dict[str, Any] = {}
        self.processes: dict[str, subprocess.Popen] = {}
        self.received: dict[str, list[Any]] = {}
        self.status: dict[str, dict[str, str]] = {}
        self.levels: dict[str, str] = {}
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._take_status, 10)

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def start(self, node: str, **parameters: Any) -> subprocess.Popen:
        command = [sys.executable, '-m', f'person_mtl_ros.nodes.{node}', '--ros-args']
        for name, value in parameters.items():
            command += ['-p', f'{name}:={value}']
        environment = os.environ | {
            'ROS_DOMAIN_ID': str(self._domain_id),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'OMP_NUM_THREADS': '1',
            # No profile: the shared memory of killed processes stays, and its segments are large.
            'FASTDDS_DEFAULT_PROFILES_FILE': '',
        }
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.processes[node] = process
        return process

    def publisher(self, message_type: type, topic: str, latched: bool = False) -> Any:
        """A publisher that has found its subscriber."""
        qos = latched_profile() if latched else qos_profile('reliable', 50)
        publisher = self.node.create_publisher(message_type, topic, qos)
        self.until(lambda: publisher.get_subscription_count() > 0)
        return publisher

    def listen(self, message_type: type, topic: str, latched: bool = False) -> list[Any]:
        """The growing list of messages of a topic."""
        received: list[Any] = []
        qos = latched_profile() if latched else qos_profile('reliable', 100)
        self.node.create_subscription(message_type, topic, received.append, qos)
        self.until(lambda: self.node.count_publishers(topic) > 0)
        return received

    def call(self, service_type: type, name: str, **request: Any) -> Any:
        """The response of a service of a node, ``/node/service``."""
        client = self.node.create_client(service_type, name)
        self.until(client.service_is_ready)
        # A node that has not discovered this client yet answers into the void. It discovers
        # clients in the order of their creation: a later one that was answered proves it.
        self._ask_until_answered(GetState, f'/{name.split("/")[1]}/get_state')
        future = client.call_async(service_type.Request(**request))
        self.until(future.done)
        self.node.destroy_client(client)
        return future.result()

    def _ask_until_answered(self, service_type: type, name: str) -> Any:
        client = self.node.create_client(service_type, name)
        self.until(client.service_is_ready)
        pending: list[Any] = []

        def answers() -> list[Any]:
            if time.monotonic() > begin + len(pending) * PATIENCE_SEC:
                pending.append(client.call_async(service_type.Request()))
            return [future for future in pending if future.done()]

        begin = time.monotonic()
        self.until(answers)
        self.node.destroy_client(client)
        return next(future for future in pending if future.done()).result()

    def until(self, condition: Callable[[], Any], seconds: float = DEADLINE_SEC) -> None:
        """Handle messages until a condition holds; fail at the deadline."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (
                f'not within {seconds} s; diagnostics {self.status}'
            )
            for name, process in self.processes.items():
                assert process.poll() is None, f'{name} ended: {process.communicate()[1]}'
            self._executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float) -> None:
        """Handle messages for a while."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def count(self, node: str, key: str) -> int:
        """A counter of a node in its newest diagnostics."""
        return int(self.status.get(node, {}).get(key, '0'))

    def change_state(self, node: str, transition: str) -> bool:
        """Ask a node for a transition of its life cycle; tell whether it did it."""
        wanted = Transition(label=transition)
        return self.call(ChangeState, f'/{node}/change_state', transition=wanted).success

    def state(self, node: str) -> str:
        """Where a node is in its life cycle."""
        return self._ask_until_answered(GetState, f'/{node}/get_state').current_state.label

    def end(self, node: str) -> tuple[int, str]:
        """Wait for a node that ends by itself; its exit code and what it printed."""
        process = self.processes.pop(node)
        _, stderr = process.communicate(timeout=DEADLINE_SEC)
        return process.returncode, stderr

    def terminate(self, node: str) -> int:
        """Stop a node as ``ros2 launch`` does; return its exit code."""
        process = self.processes.pop(node)
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=20.0)

    def _take_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.status[status.name] = {entry.key: entry.value for entry in status.values}
            self.levels[status.name] = status.message
