"""An imperfect person detector, imitated from exact boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DetectorParams:
    """How the detector errs; probabilities are per frame."""

    miss: float = 0.03  # of a person in full view
    miss_occluded: float = 0.9  # of a person of whom almost nothing is seen
    half_seen: float = 0.35  # visible share at which the miss probability is midway
    lapse: float = 0.01  # begins a run of misses, as when a pose confuses a detector
    lapse_frames: float = 4.0  # mean length of such a run
    false_boxes: float = 0.12  # mean number of boxes around nobody
    jitter: float = 0.03  # standard deviation of each edge, share of the box size
    min_height: float = 30.0  # pixels; smaller people are missed more often than not


@dataclass(frozen=True)
class Detections:
    """Boxes of one frame."""

    boxes_xyxy: NDArray[np.float32]  # (N, 4) pixels
    scores: NDArray[np.float32]  # (N,) in [0, 1]


class SimulatedDetector:
    """Misses, imagines and displaces boxes as real detectors do; runs of misses need memory."""

    def __init__(self, params: DetectorParams, rng: np.random.Generator) -> None:
        self._params = params
        self._rng = rng
        self._lapse_left: dict[int, int] = {}

    def miss_probability(self, visible: float, height: float) -> float:
        """
        Probability to overlook a person, runs of misses aside.

        :param visible: share of the person that can be seen, 0 to 1.
        :param height: of the box, pixels.
        """
        params = self._params
        hidden = 1 / (1 + np.exp((visible - params.half_seen) / 0.07))
        small = 1 / (1 + np.exp((height - params.min_height) / (0.15 * params.min_height)))
        seen = (1 - params.miss) * (1 - params.miss_occluded * hidden) * (1 - small)
        return float(1 - seen)

    def detect(
        self,
        ids: NDArray,
        boxes_xyxy: NDArray,
        visible: NDArray,
        size_hw: tuple[int, int],
    ) -> Detections:
        """
        Detect the people of one frame.

        :param ids: (P,) who they are; only a run of misses follows a person.
        :param boxes_xyxy: (P, 4) exact boxes within the image, pixels.
        :param visible: (P,) share of each person that can be seen.
        :param size_hw: of the image.
        """
        rng, params = self._rng, self._params
        boxes, scores = [], []
        for person, box, share in zip(ids, boxes_xyxy, visible, strict=True):
            size = box[2:] - box[:2]
            if self._is_in_lapse(int(person)) or rng.random() < self.miss_probability(
                float(share), float(size[1])
            ):
                continue
            # Hidden edges are guessed.
            spread = params.jitter * (1 + 1.5 * (1 - share))
            edges = box.reshape(2, 2) + rng.normal(0, spread, (2, 2)) * size
            boxes.append(edges.reshape(4))
            scores.append(0.5 + 0.48 * share + rng.normal(0, 0.06))
        for _ in range(rng.poisson(params.false_boxes)):
            boxes.append(self._false_box(size_hw))
            scores.append(rng.uniform(0.2, 0.65))
        if not boxes:
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        limits = np.array([*size_hw[::-1], *size_hw[::-1]], float)
        clipped = np.clip(np.stack(boxes), 0, limits)
        is_box = (clipped[:, 2:] - clipped[:, :2]).min(axis=1) > 2
        return Detections(
            clipped[is_box].astype(np.float32),
            np.clip(scores, 0.05, 0.999).astype(np.float32)[is_box],
        )

    def _is_in_lapse(self, person: int) -> bool:
        left = self._lapse_left.get(person, 0)
        if left == 0 and self._rng.random() < self._params.lapse:
            left = int(self._rng.geometric(1 / self._params.lapse_frames))
        self._lapse_left[person] = max(left - 1, 0)
        return left > 0

    def _false_box(self, size_hw: tuple[int, int]) -> NDArray[np.float64]:
        height = self._rng.uniform(0.1, 0.45) * size_hw[0]
        width = height * self._rng.uniform(0.3, 0.5)
        left = self._rng.uniform(0, size_hw[1] - width)
        top = self._rng.uniform(0.2 * size_hw[0], max(0.21 * size_hw[0], size_hw[0] - height))
        return np.array([left, top, left + width, top + height])
