"""
A person detector for users who have none: YOLOX (Ge et al. 2021), run by OpenCV.

The network is a file of the user, as Megvii releases them under Apache-2.0 or as their
``tools/export_onnx.py`` writes them: people are class 0, as in COCO, and boxes are left to decode.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import Detection, UInt8Array

STRIDES = (8, 16, 32)  # pixels between the places at which boxes are proposed
PADDING = 114  # grey value beside the image, as in its training
PERSON_CLASS = 0
BOX_FIELDS = 5  # x, y, width, height, objectness; the classes follow

FloatArray = NDArray[np.float64]


class DetectorError(ValueError):
    """A file that is no network of a detector; one line for the user."""


@dataclass(frozen=True)
class YoloxDetectorParams:
    """Parameters of :class:`YoloxDetector`."""

    yolox_side_px: int = parameter(
        416,
        'longer side to which images are scaled, a multiple of 32: 416 for the networks Nano and '
        'Tiny, 640 for larger ones or for smaller people; time grows with the square',
        unit='px',
        minimum=64,
        maximum=2048,
    )
    yolox_min_score: float = parameter(
        0.1,
        'boxes below are dropped; weak ones let the tracker keep people who are half hidden',
        minimum=0.01,
        maximum=0.99,
    )
    yolox_max_overlap: float = parameter(
        0.65,
        'of two boxes with a larger IoU the one with the lower score is dropped',
        minimum=0.0,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.yolox_side_px % STRIDES[-1]:
            raise ValueError(
                f'yolox_side_px is {self.yolox_side_px}; expected a multiple of {STRIDES[-1]}'
            )


class YoloxDetector:
    """
    People in an image.

    :param path: network (.onnx).
    :param params: may be replaced at any time.
    :raises DetectorError: when the file is no such network.
    """

    def __init__(self, path: Path, params: YoloxDetectorParams | None = None) -> None:
        self.params = params or YoloxDetectorParams()
        if not path.is_file():
            raise DetectorError(f'{path}: no such file; expected a YOLOX network (.onnx)')
        try:
            self._network = cv2.dnn.readNetFromONNX(str(path))
            self._propose(np.zeros((2 * STRIDES[-1], STRIDES[-1], 3), np.uint8))
        except (cv2.error, DetectorError) as error:
            reason = ' '.join(str(error).split())[:200]
            raise DetectorError(f'{path}: not a YOLOX network: {reason}') from error

    def detect(self, image_bgr: UInt8Array) -> list[Detection]:
        """
        Find the people in an image, best score first.

        :param image_bgr: (H, W, 3).
        :returns: detections with boxes inside the image.
        """
        height, width = image_bgr.shape[:2]
        scale = self.params.yolox_side_px / max(height, width)
        boxes, scores = self._propose(_scaled(image_bgr, scale))
        boxes /= scale
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        is_person = (scores >= self.params.yolox_min_score) & (
            (centers > 0) & (centers < [width, height])
        ).all(axis=1)
        scores = scores[is_person]
        boxes = boxes[is_person].clip(0, [width, height] * 2).astype(np.float32)
        kept = cv2.dnn.NMSBoxes(
            np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist(),
            scores.tolist(),
            self.params.yolox_min_score,
            self.params.yolox_max_overlap,
        )
        rows = np.asarray(kept, np.int64).ravel().tolist()
        return [Detection(boxes[row], float(scores[row]), index=i) for i, row in enumerate(rows)]

    def _propose(self, image_bgr: UInt8Array) -> tuple[FloatArray, FloatArray]:
        """Boxes xyxy (N, 4) and scores (N,) of people in an image whose sides fit the strides."""
        self._network.setInput(cv2.dnn.blobFromImage(image_bgr))
        outputs = np.asarray(self._network.forward(), np.float64)
        origins, strides = _grid(*image_bgr.shape[:2])
        least = BOX_FIELDS + PERSON_CLASS + 1
        if outputs.ndim != 3 or outputs.shape[1] != len(origins) or outputs.shape[2] < least:
            raise DetectorError(
                f'its output has the shape {outputs.shape}; expected (1, {len(origins)}, {least} '
                'or more)'
            )
        fields = outputs[0]
        centers = (fields[:, :2] + origins) * strides
        half = np.exp(fields[:, 2:4]) * strides / 2
        scores = fields[:, BOX_FIELDS - 1] * fields[:, BOX_FIELDS + PERSON_CLASS]
        return np.hstack([centers - half, centers + half]), scores


def _scaled(image_bgr: UInt8Array, scale: float) -> UInt8Array:
    """Resize; to the right and below it is filled up to sides that fit the strides."""
    height, width = (max(round(side * scale), 1) for side in image_bgr.shape[:2])
    step = STRIDES[-1]
    sides = math.ceil(height / step) * step, math.ceil(width / step) * step
    filled = np.full((*sides, 3), PADDING, np.uint8)
    filled[:height, :width] = cv2.resize(image_bgr, (width, height))
    return filled


def _grid(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Cell (x, y) of every proposal (N, 2), and the size of its cells (N, 1), px."""
    origins, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        origins.append(np.column_stack([columns.ravel(), rows.ravel()]))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(origins).astype(float), np.concatenate(strides).astype(float)
