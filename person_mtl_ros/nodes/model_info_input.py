"""The description of the network as an input of a node."""

from collections.abc import Callable
from typing import Any

from person_mtl.msg import PersonModelInfo
from rclpy.subscription import Subscription

from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.message_faults import model_info_fault
from person_mtl_ros.nodes.person_messages import model_info_from_message
from person_mtl_ros.nodes.qos import latched_profile
from person_mtl_ros.structures import ModelInfo


def subscribe_to_model_info(node: ManagedNode, use: Callable[[ModelInfo], None]) -> Subscription:
    """
    Subscribe a node to ``model_info``; one with a fault is refused, counted and warned of.

    :param use: takes each description that can be used.
    """

    def take(message: Any) -> None:
        fault = model_info_fault(message)
        node.warn('model_info', f'model_info refused: {fault}' if fault else '')
        if fault:
            node.diagnostics.count(f'model_info refused: {fault}')
        else:
            use(model_info_from_message(message))

    return node.subscribe(PersonModelInfo, 'model_info', take, latched_profile())
