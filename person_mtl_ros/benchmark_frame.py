"""
Time of a whole frame, from image and detections to tracks, against the number of people.

Method: an image of 1280 x 720 with people of the shipped clip in boxes of 60 to 400 pixels of
height, at random places; every frame moves them a little. Crops, network, decoding and tracker
run in one process as ``person-mtl track`` runs them; messages are not part of it. Sizes of crowds
take turns frame by frame, so that whatever else the machine does hits all alike; the first frames
are not counted.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

import person_mtl_ros
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import Detection, UInt8Array
from person_mtl_ros.tracking.reid_tracker import ReidTracker

CLIP = Path(person_mtl_ros.__file__).parent / 'demo_clip'
IMAGE_SIZE = (1280, 720)  # width, height in pixels
HEIGHTS = (60, 400)  # pixels
RATE_HZ = 10.0
WARM_UP = 3  # frames


@dataclass(frozen=True)
class FrameCost:
    """One row of the table."""

    people: int
    forward_ms_p50: float  # the network's run, decoding included; on a GPU cropping as well
    other_ms_p50: float  # all else: crops, results, tracker
    total_ms_p50: float
    total_ms_p99: float


def measure_frames(predictor: Predictor, crowds: Sequence[int], frames: int) -> list[FrameCost]:
    """
    Time frames with crowds of several sizes.

    :param predictor: with the network to use.
    :param crowds: numbers of people.
    :param frames: timed, for each crowd.
    """
    image_bgr = _image()
    rng = np.random.default_rng(0)
    runs = [_Crowd(people, predictor, rng) for people in crowds]
    for _ in tqdm(range(frames + WARM_UP), desc='frames', disable=None):
        for run in runs:
            run.step(image_bgr)
    return [run.cost() for run in runs]


class _Crowd:
    def __init__(self, people: int, predictor: Predictor, rng: np.random.Generator) -> None:
        self._predictor = predictor
        self._tracker = ReidTracker(same_person_threshold=predictor.info.same_person_threshold)
        self._rng = rng
        height = rng.uniform(*HEIGHTS, people)
        self._size = np.stack((height * 0.4, height), axis=1)
        self._center = rng.uniform((0, 0), IMAGE_SIZE, (people, 2))
        self._stamp_sec = 0.0
        self._times_ms: list[tuple[float, float]] = []

    def step(self, image_bgr: UInt8Array) -> None:
        self._center += self._rng.normal(0, 2, self._center.shape)
        self._stamp_sec += 1 / RATE_HZ
        boxes = np.hstack((self._center - self._size / 2, self._center + self._size / 2))
        detections = [Detection(box.astype(np.float32), index=i) for i, box in enumerate(boxes)]
        begin = time.perf_counter()
        persons = self._predictor.predict(image_bgr, detections)
        self._tracker.step(self._stamp_sec, persons, image_size=IMAGE_SIZE)
        total = time.perf_counter() - begin
        self._times_ms.append((1e3 * self._predictor.last_timings['forward'], 1e3 * total))

    def cost(self) -> FrameCost:
        forward, total = np.array(self._times_ms[WARM_UP:]).T
        return FrameCost(
            people=len(self._center),
            forward_ms_p50=float(np.median(forward)),
            other_ms_p50=float(np.median(total - forward)),
            total_ms_p50=float(np.median(total)),
            total_ms_p99=float(np.percentile(total, 99)),
        )


def _image() -> UInt8Array:
    frame = next(iter(load_sequence(CLIP)))
    assert frame.image_bgr is not None  # for the type: the clip has pictures
    image: UInt8Array = cv2.resize(frame.image_bgr, IMAGE_SIZE)  # type: ignore[assignment]
    return image
