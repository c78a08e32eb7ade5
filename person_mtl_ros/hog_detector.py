"""A person detector that needs no weights: HOG and a linear SVM, as shipped with OpenCV."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import Detection, UInt8Array

HOG = 'hog'  # what users call it, where others are files

# The person in the 64x128 window: left, top, width, height as fractions. "About 16 pixels of
# margin around the person on all four sides", Dalal and Triggs, "Detector Window and Context".
PERSON_IN_WINDOW = (16 / 64, 16 / 128, 32 / 64, 96 / 128)
# Blocks of the window move in steps of 8 pixels; other strides are refused by OpenCV.
STRIDE_STEP_PX = 8
MAX_ASPECT = 8  # width of an image to working_height, which bounds the time for a flat one


@dataclass(frozen=True)
class HogDetectorParams:
    """Parameters of :class:`HogDetector`."""

    working_height_px: int = parameter(
        720,
        'height to which images are scaled; the smallest person found has 96 / working_height of '
        'the image height; time grows with the square',
        unit='px',
        minimum=128,
        maximum=4320,
    )
    stride_px: int = parameter(
        8,
        'step of the search window, a multiple of 8; 16 is four times as fast and misses more',
        unit='px',
        minimum=8,
        maximum=32,
    )
    scale_step: float = parameter(
        1.05,
        'ratio of neighbouring window sizes; larger is faster and misses more',
        minimum=1.01,
        maximum=2.0,
    )
    min_score: float = parameter(
        0.5,
        'windows below are dropped; 0.5 is the decision boundary of the SVM',
        minimum=0.01,
        maximum=0.99,
    )
    min_hits: int = parameter(
        2,
        'a person is kept where more than this many similar windows agree; single hits are '
        'mostly false; 0 keeps all',
        minimum=0,
        maximum=20,
    )
    max_overlap: float = parameter(
        0.5,
        'of two boxes with a larger IoU the one with the lower score is dropped',
        minimum=0.0,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.stride_px % STRIDE_STEP_PX:
            raise ValueError(
                f'stride_px is {self.stride_px}; expected a multiple of {STRIDE_STEP_PX}'
            )


class HogDetector:
    """
    Standing people in an image, after Dalal and Triggs (CVPR 2005).

    The score of a box is ``1 / (1 + exp(-margin))`` of its SVM margin: monotonic, 0.5 on the
    decision boundary, but not a calibrated probability.

    :param params: see :class:`HogDetectorParams`.
    """

    def __init__(self, params: HogDetectorParams | None = None) -> None:
        self.params = params or HogDetectorParams()
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector()))

    def detect(self, image_bgr: UInt8Array) -> list[Detection]:
        """
        Find the people in an image, best score first.

        :param image_bgr: (H, W, 3).
        :returns: detections with boxes inside the image.
        """
        params = self.params
        height, width = image_bgr.shape[:2]
        scale = params.working_height_px * min(1 / height, MAX_ASPECT / width)
        working_width, working_height = round(width * scale), round(height * scale)
        window_width, window_height = self._hog.winSize
        if working_width < window_width or working_height < window_height:
            return []
        windows, margins = self._hog.detectMultiScale(
            cv2.resize(image_bgr, (working_width, working_height)),
            # By place: OpenCV has renamed the last one.
            math.log(params.min_score / (1 - params.min_score)),  # hitThreshold
            (params.stride_px, params.stride_px),  # winStride
            (0, 0),  # padding
            params.scale_step,  # scale
            params.min_hits,  # groupThreshold
        )
        if len(windows) == 0:
            return []
        left, top, part_width, part_height = PERSON_IN_WINDOW
        origins, sides = (
            np.asarray(windows, np.float64).reshape(-1, 2, 2).transpose(1, 0, 2) / scale
        )
        boxes_xywh = np.hstack([origins + sides * (left, top), sides * (part_width, part_height)])
        scores = 1 / (1 + np.exp(-np.asarray(margins, np.float64).ravel()))
        kept = cv2.dnn.NMSBoxes(
            boxes_xywh.tolist(), scores.tolist(), params.min_score, params.max_overlap
        )
        detections: list[Detection] = []
        for row in np.asarray(kept, np.int64).ravel():
            x, y, box_width, box_height = boxes_xywh[row]
            box_xyxy = np.array([x, y, x + box_width, y + box_height], np.float32)
            np.clip(box_xyxy, 0, [width, height] * 2, out=box_xyxy, casting='unsafe')
            if (box_xyxy[2:] > box_xyxy[:2]).all():
                detections.append(Detection(box_xyxy, float(scores[row]), index=len(detections)))
        return detections
