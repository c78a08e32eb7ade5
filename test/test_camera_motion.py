import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from person_mtl_ros.camera_geometry import affine_of_homography, turn_homography
from person_mtl_ros.camera_motion import CameraMotionEstimator, CameraMotionParams

HEIGHT, WIDTH = 360, 640
NOBODY: list[np.ndarray] = []


def _texture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)


def _affine(shift_xy=(0.0, 0.0), turn=0.0, zoom=1.0) -> np.ndarray:
    """Turn and zoom about the middle of the image, then shift; continuous pixels."""
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([WIDTH / 2, HEIGHT / 2])
    return np.column_stack([linear, middle - linear @ middle + shift_xy])


def _moved(image: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The image as the moved camera sees it; OpenCV counts from the centre of the first pixel."""
    discrete = affine.copy()
    discrete[:, 2] += affine[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(
        image, discrete, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REFLECT
    )


def _error(estimated: np.ndarray, true: np.ndarray) -> float:
    """Largest distance in pixels between where the two put the corners of the image."""
    corners = np.array([[0, 0, 1], [WIDTH, 0, 1], [0, HEIGHT, 1], [WIDTH, HEIGHT, 1]], float)
    return float(np.hypot(*(corners @ (estimated - true).T).T).max())


def _estimate(before, after, boxes_before=NOBODY, boxes_after=NOBODY, turn=None):
    estimator = CameraMotionEstimator()
    assert estimator.estimate(before, boxes_before) is None
    return estimator.estimate(after, boxes_after, turn)


@pytest.mark.parametrize(
    'true',
    [
        _affine(),
        _affine((7.5, -3.25)),
        _affine((-40, 12)),
        _affine(turn=0.05),
        _affine((4, 2), zoom=1.04),
        _affine((-9, 5), turn=-0.03, zoom=0.97),
    ],
    ids=['still', 'subpixel', 'pan', 'roll', 'forward', 'shake'],
)
def test_known_motion_is_found_to_a_pixel(true) -> None:
    image = _texture()
    assert _error(_estimate(image, _moved(image, true)), true) < 1.0


def test_motion_leads_from_the_last_image_to_this_one() -> None:
    image, true = _texture(), _affine((12, 0))
    found = _estimate(image, _moved(image, true))
    assert found[0, 2] == pytest.approx(12, abs=0.5)
    assert found.dtype == np.float32 and found.shape == (2, 3)


def test_each_image_is_compared_with_the_one_before() -> None:
    image = _texture()
    estimator = CameraMotionEstimator()
    estimator.estimate(image, NOBODY)
    estimator.estimate(_moved(image, _affine((10, 0))), NOBODY)
    found = estimator.estimate(_moved(image, _affine((13, 0))), NOBODY)
    assert found[0, 2] == pytest.approx(3, abs=0.5)


def _with_crowd(image: np.ndarray, boxes: list[np.ndarray]) -> np.ndarray:
    """People all over most of the image, who all walk the same way."""
    crowded = image.copy()
    for number, box in enumerate(boxes):
        x0, y0, x1, y1 = box.astype(int)
        crowded[y0:y1, x0:x1] = _texture(100 + number, y1 - y0, x1 - x0)
    return crowded


def test_people_who_walk_otherwise_do_not_pull_the_camera_along() -> None:
    image, true = _texture(), _affine((6, 2))
    boxes = [np.array([30 + 90 * k, 20, 90 + 90 * k, 350], np.float32) for k in range(6)]
    walked = [box + np.array([-8, 0, -8, 0], np.float32) for box in boxes]
    before, after = _with_crowd(image, boxes), _with_crowd(_moved(image, true), walked)
    assert _error(_estimate(before, after, boxes, walked), true) < 1.0
    blind = _estimate(before, after)
    assert blind is None or _error(blind, true) > 5.0  # it is the boxes that make the difference


def test_a_few_people_nobody_detected_do_not_either() -> None:
    image, true = _texture(), _affine((6, 2))
    boxes = [np.array([60 + 300 * k, 40, 160 + 300 * k, 340], np.float32) for k in range(2)]
    walked = [box + np.array([-8, 0, -8, 0], np.float32) for box in boxes]
    before, after = _with_crowd(image, boxes), _with_crowd(_moved(image, true), walked)
    assert _error(_estimate(before, after), true) < 1.0


CAMERA_MATRIX = np.array([[450.0, 0.0, WIDTH / 2], [0.0, 450.0, HEIGHT / 2], [0.0, 0.0, 1.0]])


def _turn(pan: float, tilt: float = 0.0) -> np.ndarray:
    """Homography of a turn in radians to the left and downwards; continuous pixels."""
    rotation = Rotation.from_euler('yx', [pan, tilt]).as_matrix()
    return turn_homography(CAMERA_MATRIX, rotation)


def _turned(image: np.ndarray, turn: np.ndarray) -> np.ndarray:
    corner = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    discrete = corner @ turn @ np.linalg.inv(corner)
    size = (image.shape[1], image.shape[0])
    return cv2.warpPerspective(image, discrete, size, borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize('pan', [-0.3, -0.1, 0.1, 0.3])
def test_a_fast_turn_is_seen_where_odometry_tells_of_it(pan) -> None:
    image, true = _texture(), _turn(pan, 0.02)
    after = _turned(image, true)
    assert _estimate(image, after) is None
    told = _turn(1.03 * pan, 0.0)  # as odometry does: nearly
    found = _estimate(image, after, turn=told)
    exact = affine_of_homography(true, (WIDTH, HEIGHT))
    assert _error(found, exact) < 2.0
    assert _error(affine_of_homography(told, (WIDTH, HEIGHT)), exact) > 5.0


def test_what_the_turn_leaves_is_seen_too() -> None:
    image, pan, forward = _texture(), _turn(0.2), _affine((6, 4), zoom=1.03)
    both = np.vstack([forward, (0, 0, 1)]) @ pan
    found = _estimate(image, _moved(_turned(image, pan), forward), turn=pan)
    assert _error(found, affine_of_homography(both, (WIDTH, HEIGHT))) < 2.0


def test_a_turn_that_the_image_contradicts_is_left_out() -> None:
    image, true = _texture(), _affine((7, -3))
    after = _moved(image, true)
    for wrong in (_turn(0.3), _turn(-1.5), _turn(3.0)):
        assert _error(_estimate(image, after, turn=wrong), true) < 1.0


@pytest.mark.parametrize('noise', [0, 3])
def test_a_plain_wall_tells_nothing(noise) -> None:
    rng = np.random.default_rng(0)
    walls = [
        np.clip(128 + noise * rng.standard_normal((HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
        for _ in range(2)
    ]
    assert _estimate(*walls) is None
    assert _estimate(*walls, turn=_turn(0.01)) is None


def test_another_place_tells_nothing() -> None:
    assert _estimate(_texture(1), _texture(2)) is None


def test_texture_in_one_corner_is_not_trusted() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    image[20:60, 20:60] = _texture(1, 40, 40)
    assert _estimate(image, _moved(image, _affine((3, 0)))) is None


def test_an_image_full_of_people_tells_nothing() -> None:
    image = _texture()
    everywhere = [np.array([-5, -5, WIDTH + 5, HEIGHT + 5], np.float32)]
    assert _estimate(image, _moved(image, _affine((6, 0))), everywhere, everywhere) is None


def test_after_a_change_of_resolution_it_starts_again() -> None:
    image = _texture()
    small = cv2.resize(image, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    estimator = CameraMotionEstimator()
    estimator.estimate(image, NOBODY)
    assert estimator.estimate(small, NOBODY) is None
    assert estimator.estimate(small, NOBODY) == pytest.approx(np.eye(2, 3), abs=0.05)


def test_after_a_reset_it_starts_again() -> None:
    estimator = CameraMotionEstimator()
    estimator.estimate(_texture(), NOBODY)
    estimator.reset()
    assert estimator.estimate(_texture(), NOBODY) is None


@pytest.mark.parametrize('shape', [(1, 1), (3, 2000), (48, 64)])
def test_any_size_of_image_is_taken(shape) -> None:
    image = _texture(0, *shape)
    estimator = CameraMotionEstimator()
    estimator.estimate(image, NOBODY)
    estimator.estimate(image, [np.array([-10, -10, 5000, 5000], np.float32)])


def test_the_same_images_give_the_same_numbers() -> None:
    image, moved = _texture(), _moved(_texture(), _affine((5, 1), turn=0.02))
    np.testing.assert_array_equal(_estimate(image, moved), _estimate(image, moved))


def test_a_width_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match='camera_motion_width is 8'):
        CameraMotionParams(camera_motion_width=8)
