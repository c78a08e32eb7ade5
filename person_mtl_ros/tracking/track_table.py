"""Everybody who is followed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import TrackedPerson
from person_mtl_ros.tracking.kalman_filter import KalmanFilter, xyxy_from_cxcywh
from person_mtl_ros.tracking.track import Track

FloatArray = NDArray[np.float64]


class TrackTable:
    """N tracks and, row by row, the state of their motion (see ``kalman_filter``)."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.mean: FloatArray = np.zeros((0, 6))
        self.covariance: FloatArray = np.zeros((0, 4))

    def predict(
        self,
        motion_filter: KalmanFilter,
        dt: float,
        camera_motion: NDArray[np.floating] | None,
    ) -> None:
        """
        Move everybody ahead in time; nobody is matched yet.

        :param dt: seconds.
        :param camera_motion: (2, 3) affine from the previous image to this one, px.
        """
        mean, covariance = motion_filter.predict(self.mean, self.covariance, dt)
        if camera_motion is not None:
            affine = np.asarray(camera_motion, np.float64).reshape(2, 3)
            mean, covariance = motion_filter.move_camera(mean, covariance, affine)
        self.mean, self.covariance = mean, covariance
        for track in self.tracks:
            track.is_matched = False

    def append(self, tracks: Sequence[Track], mean: FloatArray, covariance: FloatArray) -> None:
        """Add rows (M,), (M, 6), (M, 4)."""
        self.tracks.extend(tracks)
        self.mean = np.concatenate([self.mean, mean])
        self.covariance = np.concatenate([self.covariance, covariance])

    def select(self, tracks: Sequence[Track]) -> None:
        """Keep these tracks of the table, in this order."""
        row_of = {track: row for row, track in enumerate(self.tracks)}
        rows = [row_of[track] for track in tracks]
        self.tracks = list(tracks)
        self.mean, self.covariance = self.mean[rows], self.covariance[rows]

    def published(self, stamp_sec: float) -> list[TrackedPerson]:
        """Snapshot that later steps do not change."""
        boxes = xyxy_from_cxcywh(self.mean).astype(np.float32)
        velocities = self.mean[:, 4:].astype(np.float32)
        return [
            track.published(stamp_sec, box, velocity)
            for track, box, velocity in zip(self.tracks, boxes, velocities, strict=True)
        ]
