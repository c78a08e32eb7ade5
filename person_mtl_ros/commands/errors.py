"""What a user can get wrong: errors that end a command with one line and exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(ValueError):
    """Wrong use of a command."""


def user_errors() -> tuple[type[Exception], ...]:
    """All of them; imported when one was raised, to keep the start of every command short."""
    from person_mtl_ros.backends import BackendError, DeviceError
    from person_mtl_ros.checkpoint import CheckpointError
    from person_mtl_ros.evaluation.bag import BagError
    from person_mtl_ros.evaluation.calibration import CalibrationError
    from person_mtl_ros.evaluation.mot_files import MotFileError
    from person_mtl_ros.evaluation.sequence import SequenceError
    from person_mtl_ros.video import VideoError
    from person_mtl_ros.yolox_detector import DetectorError

    return (
        BackendError,
        BagError,
        CalibrationError,
        CheckpointError,
        CommandError,
        DetectorError,
        DeviceError,
        MotFileError,
        SequenceError,
        VideoError,
        OSError,
    )


@contextmanager
def needs_ros(what: str) -> Iterator[None]:
    """
    Around imports that only a ROS 2 environment has.

    :param what: is not possible without it.
    :raises CommandError: when one of them is missing.
    """
    try:
        yield
    except ImportError as error:
        raise CommandError(
            f'{what} needs ROS 2 ({error}); source your workspace, or use the environment that '
            f'make setup builds'
        ) from error
