"""
Constant-velocity motion of person boxes, many tracks at once.

State (6,): centre x, centre y, width, height, velocity x, velocity y (px, px/s).
Shapes: N tracks, M measurements.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MEASURE = np.eye(4, 6)  # a detection shows centre and size, not velocity


@dataclass(frozen=True)
class KalmanFilter:
    """
    Linear Kalman filter with continuous-time noise that grows with the height of the person.

    Height stands in for distance: a person twice as near moves, and is mislocated by the
    detector, twice as many pixels. The process noise is that of white-noise acceleration for the
    centre and of a random walk for the size, integrated over the time step, so two half steps
    give exactly one whole step. Size has no velocity: while nobody measures it, an extrapolated
    size runs away sooner than it helps.
    """

    acceleration_noise: float  # heights/s^2 per sqrt(Hz)
    size_noise: float  # heights per sqrt(s)
    measurement_noise: float  # heights, one standard deviation of a detector's box
    initial_speed: float  # heights/s, one standard deviation before anything is known

    def start(self, boxes_cxcywh: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        State of tracks that were seen once.

        :param boxes_cxcywh: (N, 4) centre and size, px.
        :returns: mean (N, 6) and covariance (N, 6, 6).
        """
        mean = np.concatenate([boxes_cxcywh, np.zeros((len(boxes_cxcywh), 2))], axis=1)
        deviation = np.array([self.measurement_noise] * 4 + [self.initial_speed] * 2)
        covariance = _squared_heights(mean) * np.square(deviation) * np.eye(6)
        return mean, covariance

    def predict(
        self, mean: FloatArray, covariance: FloatArray, dt: float
    ) -> tuple[FloatArray, FloatArray]:
        """
        Move states ahead in time.

        :param mean: (N, 6).
        :param covariance: (N, 6, 6).
        :param dt: seconds.
        :returns: predicted mean and covariance.
        """
        transition = np.eye(6)
        transition[[0, 1], [4, 5]] = dt
        noise = np.zeros((6, 6))
        center, size, velocity = [0, 1], [2, 3], [4, 5]
        noise[center, center] = self.acceleration_noise**2 * dt**3 / 3
        noise[center, velocity] = self.acceleration_noise**2 * dt**2 / 2
        noise[velocity, center] = self.acceleration_noise**2 * dt**2 / 2
        noise[velocity, velocity] = self.acceleration_noise**2 * dt
        noise[size, size] = self.size_noise**2 * dt
        mean = mean @ transition.T
        covariance = transition @ covariance @ transition.T
        return mean, covariance + _squared_heights(mean) * noise

    def move_camera(
        self, mean: FloatArray, covariance: FloatArray, affine: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """
        Carry states from the previous image into the present one.

        :param mean: (N, 6).
        :param covariance: (N, 6, 6).
        :param affine: (2, 3) that maps a point of the previous image to the present one, px.
        :returns: moved mean and covariance.
        """
        linear = affine[:, :2]
        transform = np.zeros((6, 6))
        transform[:2, :2] = transform[4:, 4:] = linear
        transform[2:4, 2:4] = np.sqrt(abs(np.linalg.det(linear))) * np.eye(2)
        mean = mean @ transform.T
        mean[:, :2] += affine[:, 2]
        return mean, transform @ covariance @ transform.T

    def project(self, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Where a detection is expected.

        :param mean: (N, 6).
        :param covariance: (N, 6, 6).
        :returns: expected cxcywh (N, 4) and its covariance with the detector's noise (N, 4, 4).
        """
        noise = self.measurement_noise**2 * _squared_heights(mean) * np.eye(4)
        return mean[:, :4], covariance[:, :4, :4] + noise

    def update(
        self,
        mean: FloatArray,
        covariance: FloatArray,
        boxes_cxcywh: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """
        Correct states by the detections assigned to them, row by row.

        :param mean: (N, 6).
        :param covariance: (N, 6, 6).
        :param boxes_cxcywh: (N, 4).
        :returns: corrected mean and covariance.
        """
        expected, expected_covariance = self.project(mean, covariance)
        gain = np.linalg.solve(expected_covariance, MEASURE @ covariance).transpose(0, 2, 1)
        noise = self.measurement_noise**2 * _squared_heights(mean)
        mean = mean + np.einsum('nij,nj->ni', gain, boxes_cxcywh - expected)
        # Joseph form: stays symmetric and positive through rounding.
        keep = np.eye(6) - gain @ MEASURE
        kept = keep @ covariance @ keep.transpose(0, 2, 1)
        return mean, kept + noise * (gain @ gain.transpose(0, 2, 1))


def _squared_heights(mean: FloatArray) -> FloatArray:
    """Return the unit of all variances (N, 1, 1), px^2; prediction leaves it as it is."""
    return np.square(np.maximum(mean[:, 3], 1.0))[:, None, None]


def cxcywh_from_xyxy(boxes_xyxy: NDArray[np.floating]) -> FloatArray:
    """Centre and size (N, 4) of corner boxes (N, 4)."""
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    low, high = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def xyxy_from_cxcywh(boxes_cxcywh: NDArray[np.floating]) -> FloatArray:
    """Corner boxes (N, 4) of centres and sizes (N, 4); a size is at least one pixel."""
    center, size = boxes_cxcywh[:, :2], np.maximum(boxes_cxcywh[:, 2:4], 1.0)
    return np.concatenate([center - size / 2, center + size / 2], axis=1)
