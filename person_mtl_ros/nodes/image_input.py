"""The camera image as an input of a node: raw or compressed, reliable or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.qos import RELIABILITIES, qos_profile
from person_mtl_ros.parameters import check_parameters, parameter


@dataclass(frozen=True)
class ImageInputParams:
    """How a node gets its images."""

    image_transport: str = parameter(
        'raw',
        'compressed subscribes to <image>/compressed',
        choices=('raw', 'compressed'),
        read_only=True,
    )
    image_reliability: str = parameter(
        'best_effort',
        'best_effort matches every camera driver',
        choices=RELIABILITIES,
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


def subscribe_to_image(
    node: ManagedNode, callback: Callable[[Any], None], depth: int
) -> Subscription:
    """
    Subscribe a node that has :class:`ImageInputParams` to its images.

    :param callback: takes a message for ``images.bgr_from_message``.
    :param depth: messages kept for a slow reader.
    """
    params = node.params(ImageInputParams)
    is_raw = params.image_transport == 'raw'
    return node.subscribe(
        Image if is_raw else CompressedImage,
        'image' if is_raw else 'image/compressed',
        callback,
        qos_profile(params.image_reliability, depth),
        reliability_parameter='image_reliability',
    )
