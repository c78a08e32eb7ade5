"""
Camera motion under fast turns: from the images alone, and with odometry.

    python benchmarks/camera_turn.py

A camera pans in a textured hall far away and sees each picture through a pinhole, blurred as by an
exposure of a third of the time between two images. Odometry is wrong by 3 % of the turn and by
0.003 rad about each axis. The error is the root mean square, over what both images show, between
where an estimate puts the pixels and where they are; no affine does better than the last column.
"""

import argparse

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tabulate import tabulate

from person_mtl_ros.camera_geometry import (
    GRID,
    FloatArray,
    affine_of_homography,
    projected,
    turn_homography,
)
from person_mtl_ros.camera_motion import CameraMotionEstimator
from person_mtl_ros.structures import Float32Array, UInt8Array

SIZE = (640, 480)
FIELD_OF_VIEW = 70  # degrees, across
TURNS = (1, 2, 4, 6, 12, 20)  # degrees from image to image
EXPOSURE = 1 / 3  # of the time between two images
SHARPNESS = 9  # pictures that a blurred one is the mean of
HALL_SIZE, HALL_VIEW = (4000, 1500), 154  # pixels, degrees across
ODOMETRY_SCALE, ODOMETRY_NOISE = 0.03, 0.003  # share of the turn, rad
# Between continuous coordinates and those of OpenCV, which count from the first pixel's centre.
CENTER = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])


def pinhole(size: tuple[int, int], degrees: float) -> FloatArray:
    """Camera matrix (3, 3) of a field of view across the image."""
    focal = size[0] / 2 / np.tan(np.radians(degrees / 2))
    return np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])


CAMERA, HALL = pinhole(SIZE, FIELD_OF_VIEW), pinhole(HALL_SIZE, HALL_VIEW)


def hall(rng: np.random.Generator) -> UInt8Array:
    """Picture of everything around, detail of all sizes."""
    noise = rng.integers(0, 256, (HALL_SIZE[1], HALL_SIZE[0], 3), dtype=np.uint8)
    layers = [
        cv2.normalize(cv2.GaussianBlur(noise, (0, 0), sigma), np.empty(0), 0, 255, cv2.NORM_MINMAX)
        for sigma in (2, 5, 12)
    ]
    return np.mean(layers, axis=0).astype(np.uint8)


def view(place: UInt8Array, yaw: float, blur: float) -> UInt8Array:
    """Image of the camera that looks to ``yaw`` and turns by ``blur`` meanwhile, radians."""
    pictures = []
    for angle in yaw + blur * np.linspace(-0.5, 0.5, SHARPNESS):
        to_hall = HALL @ Rotation.from_euler('y', angle).as_matrix() @ np.linalg.inv(CAMERA)
        to_hall = CENTER @ to_hall @ np.linalg.inv(CENTER)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        pictures.append(cv2.warpPerspective(place, to_hall, SIZE, flags=flags))
    return np.mean(pictures, axis=0).astype(np.uint8)


def error(affine: Float32Array | None, true: FloatArray) -> float:
    """Root mean square in pixels; NaN for nothing."""
    if affine is None:
        return np.nan
    before = GRID * SIZE
    after = projected(true, before)
    is_common = ((after >= 0) & (after <= SIZE)).all(axis=1)
    missed = before @ affine[:, :2].T + affine[:, 2] - after
    return float(np.sqrt((missed[is_common] ** 2).sum(axis=1).mean()))


def errors(place: UInt8Array, degrees: float, rng: np.random.Generator) -> list[float]:
    """Of one pair of images: images alone, odometry alone, both, the closest affine."""
    turn = np.radians(degrees)
    yaw = rng.uniform(-0.4, 0.4 - turn)
    before, after = (view(place, yaw + step, EXPOSURE * turn) for step in (0.0, turn))
    rotation = Rotation.from_euler('y', -turn)
    wrong = rng.normal(0, ODOMETRY_NOISE, 3)
    wrong[1] += ODOMETRY_SCALE * turn * rng.choice([-1, 1])
    true = turn_homography(CAMERA, rotation.as_matrix())
    told = turn_homography(CAMERA, (Rotation.from_rotvec(wrong) * rotation).as_matrix())
    nobody: NDArray[np.float32] = np.zeros((0, 4), np.float32)
    found = []
    for guide in (None, told):
        estimator = CameraMotionEstimator()
        estimator.estimate(before, nobody)
        found.append(estimator.estimate(after, nobody, guide))
    candidates = (found[0], affine_of_homography(told, SIZE), found[1])
    return [error(affine, true) for affine in (*candidates, affine_of_homography(true, SIZE))]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Camera motion under fast turns.')
    parser.add_argument('--pairs', type=int, default=20, help='pairs of images per turn')
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    place = hall(rng)
    rows = []
    for degrees in TURNS:
        measured = np.array([errors(place, degrees, rng) for _ in range(args.pairs)])
        cells = [
            f'{np.nanmedian(column):.1f} px in {np.isfinite(column).sum()} of {len(column)}'
            if np.isfinite(column).any()
            else 'unknown'
            for column in measured.T
        ]
        rows.append((degrees, *cells[:3], f'{np.median(measured[:, 3]):.1f} px'))
    headers = ('degrees from image to image', 'images', 'odometry', 'both', 'closest affine')
    print(tabulate(rows, headers, tablefmt='github'))


if __name__ == '__main__':
    main()
