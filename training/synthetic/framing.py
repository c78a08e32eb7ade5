"""How a detector and the image border frame a person."""

import numpy as np
from numpy.typing import NDArray


def detected_box(rng: np.random.Generator, box: NDArray) -> NDArray[np.float64]:
    """Box as a detector gives it: shifted, scaled, sometimes loose, sometimes without legs."""
    size = box[2:] - box[:2]
    edges = box.reshape(2, 2) + rng.normal(0, 0.03, (2, 2)) * size
    if rng.random() < 0.12:
        edges += np.array([[-1], [1]]) * rng.uniform(0.02, 0.16, (2, 2)) * size
    if rng.random() < 0.07:
        edges[1, 1] -= rng.uniform(0.15, 0.5) * size[1]
    return edges.reshape(4)


def image_border(rng: np.random.Generator, box: NDArray, whole: NDArray) -> NDArray[np.float64]:
    """Area in which there are pixels: a crop's own box, or an image that cuts the person off."""
    size = whole[2:] - whole[:2]
    border = np.array([-np.inf, -np.inf, np.inf, np.inf])
    kind = rng.random()
    if kind < 0.2:
        return box
    if kind < 0.32:
        side = rng.integers(4)
        cut = rng.uniform(0.05, 0.4)
        if side < 2:
            border[side] = whole[side] + cut * size[side]
        else:
            border[side] = whole[side] - cut * size[side - 2]
    return border


def sample_shrink(rng: np.random.Generator) -> float:
    """Draw the resolution of the sensor relative to the crop, far people are small."""
    return float(min(1.0, np.exp(rng.uniform(np.log(0.3), np.log(1.5)))))


def pixels_outside(
    border: NDArray, area: NDArray, scale: float, size_hw: tuple[int, int]
) -> NDArray[np.bool_]:
    """Crop pixels for which the image has none."""
    x = area[0] + (np.arange(size_hw[1]) + 0.5) / scale
    y = area[1] + (np.arange(size_hw[0]) + 0.5) / scale
    in_x = (x > border[0]) & (x < border[2])
    in_y = (y > border[1]) & (y < border[3])
    return ~(in_y[:, None] & in_x[None, :])
