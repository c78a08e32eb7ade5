"""Image + detections -> what is known of everybody in it, within the time there is."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from person_mtl_ros.camera_motion import CameraMotionParams
from person_mtl_ros.camera_motion_fusion import CameraMotion, CameraMotionFusion
from person_mtl_ros.odometry import CameraOdometry
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.refresh import RefreshParams, RefreshSchedule
from person_mtl_ros.structures import Detection, Float32Array, PersonEstimate, UInt8Array


class Look(NamedTuple):
    """What an image shows."""

    persons: list[PersonEstimate]  # one per detection, in the same order
    camera_motion: Float32Array | None  # (2, 3) since the image before, None if unknown
    odometry: str  # what became of it: used, or why not; empty where there is none


class Perception:
    """
    Chooses whom to look at, runs the network, and finds the camera's motion meanwhile.

    Nodes and offline commands use this one, so that both see the same people.

    :param predictor: the network.
    :param refresh: how many people it may look at.
    :param camera: whether the camera's motion is estimated, and how.
    :param odometry: helps with that, if there is some.
    """

    def __init__(
        self,
        predictor: Predictor,
        refresh: RefreshParams | None = None,
        camera: CameraMotionParams | None = None,
        odometry: CameraOdometry | None = None,
    ) -> None:
        self.predictor = predictor
        self.last_timings: dict[str, float] = {}  # seconds per stage of the latest look
        self._schedule = RefreshSchedule(refresh or RefreshParams())
        self._use_camera = camera or CameraMotionParams()
        self._camera = CameraMotionFusion(self._use_camera, odometry)
        self._beside = ThreadPoolExecutor(1, thread_name_prefix='camera_motion')
        self._evaluated = 0

    def use(self, refresh: RefreshParams, camera: CameraMotionParams) -> None:
        """Change parameters; what was learnt stays."""
        self._schedule.params = refresh
        self._use_camera = camera
        if not camera.camera_motion:  # the next image may be one of many that are not compared
            self._camera.reset()

    def look(
        self, stamp_sec: float, image_bgr: UInt8Array, detections: Sequence[Detection]
    ) -> Look:
        """
        Describe the people of an image.

        :param stamp_sec: when it was taken.
        :param image_bgr: (h, w, 3) uint8.
        :param detections: people with boxes of positive area that touch the image.
        :raises DeviceError: when the device fails.
        """
        moving: Future[Any] | None = None

        def watch_camera() -> None:
            nonlocal moving
            if self._use_camera.camera_motion:
                boxes = [d.box_xyxy for d in detections]
                moving = self._beside.submit(self._camera.estimate, stamp_sec, image_bgr, boxes)

        begin = time.perf_counter()
        is_chosen = self._schedule.choose(stamp_sec, detections).tolist()
        chosen = [d for d, yes in zip(detections, is_chosen, strict=True) if yes]
        scheduled = time.perf_counter()
        try:
            estimates = iter(self.predictor.predict(image_bgr, chosen, watch_camera))
            predicted = time.perf_counter()
            motion = CameraMotion(None, '') if moving is None else moving.result()
        except Exception:
            if moving is not None:  # nobody will hear of the motion up to this image
                wait([moving])
                self._camera.reset()
            raise
        self.last_timings = {
            'schedule': scheduled - begin,
            **self.predictor.last_timings,
            'camera motion': time.perf_counter() - predicted,  # what the network did not hide
        }
        self._evaluated = len(chosen)
        persons = [
            next(estimates) if yes else PersonEstimate(detection, is_evaluated=False)
            for detection, yes in zip(detections, is_chosen, strict=True)
        ]
        return Look(persons, motion.affine, motion.odometry)

    def took(self, seconds: float) -> None:
        """Say how long the work on the latest image took, for ``time_budget_ms``."""
        self._schedule.took(self._evaluated, seconds)
