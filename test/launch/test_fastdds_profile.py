import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS')

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

PROFILE = Path(__file__).resolve().parents[2] / 'config' / 'fastdds.xml'
DOMAIN_ID = 97
DEADLINE_SEC = 60.0
CAMERA = """
import array, time, rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node('camera')
qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
publisher = node.create_publisher(Image, 'image', qos)
image = Image(height=720, width=1280, encoding='bgr8', step=3840)
image.data = array.array('B', bytes(720 * 3840))
while True:
    publisher.publish(image)
    time.sleep(0.05)
"""


@pytest.mark.skipif(
    rclpy.get_rmw_implementation_identifier() != 'rmw_fastrtps_cpp',
    reason='another middleware than Fast DDS is in use',
)
def test_best_effort_images_larger_than_the_default_segment_arrive():
    environment = os.environ | {
        'ROS_DOMAIN_ID': str(DOMAIN_ID),
        'FASTDDS_DEFAULT_PROFILES_FILE': str(PROFILE),
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(PROFILE),
    }
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=DOMAIN_ID)
    node = rclpy.create_node('viewer', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    sizes: list[int] = []
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    node.create_subscription(Image, 'image', lambda image: sizes.append(len(image.data)), qos)
    camera = subprocess.Popen([sys.executable, '-c', CAMERA], env=environment)
    try:
        deadline = time.monotonic() + DEADLINE_SEC
        while len(sizes) < 10 and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
    finally:
        camera.kill()
        camera.wait()
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert sizes[:10] == [1280 * 720 * 3] * 10
