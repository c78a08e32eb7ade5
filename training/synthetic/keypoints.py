"""Joints of a rendered person in the picture and whether they can be seen."""

import numpy as np
from numpy.typing import NDArray

from training.labels import MPII_KEYPOINTS
from training.synthetic.camera import Camera
from training.synthetic.renderer import Rendering

# How deep under the skin and clothes each MPII joint lies at most, metres.
_DEPTH_OF_JOINT = np.array(
    [
        0.10,
        0.12,
        0.19,
        0.19,
        0.12,
        0.10,
        0.22,
        0.17,
        0.15,
        0.17,
        0.09,
        0.10,
        0.14,
        0.14,
        0.10,
        0.09,
    ]
)

_NECK, _CROWN = MPII_KEYPOINTS.index('upper_neck'), MPII_KEYPOINTS.index('head_top')


def head_size(joints: NDArray, camera: Camera) -> float:
    """
    Length of the head in pixels as if it were upright before the camera, the unit of PCKh.

    :param joints: (16, 3) in the world, order of ``MPII_KEYPOINTS``.
    :param camera: of the picture.
    """
    length = float(np.linalg.norm(joints[_CROWN] - joints[_NECK]))
    return float(length * camera.focal_xy[1] / camera.project(joints[[_CROWN]])[0, 2])


def keypoints_in_view(
    joints: NDArray, camera: Camera, view: Rendering, person: int
) -> NDArray[np.float32]:
    """
    Project joints and test them against what is seen there.

    :param joints: (16, 3) in the world, order of ``MPII_KEYPOINTS``.
    :param camera: of the rendering.
    :param view: the rendering.
    :param person: index of the person among those rendered.
    :returns: (16, 3) x, y in pixels and 1 visible, 0 hidden by something, -1 outside the picture.
    """
    points = camera.project(joints)
    height, width = view.depth.shape
    x, y = np.floor(points[:, 0]).astype(int), np.floor(points[:, 1]).astype(int)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (points[:, 2] > 0.05)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    is_own = view.person[y, x] == person
    is_near_surface = view.depth[y, x] > points[:, 2] - _DEPTH_OF_JOINT
    state = np.where(inside, (is_own & is_near_surface).astype(float), -1.0)
    return np.column_stack([points[:, :2], state]).astype(np.float32)
