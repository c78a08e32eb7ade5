"""Nodes from the start of ROS to the end of the process."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from person_mtl_ros.memory import keep_memory_of_images
from person_mtl_ros.nodes.fastdds_profile import use_fastdds_profile
from person_mtl_ros.nodes.managed_node import ERROR_PERIOD_SEC, ManagedNode
from person_mtl_ros.nodes.misspelt_sections import misspelt_sections
from person_mtl_ros.nodes.node_parameters import ParameterError


def run_node(node_class: type[ManagedNode]) -> int:
    """Run one node, see :func:`run`."""
    return run(node_class.node_name, lambda: [node_class()])


def run(
    name: str, make_nodes: Callable[[], Sequence[ManagedNode]], args: list[str] | None = None
) -> int:
    """
    Run nodes in this process until it is told to stop.

    :param name: begins the line on standard error that says why ROS does not start.
    :param make_nodes: called once ROS is up; the nodes are started in this order.
    :param args: command line, by default that of the process.
    :returns: exit code, 0 or 2 for a parameter or file that cannot be used.
    """
    keep_memory_of_images()
    use_fastdds_profile()
    try:
        init_ros(args)
    except ParameterError as error:
        print(f'{name}: {error}', file=sys.stderr)
        return 2
    try:
        with ExitStack() as ending:  # in the opposite order, whichever of them fails
            ending.callback(rclpy.try_shutdown)
            executor = SingleThreadedExecutor()
            nodes = make_nodes()
            for node in nodes:
                ending.callback(node.destroy_node)
                ending.callback(node.stop)
                executor.add_node(node)
            names = [node.get_name() for node in nodes]
            for warning in misspelt_sections(sys.argv if args is None else args, names):
                nodes[0].get_logger().warning(warning)
            if not all(node.start() for node in nodes):
                return 2
            _spin(executor, nodes[0].get_logger())
    except ParameterError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    return 0


def _spin(executor: SingleThreadedExecutor, logger: Any) -> None:
    while True:
        try:
            executor.spin()
            return
        except ExternalShutdownException:
            raise
        except RuntimeError:  # rclpy's errors are; when told to stop, a callback may be publishing
            if rclpy.ok():
                raise
            return
        except Exception as error:  # rclpy answers a parameter of an unknown type with one
            logger.error(
                f'a request or timer failed: {type(error).__name__}: {error}',
                throttle_duration_sec=ERROR_PERIOD_SEC,
            )


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
