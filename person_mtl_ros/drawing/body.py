"""Box, body parts and skeleton of a person."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.drawing.colors import INK, WHITE, Color, side_color
from person_mtl_ros.structures import Float32Array, ModelInfo, PartMask, UInt8Array

SUBPIXEL_BITS = 3  # OpenCV draws lines at fractions of a pixel: no jitter in videos
UNIT = 2**SUBPIXEL_BITS
FADED = 0.45  # share of its colour that a predicted box keeps, the rest is gray
MAX_RADIUS = 16.0  # px, of box corners
MAX_REACH = 30.0  # px, of the bold pieces beside a corner
FAR = 20000.0  # px; OpenCV's line clipping overflows beyond 2^15

# Clockwise from the left end of the upper right corner, four arcs of seven points.
_QUARTERS = np.linspace(-np.pi / 2, 0, 7) + np.arange(4)[:, None] * np.pi / 2
_ARCS = np.stack([np.cos(_QUARTERS), np.sin(_QUARTERS)], axis=2)  # (4, 7, 2) unit radius
_CORNERS = np.array([[2, 1], [2, 3], [0, 3], [0, 1]])  # x and y of each in an xyxy box
_INWARD = np.array([[-1, 1], [-1, -1], [1, -1], [1, 1]])
_BEFORE = np.array([[-1, 0], [0, -1], [1, 0], [0, 1]])  # from a corner back along the outline


def draw_box(canvas: UInt8Array, box_xyxy: Float32Array, color: Color, accent: bool) -> None:
    """
    Round outline.

    :param accent: makes the corners bold.
    """
    arcs = _corner_arcs(box_xyxy)
    line = _line_width(canvas)
    _polylines(canvas, [_closed(arcs)], color, line)
    if accent:
        side = min(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1])
        reach = min(0.2 * side, MAX_REACH * line) * _BEFORE[:, None]
        pieces = [arcs[:, :1] + reach, arcs, arcs[:, -1:] + np.roll(-reach, -1, axis=0)]
        bold = int(np.clip(round(side / 30), 2, 4)) * line
        _polylines(canvas, np.concatenate(pieces, axis=1), color, bold)


def draw_dashed_box(canvas: UInt8Array, box_xyxy: Float32Array, color: Color) -> None:
    """Pale dashed outline, of a box that nobody was seen in."""
    path = _closed(_corner_arcs(box_xyxy))
    travelled = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    line = _line_width(canvas)
    dash = 7.0 * line
    starts = np.arange(0.0, travelled[-1] - dash, 1.8 * dash)
    distances = starts[:, None] + np.linspace(0, dash, 3)
    dashes = np.stack([np.interp(distances, travelled, path[:, i]) for i in (0, 1)], axis=-1)
    pale = [round(FADED * channel + (1 - FADED) * 190) for channel in color]
    _polylines(canvas, dashes, pale, line)


def draw_parts(
    canvas: UInt8Array, mask: PartMask, info: ModelInfo, color: Color, opacity: float
) -> None:
    """
    Body parts in their colours, and the outline of the person.

    :param color: of the outline and of parts without a colour.
    :param opacity: of the part colours, in [0, 1].
    """
    x1, y1, x2, y2 = mask.box_xyxy.tolist()
    columns = np.arange(max(0, round(x1)), min(canvas.shape[1], round(x2)))
    rows = np.arange(max(0, round(y1)), min(canvas.shape[0], round(y2)))
    grid = mask.labels
    if y2 - y1 > 1.5 * grid.shape[0]:
        # The median of a few labels is one of them: it rounds the stairs of a coarse grid.
        grid = np.asarray(cv2.medianBlur(grid.repeat(2, axis=0).repeat(2, axis=1), 3), np.uint8)
    labels = grid.take(_cells(rows, y1, y2, grid.shape[0]), axis=0)
    labels = labels.take(_cells(columns, x1, x2, grid.shape[1]), axis=1)
    if not labels.any():
        return
    palette = np.full((256, 3), color, np.uint8)
    known = np.array(info.part_colors, np.uint8).reshape(-1, 3)
    palette[: len(known)] = known[:, ::-1]
    area = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    pixels = canvas[area]
    blend = cv2.addWeighted(pixels, 1 - opacity, palette.take(labels, axis=0), opacity, 0.0)
    cv2.copyTo(blend, labels, pixels)
    person = (labels > 0).astype(np.uint8)
    outline, _ = cv2.findContours(person, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.polylines(pixels, outline, True, color, 1, cv2.LINE_AA)


def draw_skeleton(
    canvas: UInt8Array, keypoints: Float32Array, info: ModelInfo, min_score: float
) -> None:
    """
    Limbs in the colour of their side of the body, joints in white.

    :param keypoints: (J, 3) x, y, score; those with a lower score than ``min_score`` are hidden.
    """
    seen = (keypoints[:, 2] >= min_score) & (np.abs(keypoints[:, :2]) < FAR).all(axis=1)
    if not seen.any():
        return
    points = keypoints[:, :2]
    line = int(np.clip(round(np.ptp(points[seen, 1]) / 90), 1, 5))
    limbs: dict[Color, list[Float32Array]] = {}
    for a, b in info.keypoint_edges:
        if seen[a] and seen[b]:
            color = side_color(info.keypoint_names[a], info.keypoint_names[b])
            limbs.setdefault(color, []).append(points[[a, b]])
    outlined = line > 1  # around a thin line it would be all one sees
    if limbs and outlined:
        _polylines(canvas, np.concatenate([*limbs.values()]), INK, line + 2)
    for color, group in limbs.items():
        _polylines(canvas, group, color, line)
    radius = round((0.5 * line + 0.75) * UNIT)
    for x, y in _fixed_point(points[seen]).tolist():
        if outlined:
            cv2.circle(canvas, (x, y), radius + UNIT, INK, -1, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.circle(canvas, (x, y), radius, WHITE, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _cells(pixels: NDArray[Any], low: float, high: float, count: int) -> NDArray[Any]:
    """Which of ``count`` cells between two coordinates the centre of each pixel lies in."""
    return np.minimum((pixels + 0.5 - low) * (count / (high - low)), count - 1).astype(int)


def _line_width(canvas: UInt8Array) -> int:
    return max(1, round(canvas.shape[0] / 540))


def _corner_arcs(box_xyxy: Float32Array) -> NDArray[np.float64]:
    """Points (4, 7, 2) of the round corners of a box, clockwise."""
    box = np.clip(box_xyxy, -FAR, FAR).astype(float)
    radius = min(0.1 * min(box[2] - box[0], box[3] - box[1]), MAX_RADIUS)
    return (box[_CORNERS] + radius * _INWARD)[:, None] + radius * _ARCS


def _closed(arcs: NDArray[np.float64]) -> NDArray[np.float64]:
    path = arcs.reshape(-1, 2)
    return np.concatenate([path, path[:1]])


def _fixed_point(points: NDArray[Any]) -> NDArray[np.int32]:
    # OpenCV counts from the centre of the first pixel, we from its corner.
    return np.round((points - 0.5) * UNIT).astype(np.int32)


def _polylines(
    canvas: UInt8Array, paths: Sequence[Any] | NDArray[Any], color: Sequence[int], line: int
) -> None:
    fixed = [*_fixed_point(np.asarray(paths))]
    cv2.polylines(canvas, fixed, False, color, line, cv2.LINE_AA, SUBPIXEL_BITS)
