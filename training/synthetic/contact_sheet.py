"""Crops side by side, plain and with their labels drawn on, to be looked at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.labels import LIP_COLORS, MPII_EDGES

_VISIBLE, _HIDDEN = (0, 255, 0), (255, 0, 0)


def annotated(image_rgb: NDArray, parts: NDArray, keypoints: NDArray) -> NDArray[np.uint8]:
    """
    Draw parts and skeleton over a crop.

    :param image_rgb: (h, w, 3).
    :param parts: (h, w) index into LIP_PARTS.
    :param keypoints: (16, 3) x, y in pixels; 1 visible (green), 0 hidden (red), -1 outside.
    :returns: (h, w, 3) RGB.
    """
    colors = np.array(LIP_COLORS, np.uint8)[parts]
    image = np.where(parts[..., None] > 0, image_rgb // 2 + colors // 2, image_rgb)
    points = [(int(x), int(y)) for x, y in keypoints[:, :2]]
    for a, b in MPII_EDGES:
        if min(keypoints[a, 2], keypoints[b, 2]) >= 0:
            cv2.line(image, points[a], points[b], (255, 255, 255), 1)
    for point, state in zip(points, keypoints[:, 2], strict=True):
        if state >= 0:
            cv2.circle(image, point, 2, _VISIBLE if state == 1 else _HIDDEN, -1)
    return image


def contact_sheet(
    images_rgb: Sequence[NDArray],
    parts: Sequence[NDArray],
    keypoints: Sequence[NDArray],
    columns: int = 10,
) -> NDArray[np.uint8]:
    """
    Lay out crops in rows, each above its labels.

    :param images_rgb: N of (h, w, 3).
    :param parts: N of (h, w).
    :param keypoints: N of (16, 3).
    :param columns: crops per row.
    :returns: one RGB picture.
    """
    cells = [
        np.vstack([image, annotated(image, part, joints)])
        for image, part, joints in zip(images_rgb, parts, keypoints, strict=True)
    ]
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)
