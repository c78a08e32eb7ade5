"""Perception and tracker node in one process: people need no DDS from one to the other."""

import sys

from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.perception_node import PerceptionNode
from person_mtl_ros.nodes.running import run
from person_mtl_ros.nodes.tracker_node import TrackerNode


def perception_and_tracker() -> list[ManagedNode]:
    """Make both nodes, the one linked to the other."""
    perception = PerceptionNode()
    return [perception, TrackerNode(perception)]


def main() -> None:
    """Entry point of ``ros2 run person_mtl composed``."""
    sys.exit(run('composed', perception_and_tracker))


if __name__ == '__main__':
    main()
