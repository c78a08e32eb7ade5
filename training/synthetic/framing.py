"""How a detector and the image border frame a person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Framing:
    """How well people are framed."""

    jitter: float = 0.03  # spread of the edges of a box, share of its size
    letterboxed: float = 0.2  # share of pictures that end where the box does
    cut: float = 0.12  # share of people that a border of the image cuts off
    close: float = 0.0  # share of people seen from the hips or the chest upwards


def detected_box(rng: np.random.Generator, box: NDArray, jitter: float) -> NDArray[np.float64]:
    """Box as a detector gives it: shifted, scaled, sometimes loose, sometimes without legs."""
    size = box[2:] - box[:2]
    edges = box.reshape(2, 2) + rng.normal(0, jitter, (2, 2)) * size
    if rng.random() < 0.12:
        edges += np.array([[-1], [1]]) * rng.uniform(0.02, 0.16, (2, 2)) * size
    if rng.random() < 0.05:
        edges[1, 1] -= rng.uniform(0.15, 0.5) * size[1]
    return edges.reshape(4)


def image_border(
    rng: np.random.Generator, whole: NDArray, framing: Framing
) -> NDArray[np.float64]:
    """Edges of an image that may cut a person off: xyxy, infinite where far away."""
    size = whole[2:] - whole[:2]
    border = np.array([-np.inf, -np.inf, np.inf, np.inf])
    kind = rng.random()
    if kind < framing.close:
        border[3] = whole[1] + rng.uniform(0.32, 0.62) * size[1]
    elif kind < framing.close + framing.cut:
        side = rng.choice(4, p=(0.2, 0.1, 0.2, 0.5))
        cut = rng.uniform(0.05, 0.4) * size[side % 2]
        border[side] = whole[side] + (cut if side < 2 else -cut)
    return border


def pixels_outside(
    border: NDArray, area: NDArray, scale: float, size_hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """Crop pixels for which the image has none."""
    x = area[0] + (np.arange(size_hw[1]) + 0.5) / scale
    y = area[1] + (np.arange(size_hw[0]) + 0.5) / scale
    in_x = (x > border[0]) & (x < border[2])
    in_y = (y > border[1]) & (y < border[3])
    return ~(in_y[:, None] & in_x[None, :])
