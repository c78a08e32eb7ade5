"""Nodes from the start of ROS to the end of the process."""

import sys
from collections.abc import Iterable

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from person_mtl_ros.memory import keep_memory_of_images
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.node_parameters import ParameterError


def run_node(node_class: type[ManagedNode], args: list[str] | None = None) -> int:
    """Run one node, see :func:`run`."""
    return run(node_class.node_name, (make() for make in (node_class,)), args)


def run(name: str, nodes: Iterable[ManagedNode], args: list[str] | None = None) -> int:
    """
    Run nodes in this process until it is told to stop.

    :param name: begins the line on standard error that says why nothing runs.
    :param nodes: a generator, since making a node needs ROS; it is asked for the next one when the
        one before has started.
    :param args: command line, by default that of the process.
    :returns: exit code, 0 or 2 for a parameter or file that cannot be used.
    """
    keep_memory_of_images()
    running: list[ManagedNode] = []
    try:
        init_ros(args)
        executor = SingleThreadedExecutor()
        for node in nodes:
            running.append(node)
            executor.add_node(node)
            if not node.start():
                return 2
        executor.spin()
    except (ParameterError, ParameterException) as error:
        print(f'{name}: {error}', file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RuntimeError:  # rclpy's errors are; when told to stop, a callback may be publishing
        if rclpy.ok():
            raise
    finally:
        for node in reversed(running):
            node.stop()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def init_ros(args: list[str] | None) -> None:
    """
    ``rclpy.init`` whose complaints are one line.

    :param args: command line, None takes that of the process.
    :raises ParameterError: for arguments or a parameter file that ROS cannot read.
    """
    try:
        rclpy.init(args=args)
    except RuntimeError as error:  # rclpy's own types differ from version to version
        reason = str(error).partition(', at ')[0].replace('\n', ' ')
        raise ParameterError(f'ROS arguments not understood: {reason}') from error
