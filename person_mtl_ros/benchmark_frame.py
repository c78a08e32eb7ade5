"""
Time of a whole frame, from image and detections to tracks, against the number of people.

Method: an image of 1280 x 720 with people of the shipped clip in boxes of 60 to 400 pixels of
height, at random places; every frame moves them a little. Crops, network, decoding, camera
motion and tracker run in one process as ``person-mtl track`` runs them; messages are not part of
it. Sizes of crowds take turns frame by frame, so that whatever else the machine does hits all
alike; the first frames, in which a time budget is learnt, are not counted.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from tqdm import tqdm

from person_mtl_ros.backends.sample_crops import CLIP
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.perception import Perception
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.refresh import RefreshParams
from person_mtl_ros.structures import Detection, UInt8Array
from person_mtl_ros.tracking.reid_tracker import ReidTracker

IMAGE_SIZE = (1280, 720)  # width, height in pixels
HEIGHTS = (60, 400)  # pixels
RATE_HZ = 10.0
WARM_UP = 3  # frames
WARM_UP_BUDGET = 32  # frames, with a time budget


@dataclass(frozen=True)
class FrameCost:
    """One row of the table."""

    people: int
    evaluated_p50: float  # people the network looks at
    forward_ms_p50: float  # the network's run, decoding included; on a GPU cropping as well
    other_ms_p50: float  # all else: crops, results, what is left of camera motion, tracker
    total_ms_p50: float
    total_ms_p99: float


def measure_frames(
    predictor: Predictor,
    crowds: Sequence[int],
    frames: int,
    refresh: RefreshParams | None = None,
) -> list[FrameCost]:
    """
    Time frames with crowds of several sizes.

    :param predictor: with the network to use.
    :param crowds: numbers of people.
    :param frames: timed, for each crowd.
    :param refresh: how many people the network may look at.
    """
    refresh = refresh or RefreshParams()
    warm_up = WARM_UP_BUDGET if refresh.time_budget_ms else WARM_UP
    image_bgr = crowd_image()
    rng = np.random.default_rng(0)
    runs = [_Run(MovingCrowd(people, rng), Perception(predictor, refresh)) for people in crowds]
    for _ in tqdm(range(frames + warm_up), desc='frames', disable=None):
        for run in runs:
            run.step(image_bgr)
    return [run.cost(warm_up) for run in runs]


class MovingCrowd:
    """People at random places who move a little from image to image."""

    def __init__(self, people: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self.people = people
        height = rng.uniform(*HEIGHTS, people)
        self._size = np.stack((height * 0.4, height), axis=1)
        self._center = rng.uniform((0, 0), IMAGE_SIZE, (people, 2))

    def detections(self) -> list[Detection]:
        """Boxes of the next image."""
        self._center += self._rng.normal(0, 2, self._center.shape)
        boxes = np.hstack((self._center - self._size / 2, self._center + self._size / 2))
        return [Detection(box.astype(np.float32), index=i) for i, box in enumerate(boxes)]


def crowd_image() -> UInt8Array:
    """Image of ``IMAGE_SIZE`` for a :class:`MovingCrowd`, from the shipped clip."""
    frame = next(iter(load_sequence(CLIP)))
    assert frame.image_bgr is not None  # for the type: the clip has pictures
    image: UInt8Array = cv2.resize(frame.image_bgr, IMAGE_SIZE)  # type: ignore[assignment]
    return image


class _Run:
    def __init__(self, crowd: MovingCrowd, perception: Perception) -> None:
        self._crowd = crowd
        self._perception = perception
        threshold = perception.predictor.info.same_person_threshold
        self._tracker = ReidTracker(same_person_threshold=threshold)
        self._stamp_sec = 0.0
        self._steps: list[tuple[float, float, float]] = []  # people looked at, ms, ms

    def step(self, image_bgr: UInt8Array) -> None:
        self._stamp_sec += 1 / RATE_HZ
        detections = self._crowd.detections()
        begin = time.perf_counter()
        persons, motion, _ = self._perception.look(self._stamp_sec, image_bgr, detections)
        self._tracker.step(self._stamp_sec, persons, IMAGE_SIZE, motion)
        total = time.perf_counter() - begin
        self._perception.took(total)
        evaluated = sum(person.is_evaluated for person in persons)
        forward = self._perception.last_timings['forward']
        self._steps.append((evaluated, 1e3 * forward, 1e3 * total))

    def cost(self, warm_up: int) -> FrameCost:
        evaluated, forward, total = np.array(self._steps[warm_up:]).T
        return FrameCost(
            people=self._crowd.people,
            evaluated_p50=float(np.median(evaluated)),
            forward_ms_p50=float(np.median(forward)),
            other_ms_p50=float(np.median(total - forward)),
            total_ms_p50=float(np.median(total)),
            total_ms_p99=float(np.percentile(total, 99)),
        )
