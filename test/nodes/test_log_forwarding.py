import logging
from unittest.mock import Mock

from person_mtl_ros.nodes.log_forwarding import forwarded_to


def test_a_node_says_what_the_package_logs() -> None:
    node_logger = Mock()
    package = logging.getLogger('person_mtl_ros.backends')
    with forwarded_to(node_logger):
        package.info('backend %s on cpu', 'onnx')
        package.warning('not bf16')
        package.debug('details')
        logging.getLogger('torch').warning('of somebody else')
    package.warning('later')
    node_logger.info.assert_called_once_with('backend onnx on cpu')
    node_logger.warning.assert_called_once_with('not bf16')


def test_levels_are_as_before_afterwards() -> None:
    logger = logging.getLogger('person_mtl_ros')
    before = logger.level, list(logger.handlers)
    with forwarded_to(Mock()):
        assert logger.level == logging.INFO
    assert (logger.level, list(logger.handlers)) == before
