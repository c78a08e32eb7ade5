"""The whole chain in one process, without ROS: frames in, tracked people out."""

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.perception import Perception
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.iou_tracker import IouTracker
from person_mtl_ros.tracking.reid_tracker import ReidTracker

# What gives people their ids.
Tracker: TypeAlias = ReidTracker | IouTracker


class TrackedFrame(NamedTuple):
    """A frame and who is in it."""

    frame: Frame
    tracks: list[TrackedPerson]


def reported(tracks: Iterable[TrackedPerson]) -> list[TrackedPerson]:
    """People that count as output in evaluation: confirmed and seen in this very frame."""
    return [t for t in tracks if t.is_matched and t.state == TrackState.CONFIRMED]


def track_frames(
    frames: Iterable[Frame],
    perception: Perception | None,
    tracker: Tracker,
    image_size: tuple[int, int] | None,
    latency: Latency,
) -> Iterator[TrackedFrame]:
    """
    Estimate and track every frame, in order, none left out.

    :param frames: with images, or without: then people are tracked by motion alone.
    :param perception: a fresh one; None tracks by motion alone.
    :param tracker: a fresh one.
    :param image_size: width and height in pixels, None if unknown.
    :param latency: gets the time of every stage.
    """
    if perception is not None and perception.predictor.prefetches:
        frames = _prefetched(frames, perception.predictor)
    for frame in frames:
        if frame.image_bgr is None or perception is None:
            persons = [PersonEstimate(d, is_evaluated=False) for d in frame.detections]
            motion = None
        else:
            begin = time.perf_counter()
            look = perception.look(frame.stamp_sec, frame.image_bgr, frame.detections)
            persons, motion = look.persons, look.camera_motion
            perception.took(time.perf_counter() - begin)
            for stage, seconds in perception.last_timings.items():
                latency.add(stage, seconds)
        with latency.stage('track'):
            tracks = tracker.step(frame.stamp_sec, persons, image_size, motion)
        yield TrackedFrame(frame, tracks)


def _prefetched(frames: Iterable[Frame], predictor: Predictor) -> Iterator[Frame]:
    """Read one frame ahead, so that its image comes to the GPU while that works on another."""
    previous = None
    for frame in frames:
        if frame.image_bgr is not None:
            predictor.prefetch(frame.image_bgr)
        if previous is not None:
            yield previous
        previous = frame
    if previous is not None:
        yield previous
