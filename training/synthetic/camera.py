"""A pinhole camera in the world (x, y on the ground, z up; metres)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.rotation import cross, normalized, rotation_z

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Pose and intrinsics; image x to the right, y down, depth along the view axis."""

    position: FloatArray  # (3,) metres
    rotation: FloatArray  # (3, 3) rows are the image axes x, y and the view axis in the world
    focal_xy: tuple[float, float]  # pixels
    center_xy: tuple[float, float]  # principal point, pixels

    @staticmethod
    def looking_at(
        position: FloatArray,
        target: FloatArray,
        focal: float,
        center_xy: tuple[float, float],
        roll: float = 0.0,
    ) -> 'Camera':
        """
        Point a camera at a place.

        :param position: (3,) of the camera.
        :param target: (3,) seen at the principal point.
        :param focal: focal length in pixels.
        :param center_xy: principal point in pixels.
        :param roll: rotation of the image, radians.
        """
        forward = normalized(np.asarray(target, float) - position)
        right = normalized(cross(forward, np.array([0.0, 0.0, 1.0])))
        down = cross(forward, right)
        rotation = rotation_z(roll) @ np.stack([right, down, forward])
        return Camera(np.asarray(position, float), rotation, (focal, focal), center_xy)

    def project(self, points: NDArray) -> NDArray:
        """
        Project world points.

        :param points: (N, 3) metres.
        :returns: (N, 3) x, y in pixels and depth in metres.
        """
        local = (points - self.position) @ self.rotation.T
        depth = local[:, 2]
        safe_depth = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        x = local[:, 0] / safe_depth * self.focal_xy[0] + self.center_xy[0]
        y = local[:, 1] / safe_depth * self.focal_xy[1] + self.center_xy[1]
        return np.stack([x, y, depth], axis=1)

    def cropped(self, box_xyxy: NDArray, size_hw: tuple[int, int]) -> 'Camera':
        """
        Restrict the image to a box and resize that to ``size_hw``.

        :param box_xyxy: (4,) pixels of this camera.
        :param size_hw: of the new image.
        """
        x0, y0, x1, y1 = (float(value) for value in box_xyxy)
        scale_x, scale_y = size_hw[1] / (x1 - x0), size_hw[0] / (y1 - y0)
        return Camera(
            self.position,
            self.rotation,
            (self.focal_xy[0] * scale_x, self.focal_xy[1] * scale_y),
            ((self.center_xy[0] - x0) * scale_x, (self.center_xy[1] - y0) * scale_y),
        )
