"""
Motion of person boxes with a velocity that is forgotten, many tracks at once.

State (6,): centre x, centre y, width, height, velocity x, velocity y (px, px/s).
Both directions of the centre have the same noise, and so have width and height; nothing couples
them. Four numbers therefore hold the whole covariance of a track (px^2, px^2/s, px^2/s^2, px^2):
variance of the centre along any direction, its covariance with the velocity along that direction,
variance of that velocity, variance of width and of height. An update costs a few multiplications
instead of a matrix inverse, and a turn of the camera changes none of the four.
Shapes: N tracks, M measurements.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class KalmanFilter:
    """
    Kalman filter whose noise is in units of the height of the person.

    Height stands in for distance: a person twice as near moves, and is mislocated by the
    detector, twice as many pixels. The velocity is an Ornstein-Uhlenbeck process: people walk
    with ``speed_deviation`` in each direction and change their minds after ``velocity_memory``
    on average. Within that time it acts as constant velocity with white-noise acceleration;
    beyond, an unseen person is expected to have stopped or turned, and the prediction does not
    run out of the image as constant velocity does. Integrated exactly over the time step, so two
    half steps give one whole step. The size walks at random.
    """

    speed_deviation: float  # heights/s, one standard deviation along each axis
    velocity_memory: float  # s
    size_noise: float  # heights per sqrt(s)
    measurement_noise: float  # heights, one standard deviation of a detector's box

    def start(self, boxes_cxcywh: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        State of tracks that were seen once.

        :param boxes_cxcywh: (N, 4) centre and size, px.
        :returns: mean (N, 6) and covariance (N, 4).
        """
        mean = np.hstack([boxes_cxcywh, np.zeros((len(boxes_cxcywh), 2))])
        measured, speed = self.measurement_noise**2, self.speed_deviation**2
        return mean, squared_heights(mean)[:, None] * (measured, 0.0, speed, measured)

    def predict(
        self, mean: FloatArray, covariance: FloatArray, dt: float
    ) -> tuple[FloatArray, FloatArray]:
        """
        Move states ahead in time.

        :param mean: (N, 6).
        :param covariance: (N, 4).
        :param dt: seconds.
        :returns: predicted mean and covariance.
        """
        memory, power = self.velocity_memory, self.speed_deviation**2
        kept = math.exp(-dt / memory)
        reach = memory * (1 - kept)  # s, how far a velocity carries
        noise = np.array(
            [
                max(0.0, power * memory**2 * (2 * dt / memory - 3 + 4 * kept - kept**2)),
                power * memory * (1 - kept) ** 2,
                power * (1 - kept**2),
                self.size_noise**2 * dt,
            ]
        )
        mean = mean.copy()
        mean[:, :2] += reach * mean[:, 4:]
        mean[:, 4:] *= kept
        center, coupling, velocity, size = covariance.T
        moved = squared_heights(mean)[:, None] * noise
        moved[:, 0] += center + 2 * reach * coupling + reach**2 * velocity
        moved[:, 1] += kept * (coupling + reach * velocity)
        moved[:, 2] += kept**2 * velocity
        moved[:, 3] += size
        return mean, moved

    def move_camera(
        self, mean: FloatArray, covariance: FloatArray, affine: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """
        Carry states from the previous image into the present one.

        :param mean: (N, 6).
        :param covariance: (N, 4).
        :param affine: (2, 3) that maps a point of the previous image to the present one, px; of
            its shear only the change of area reaches sizes and covariances.
        :returns: moved mean and covariance.
        """
        linear = affine[:, :2]
        area = abs(np.linalg.det(linear))
        center = mean[:, :2] @ linear.T + affine[:, 2]
        size, velocity = np.sqrt(area) * mean[:, 2:4], mean[:, 4:] @ linear.T
        return np.hstack([center, size, velocity]), area * covariance

    def project(self, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Where a detection is expected.

        :param mean: (N, 6).
        :param covariance: (N, 4).
        :returns: expected cxcywh (N, 4) and, with the detector's noise, the variance of each
            coordinate of the centre and of each of the size (N, 2).
        """
        noise = self.measurement_noise**2 * squared_heights(mean)
        return mean[:, :4], covariance[:, [0, 3]] + noise[:, None]

    def update(
        self, mean: FloatArray, covariance: FloatArray, boxes_cxcywh: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """
        Correct states by the detections assigned to them, row by row.

        :param mean: (N, 6).
        :param covariance: (N, 4).
        :param boxes_cxcywh: (N, 4).
        :returns: corrected mean and covariance.
        """
        expected, variance = self.project(mean, covariance)
        coupling = covariance[:, 1]
        residual = boxes_cxcywh - expected
        gain = covariance[:, [0, 3]] / variance  # of the centre, of the size
        velocity_gain = coupling / variance[:, 0]
        mean, corrected = mean.copy(), covariance.copy()
        mean[:, :2] += gain[:, :1] * residual[:, :2]
        mean[:, 2:4] += gain[:, 1:] * residual[:, 2:]
        mean[:, 4:] += velocity_gain[:, None] * residual[:, :2]
        corrected[:, :2] *= 1 - gain[:, :1]
        corrected[:, 2] -= velocity_gain * coupling
        corrected[:, 3] *= 1 - gain[:, 1]
        return mean, corrected


def squared_heights(mean: FloatArray) -> FloatArray:
    """Return the unit of all variances (N,), px^2; prediction leaves it as it is."""
    return np.square(np.maximum(mean[:, 3], 1.0))


def cxcywh_from_xyxy(boxes_xyxy: NDArray[np.floating]) -> FloatArray:
    """Centre and size (N, 4) of corner boxes (N, 4)."""
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    low, high = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def xyxy_from_cxcywh(boxes_cxcywh: NDArray[np.floating]) -> FloatArray:
    """Corner boxes (N, 4) of centres and sizes (N, 4); a size is at least one pixel."""
    center, size = boxes_cxcywh[:, :2], np.maximum(boxes_cxcywh[:, 2:4], 1.0)
    return np.concatenate([center - size / 2, center + size / 2], axis=1)
