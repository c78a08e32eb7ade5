"""
Time of the camera-motion estimate per image.

    python benchmarks/camera_motion.py

A textured image that shakes, with ten boxes of people left out, on one core; wall-clock time of
each call after ten to warm up.
"""

import argparse
import time

import cv2
import numpy as np

from person_mtl_ros.camera_motion import CameraMotionEstimator

WARM_UP = 10


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Time the camera-motion estimate.')
    parser.add_argument('--size', default='1280x720', help='width x height in pixels')
    parser.add_argument('--people', type=int, default=10)
    parser.add_argument('--images', type=int, default=300)
    args = parser.parse_args()
    width, height = (int(value) for value in args.size.split('x'))
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    place = rng.integers(0, 256, (height + 64, width + 64, 3), dtype=np.uint8)
    place = cv2.normalize(cv2.GaussianBlur(place, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)
    corners = rng.uniform((0, 0), (0.9 * width, 0.6 * height), (args.people, 2))
    far_corners = corners + np.array([0.1 * width, 0.4 * height])
    boxes = list(np.hstack([corners, far_corners]).astype(np.float32))
    estimator = CameraMotionEstimator()
    times, known = [], 0
    for _ in range(WARM_UP + args.images):
        x, y = rng.integers(24, 40, 2)
        image = np.ascontiguousarray(place[y : y + height, x : x + width])
        begin = time.perf_counter()
        known += estimator.estimate(image, boxes) is not None
        times.append(time.perf_counter() - begin)
    p50, p99 = 1e3 * np.percentile(times[WARM_UP:], [50, 99])
    print(f'{args.size}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, known in {known} of {len(times) - 1}')


if __name__ == '__main__':
    main()
