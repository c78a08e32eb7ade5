"""Noise in place of people, of the size that the checkpoint of ``fake_checkpoint`` takes."""

import numpy as np
from fake_checkpoint import INFO


def fake_crops(count: int) -> np.ndarray:
    """(count, 3, H, W) uint8; the same ones every time."""
    size = (count, 3, INFO.crop.height, INFO.crop.width)
    return np.random.default_rng(0).integers(0, 256, size, np.uint8)
