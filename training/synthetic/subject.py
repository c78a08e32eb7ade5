"""A person placed in the world."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.camera import Camera
from training.synthetic.identity import Identity
from training.synthetic.mesh import Mesh
from training.synthetic.person import person_mesh
from training.synthetic.pose import Pose
from training.synthetic.rasterizer import rasterize
from training.synthetic.rotation import rotation_z
from training.synthetic.skeleton import Skeleton, posed_skeleton


@dataclass(frozen=True)
class Subject:
    """Mesh and joints of a person in the world."""

    skeleton: Skeleton  # before the person was turned and moved
    mesh: Mesh
    joints: NDArray[np.float64]  # (16, 3) metres, order of MPII_KEYPOINTS


def place_person(
    identity: Identity, pose: Pose, yaw: float, position_xy: tuple[float, float]
) -> Subject:
    """
    Put a person on the ground.

    :param identity: who.
    :param pose: doing what.
    :param yaw: direction faced, radians from x towards y.
    :param position_xy: of the pelvis, metres.
    """
    skeleton = posed_skeleton(identity.shape, pose)
    mesh = person_mesh(identity, skeleton).placed(yaw, position_xy)
    joints = skeleton.mpii_joints() @ rotation_z(yaw).T
    joints[:, :2] += position_xy
    return Subject(skeleton, mesh, joints)


def silhouette_area(mesh: Mesh, camera: Camera, size_hw: tuple[int, int]) -> int:
    """Count the pixels of a person that nothing hides."""
    depth = np.full(size_hw, np.inf, np.float32)
    face_index = np.full(size_hw, -1, np.int32)
    weights = np.zeros((*size_hw, 2), np.float32)
    rasterize(camera.project(mesh.vertices), mesh.faces, 0, depth, face_index, weights)
    return int((face_index >= 0).sum())
