import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.crops import (
    FILL_BGR,
    CropParams,
    crop_boxes,
    crop_sharpness,
    cut_crops,
    points_to_crop,
    points_to_image,
)

PARAMS = CropParams(height=64, width=32, context=1.0)

coordinates = st.floats(-2000, 4000, width=32)
sides = st.floats(1, 3000, width=32)


def _image(height: int, width: int) -> np.ndarray:
    """Return a smooth image whose colour tells the position."""
    y, x = np.mgrid[:height, :width]
    return np.stack((x * 255 / width, y * 255 / height, (x + y) % 2), axis=2).astype(np.uint8)


@given(coordinates, coordinates, sides, sides)
def test_crop_box_covers_the_box_at_the_aspect_ratio_of_the_crop(
    x: float, y: float, width: float, height: float
) -> None:
    box = np.array([x, y, x + width, y + height], np.float32)
    area = crop_boxes(box, PARAMS)[0]
    assert (area[:2] <= box[:2] + 1e-2).all()
    assert (area[2:] >= box[2:] - 1e-2).all()
    assert (area[:2] + area[2:]) / 2 == pytest.approx((box[:2] + box[2:]) / 2, abs=1e-2)
    assert 2 * (area[2] - area[0]) == pytest.approx(area[3] - area[1], rel=1e-3, abs=1e-2)


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        pytest.param([0, 0, 20, 100], [-15, 0, 35, 100], id='a tall box grows in width'),
        pytest.param([0, 0, 100, 20], [0, -90, 100, 110], id='a wide box grows in height'),
    ],
)
def test_only_the_shorter_side_grows(box: list[float], expected: list[float]) -> None:
    assert crop_boxes(box, PARAMS)[0] == pytest.approx(expected)


def test_context_enlarges_both_sides() -> None:
    area = crop_boxes([100, 100, 150, 200], CropParams(64, 32, context=1.2))[0]
    assert area == pytest.approx([95, 90, 155, 210])


@given(coordinates, coordinates, sides, st.floats(0, 32), st.floats(0, 64))
def test_points_survive_the_way_to_the_image_and_back(
    x: float, y: float, side: float, point_x: float, point_y: float
) -> None:
    areas = crop_boxes([x, y, x + side, y + side], PARAMS)
    points = np.array([[[point_x, point_y]]])
    back = points_to_crop(points_to_image(points, areas, PARAMS).astype(float), areas, PARAMS)
    # float32 holds 4000 px to 2.4e-4 px, magnified by the scale of the crop.
    assert back == pytest.approx(points, abs=1e-3 * max(1, 64 / side))


def test_corners_of_the_crop_are_corners_of_its_area() -> None:
    areas = crop_boxes([[10, 20, 40, 90]], PARAMS)
    corners = points_to_image(np.array([[[0, 0], [32, 64]]]), areas, PARAMS)
    assert corners.reshape(1, 4) == pytest.approx(areas)


def test_an_area_of_the_size_of_the_crop_is_copied_as_rgb() -> None:
    image = _image(200, 100)
    crop = cut_crops(image, np.array([[30, 50, 62, 114]], np.float32), PARAMS)[0]
    assert (crop == image[50:114, 30:62, ::-1].transpose(2, 0, 1)).all()


@pytest.mark.parametrize('scale', [0.5, 1.3, 2, 3.7, 6])
def test_a_spot_lands_where_the_points_say(scale: float) -> None:
    area = np.array([[7.3, 11.8, 7.3 + 32 * scale, 11.8 + 64 * scale]], np.float32)
    spot = points_to_image(np.array([[[20.5, 30.5]]]), area, PARAMS)[0, 0]
    y, x = np.mgrid[:500, :300] + 0.5
    distance2 = (x - spot[0]) ** 2 + (y - spot[1]) ** 2
    image = np.repeat((255 * np.exp(-distance2 / (2 * (2 * scale) ** 2)))[..., None], 3, axis=2)
    crop = cut_crops(image.astype(np.uint8), area, PARAMS)[0, 0].astype(float)
    rows, columns = np.mgrid[:64, :32] + 0.5
    assert (crop * columns).sum() / crop.sum() == pytest.approx(20.5, abs=0.1)
    assert (crop * rows).sum() / crop.sum() == pytest.approx(30.5, abs=0.1)


@pytest.mark.parametrize('shrink', [2, 4, 5])
def test_shrinking_averages_instead_of_skipping(shrink: int) -> None:
    image = np.zeros((64 * shrink, 32 * shrink, 3), np.uint8)
    image[:, ::2] = 200  # stripes of one pixel, grey at a distance
    area = np.array([[0, 0, 32 * shrink, 64 * shrink]], np.float32)
    crop = cut_crops(image, area, PARAMS)[0].astype(float)
    assert abs(crop[:, 1:-1, 1:-1] - 100).max() <= 200 / shrink / 2 + 1


def test_outside_the_image_is_the_mean_colour() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    area = np.array([[-16, 0, 16, 64]], np.float32)
    crop = cut_crops(image, area, PARAMS)[0]
    assert (crop[:, :, :15] == np.array(FILL_BGR[::-1])[:, None, None]).all()
    assert (crop[:, :, 17:] == 255).all()


@pytest.mark.parametrize(
    'area',
    [
        pytest.param([-500, -500, -468, -436], id='beside the image'),
        pytest.param([-1e6, -2e6, 1e6, 2e6], id='far larger than the image'),
        pytest.param([50, 50, 50.01, 50.02], id='far smaller than a pixel'),
    ],
)
def test_any_finite_area_gives_a_crop(area: list[float]) -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    crops = cut_crops(image, np.array([area], np.float32), PARAMS)
    assert crops.shape == (1, 3, 64, 32)


def _sharpness(image: np.ndarray, params: CropParams) -> float:
    areas = crop_boxes([[10, 10, 74, 138]], params)
    return float(crop_sharpness(cut_crops(image, areas, params))[0])


def _natural_texture() -> np.ndarray:
    """Noise whose amplitude falls with frequency, as in pictures of the world."""
    noise = np.fft.fft2(np.random.default_rng(0).standard_normal((150, 90)))
    frequency = np.hypot(np.fft.fftfreq(150)[:, None], np.fft.fftfreq(90))
    texture = np.real(np.fft.ifft2(noise / np.maximum(frequency, 1 / 150)))
    gray = 128 + 40 * (texture - texture.mean()) / texture.std()
    return np.dstack([np.clip(gray, 0, 255).astype(np.uint8)] * 3)


def test_a_blurred_or_far_person_shows_less_detail() -> None:
    params, scene = CropParams(height=128, width=64, context=1.0), _natural_texture()
    assert _sharpness(scene, params) == 1.0
    blurred = [_sharpness(cv2.GaussianBlur(scene, (0, 0), sigma), params) for sigma in (3, 6)]
    assert 0.5 > blurred[0] > 1.5 * blurred[1] > 0
    small = cv2.resize(scene, None, fx=0.1, fy=0.1, interpolation=cv2.INTER_AREA)
    far = cv2.resize(small, (90, 150), interpolation=cv2.INTER_LINEAR)
    assert _sharpness(far, params) < 0.5


def test_brightness_and_contrast_are_not_sharpness() -> None:
    params = CropParams(height=128, width=64, context=1.0)
    scene = cv2.GaussianBlur(_natural_texture(), (0, 0), 2)
    dim = (0.5 * scene + 20).astype(np.uint8)
    assert _sharpness(dim, params) == pytest.approx(_sharpness(scene, params), rel=0.15)


def test_a_crop_without_any_detail_is_not_sharp() -> None:
    plain = np.full((1, 3, 64, 32), 77, np.uint8)
    assert 0 < crop_sharpness(plain)[0] < 0.05


def test_nobody_gives_no_crops() -> None:
    assert crop_sharpness(np.zeros((0, 3, 64, 32), np.uint8)).shape == (0,)
    areas = crop_boxes(np.zeros((0, 4)), PARAMS)
    assert cut_crops(np.zeros((9, 9, 3), np.uint8), areas, PARAMS).shape == (0, 3, 64, 32)
