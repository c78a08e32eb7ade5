"""What OpenCV says by itself on standard error."""

import os
from typing import Any

import cv2


def silence_opencv() -> None:
    """
    Let OpenCV not print about files and images it cannot read; our errors name them in one line.

    The level that the environment gives to OpenCV, ``OPENCV_LOG_LEVEL``, stays.
    """
    if 'OPENCV_LOG_LEVEL' not in os.environ:
        # Until OpenCV 4.5, that of Ubuntu 22.04, this function was in cv2 itself.
        log: Any = cv2 if hasattr(cv2, 'setLogLevel') else cv2.utils.logging
        log.setLogLevel(0)  # silent
