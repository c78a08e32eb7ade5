import cv2
import numpy as np
import pytest
import torch

from person_mtl_ros import crops as on_host
from person_mtl_ros.backends.torch_gpu import device_crops
from person_mtl_ros.backends.torch_gpu.device_crops import CropPlan, cut_crops, planar_image
from person_mtl_ros.crops import CropParams, crop_boxes

PARAMS = CropParams()


def _cut(image: np.ndarray, areas: np.ndarray, params: CropParams = PARAMS) -> np.ndarray:
    plan = CropPlan.of(areas, params)
    planes = planar_image(torch.from_numpy(image))
    cut = cut_crops(planes, torch.from_numpy(plan.places), plan.samples, params)
    return cut.numpy()[np.argsort(plan.order)]


def _areas(size: tuple[int, int], heights: tuple[float, float], count: int) -> np.ndarray:
    """Areas of people of all sizes all over an image, some of them partly outside."""
    rng = np.random.default_rng(0)
    height = np.geomspace(*heights, count)
    half = np.stack((0.4 * height, height), axis=1) / 2
    center = rng.uniform((0, 0), size, (count, 2))
    return crop_boxes(np.hstack((center - half, center + half)), PARAMS)


@pytest.mark.parametrize('scale', [0.5, 1, 2.5])
def test_crops_of_pictures_are_those_of_the_host(picture: np.ndarray, scale: float) -> None:
    image = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    areas = _areas(image.shape[1::-1], (40 * scale, 900 * scale), 8)
    difference = np.abs(
        _cut(image, areas).astype(int) - on_host.cut_crops(image, areas, PARAMS).astype(int)
    )
    assert difference.mean() < 0.2
    assert difference.max() <= 4


def test_crops_that_shrink_alike_are_cut_together(picture: np.ndarray) -> None:
    areas = _areas(picture.shape[1::-1], (100, 2000), 9)[::-1]
    plan = CropPlan.of(areas, PARAMS)
    assert list(plan.samples) == sorted(plan.samples)
    assert len(set(plan.samples)) > 3
    expected = on_host.samples_per_pixel(areas, PARAMS)
    assert (expected[plan.order] == plan.samples).all()


def test_memory_is_bounded_for_many_crops_of_great_areas() -> None:
    runs = device_crops._runs_alike([1] * 300 + [8] * 9)
    assert [(begin, end) for begin, end, _ in runs][:2] == [(0, 256), (256, 300)]
    assert max((end - begin) * count**2 for begin, end, count in runs) <= device_crops.MAX_SAMPLED
    assert [row for begin, end, _ in runs for row in range(begin, end)] == list(range(309))


@pytest.mark.parametrize(
    'area',
    [
        pytest.param([-16, 0, 16, 64], id='half outside'),
        pytest.param([-500, -500, -468, -436], id='beside the image'),
        pytest.param([-1e6, -2e6, 1e6, 2e6], id='far larger than the image'),
        pytest.param([50, 50, 50.01, 50.02], id='far smaller than a pixel'),
    ],
)
def test_odd_areas_give_the_crops_of_the_host(picture: np.ndarray, area: list[float]) -> None:
    areas = np.array([area], np.float32)
    params = CropParams(64, 32)
    expected = on_host.cut_crops(picture, areas, params).astype(int)
    assert np.abs(_cut(picture, areas, params) - expected).max() <= 4


def test_nobody_gives_no_crops(picture: np.ndarray) -> None:
    assert _cut(picture, np.zeros((0, 4), np.float32)).shape == (0, 3, 256, 128)


def test_sharpness_is_that_of_the_host(picture: np.ndarray) -> None:
    blurred = cv2.GaussianBlur(picture, (0, 0), 3)
    areas = _areas(picture.shape[1::-1], (60, 400), 6)
    crops = np.concatenate([on_host.cut_crops(i, areas, PARAMS) for i in (picture, blurred)])
    crops = np.concatenate((crops, np.full_like(crops[:1], 77)))
    expected = on_host.crop_sharpness(crops)
    assert expected.min() < 0.1 and expected.max() > 0.9
    actual = device_crops.crop_sharpness(torch.from_numpy(crops))
    np.testing.assert_allclose(actual, expected, atol=0.01)
