"""Writes small data sets in their official layout."""

from pathlib import Path

import cv2
import numpy as np


def write_image(path: Path, size_hw: tuple[int, int] = (128, 64), value: int = 0) -> None:
    """Write a flat gray image without compression loss (PNG) or nearly so (JPEG)."""
    write_pixels(path, np.full((*size_hw, 3), value, np.uint8))


def write_pixels(path: Path, pixels: np.ndarray) -> None:
    """Write (h, w, 3) BGR or (h, w) labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
