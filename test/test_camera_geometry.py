from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from person_mtl_ros.camera_geometry import (
    PinholeCamera,
    affine_of_homography,
    pinhole_from_message,
    projected,
    turn_homography,
)

SIZE = (640, 480)
CAMERA = PinholeCamera((500.0, 510.0), (310.0, 250.0), SIZE)
MATRIX = CAMERA.matrix(SIZE)
SMALL_ANGLE = st.floats(-0.05, 0.05)


def _info(k=(500, 0, 309.5, 0, 510, 249.5, 0, 0, 1), size=SIZE, roi=(0, 0, 0, 0)):
    x, y, width, height = roi
    return SimpleNamespace(
        k=k,
        width=size[0],
        height=size[1],
        roi=SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height),
    )


def _seen(points, orientation=None):
    """Pixels of points (N, 3) of the scene for a camera with an orientation."""
    if orientation is not None:
        points = orientation.inv().apply(points)
    pixels = points @ MATRIX.T
    return pixels[:, :2] / pixels[:, 2:]


def _moved(points, affine):
    return points @ affine[:, :2].T + affine[:, 2]


def _points(seed=0, count=200):
    """Points all over the image, at distances from one to a hundred metres."""
    rng = np.random.default_rng(seed)
    pixels = np.column_stack([rng.uniform((0, 0), SIZE, (count, 2)), np.ones(count)])
    return pixels @ np.linalg.inv(MATRIX).T * 10 ** rng.uniform(0, 2, (count, 1))


@settings(deadline=None)
@given(*[SMALL_ANGLE] * 6)
def test_a_turn_moves_points_at_any_distance_as_its_homography_says(a, b, c, d, e, f):
    before, after = Rotation.from_rotvec([a, b, c]), Rotation.from_rotvec([d, e, f])
    points = before.apply(_points())
    turn = turn_homography(MATRIX, (after.inv() * before).as_matrix())
    moved = projected(turn, _seen(points, before))
    np.testing.assert_allclose(moved, _seen(points, after), atol=1e-6)


@settings(deadline=None)
@given(SMALL_ANGLE, SMALL_ANGLE, SMALL_ANGLE)
def test_the_affine_is_as_close_as_it_says(pan, tilt, roll):
    turn = turn_homography(MATRIX, Rotation.from_rotvec([tilt, pan, roll]).as_matrix())
    places = _seen(_points())
    exact = projected(turn, places)
    is_common = ((exact >= 0) & (exact <= SIZE)).all(axis=1)
    error = np.hypot(*(_moved(places, affine_of_homography(turn, SIZE)) - exact)[is_common].T)
    degrees = np.degrees(np.hypot(pan, tilt))
    assert np.sqrt((error**2).mean()) <= 0.003 * SIZE[0] * degrees + 1e-3  # sees 65 degrees
    assert error.max() <= 0.011 * SIZE[0] * degrees + 1e-3


def test_the_affine_is_closer_than_an_expansion_about_the_centre():
    turn = turn_homography(MATRIX, Rotation.from_euler('y', 20, degrees=True).as_matrix())
    places = _seen(_points())
    exact = projected(turn, places)
    is_common = ((exact >= 0) & (exact <= SIZE)).all(axis=1)
    step = 0.5 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]) + CAMERA.center_xy
    center, right, left, low, high = projected(turn, step)
    expanded = center + (places - CAMERA.center_xy) @ np.array([right - left, low - high])
    errors = [
        np.sqrt(((candidate - exact)[is_common] ** 2).sum(axis=1).mean())
        for candidate in (_moved(places, affine_of_homography(turn, SIZE)), expanded)
    ]
    assert errors[0] < 0.6 * errors[1]


def test_a_turn_about_the_optical_axis_is_exact():
    turn = turn_homography(MATRIX, Rotation.from_euler('z', 30, degrees=True).as_matrix())
    places = _seen(_points())
    affine = affine_of_homography(turn, SIZE)
    assert affine.dtype == np.float32 and affine.shape == (2, 3)
    np.testing.assert_allclose(_moved(places, affine), projected(turn, places), atol=1e-2)


@pytest.mark.parametrize('degrees', [60, 90, 180])
@pytest.mark.parametrize('axis', 'xy')
def test_images_with_little_in_common_have_no_affine(axis, degrees):
    turn = turn_homography(MATRIX, Rotation.from_euler(axis, degrees, degrees=True).as_matrix())
    assert affine_of_homography(turn, SIZE) is None


def test_what_ends_behind_the_camera_has_no_place():
    turn = turn_homography(MATRIX, Rotation.from_euler('y', 80, degrees=True).as_matrix())
    moved = projected(turn, np.array([[10.0, 240.0], [630.0, 240.0]]))
    assert np.isfinite(moved[0]).all() and np.isnan(moved[1]).all()


def test_pixels_are_counted_from_the_corner_of_the_image():
    camera, fault = pinhole_from_message(_info())
    assert camera == CAMERA and not fault


def test_a_resized_image_has_a_resized_camera():
    matrix = CAMERA.matrix((320, 240))
    np.testing.assert_allclose(matrix, [[250, 0, 155], [0, 255, 125], [0, 0, 1]])
    assert CAMERA.matrix((640, 360)) is None


def test_a_region_of_interest_moves_the_centre():
    camera, _ = pinhole_from_message(_info(roi=(100, 40, 400, 300)))
    assert camera == PinholeCamera((500.0, 510.0), (210.0, 210.0), (400.0, 300.0))


@pytest.mark.parametrize(
    ('info', 'reason'),
    [
        (_info(k=[0.0] * 9), 'camera not calibrated'),
        (_info(k=[float('nan')] * 9), 'camera not calibrated'),
        (_info(k=(-500, 0, 320, 0, 500, 240, 0, 0, 1)), 'camera not calibrated'),
        (_info(size=(0, 480)), 'camera info without size'),
    ],
    ids=['zero', 'nan', 'negative', 'no_width'],
)
def test_a_camera_that_is_not_calibrated_is_refused(info, reason):
    assert pinhole_from_message(info) == (None, reason)
