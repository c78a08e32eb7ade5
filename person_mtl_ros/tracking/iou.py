"""How much boxes are the same."""

import numpy as np
from numpy.typing import NDArray


def iou(
    boxes_xyxy: NDArray[np.floating], others_xyxy: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4)."""
    low = np.maximum(boxes_xyxy[:, None, :2], others_xyxy[None, :, :2])
    high = np.minimum(boxes_xyxy[:, None, 2:], others_xyxy[None, :, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=2, dtype=np.float64)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes_xyxy, others_xyxy))
    return common / (areas[:, None] + other_areas[None] - common)
