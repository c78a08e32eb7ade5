"""Coverage masks of smooth text and shapes."""

from functools import lru_cache

import cv2
import numpy as np

from person_mtl_ros.structures import UInt8Array

SUPERSAMPLING = 4  # OpenCV's own anti-aliasing leaves small letters ragged
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_CAP_HEIGHT = 21.0  # px of a capital letter at scale 1
STROKE = 0.14  # of the capital height


@lru_cache(maxsize=1024)
def text_coverage(text: str, cap_height: int) -> UInt8Array:
    """
    One line of text.

    :param cap_height: height of a capital letter in pixels.
    :returns: (2 cap_height, w), 0 to 255; capitals are centred in the height, so that lines
        with and without descenders align.
    """
    scale = cap_height * SUPERSAMPLING / FONT_CAP_HEIGHT
    thickness = round(STROKE * cap_height * SUPERSAMPLING)
    (width, _), _ = cv2.getTextSize(text, FONT, scale, thickness)
    columns = -(-(width + thickness) // SUPERSAMPLING)
    large = np.zeros((2 * cap_height * SUPERSAMPLING, columns * SUPERSAMPLING), np.uint8)
    baseline = round(1.5 * cap_height * SUPERSAMPLING)
    cv2.putText(large, text, (thickness // 2, baseline), FONT, scale, 255, thickness, cv2.LINE_AA)
    return _shrink(large)


def plate_coverage(width: int, height: int, radius: int) -> UInt8Array:
    """(height, width) rectangle with round corners, 0 to 255."""
    right, bottom = width * SUPERSAMPLING - 1, height * SUPERSAMPLING - 1
    corner = radius * SUPERSAMPLING
    large = np.zeros((bottom + 1, right + 1), np.uint8)
    cv2.rectangle(large, (corner, 0), (right - corner, bottom), 255, -1)
    cv2.rectangle(large, (0, corner), (right, bottom - corner), 255, -1)
    for x in (corner, right - corner):
        for y in (corner, bottom - corner):
            cv2.circle(large, (x, y), corner, 255, -1)
    return _shrink(large)


def return_coverage(cap_height: int) -> UInt8Array:
    """Arrow that turns back, the mark of a person who came back; as high as a line of text."""
    side = 2 * cap_height * SUPERSAMPLING
    large = np.zeros((side, side), np.uint8)
    radius = round(0.24 * side)
    thickness = round(STROKE * cap_height * SUPERSAMPLING)
    center = (side // 2, side // 2)
    cv2.ellipse(large, center, (radius, radius), 0, -60, 200, 255, thickness, cv2.LINE_AA)
    start = np.radians(-75)
    tip = np.array(center) + radius * np.array([np.cos(start), np.sin(start)])
    head = tip + 0.5 * radius * np.array([[-1.0, 0.0], [0.55, -0.95], [0.55, 0.95]])
    cv2.fillPoly(large, [np.round(head).astype(np.int32)], (255,), cv2.LINE_AA)
    return _shrink(large)


def _shrink(large: UInt8Array) -> UInt8Array:
    size = (large.shape[1] // SUPERSAMPLING, large.shape[0] // SUPERSAMPLING)
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8)
