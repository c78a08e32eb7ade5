"""What the rest of the package logs, into the log of a node."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PACKAGE = 'person_mtl_ros'


class _Forwarder(logging.Handler):
    def __init__(self, node_logger: Any) -> None:
        super().__init__(logging.INFO)
        self._node_logger = node_logger

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self._node_logger.warning(record.getMessage())
        else:
            self._node_logger.info(record.getMessage())


@contextmanager
def forwarded_to(node_logger: Any) -> Iterator[None]:
    """
    Let a node say what Python's ``logging`` is told within the block.

    :param node_logger: ``Node.get_logger()``.
    """
    logger, forwarder = logging.getLogger(PACKAGE), _Forwarder(node_logger)
    level = logger.level
    logger.addHandler(forwarder)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(forwarder)
