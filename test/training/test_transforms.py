import numpy as np
import pytest

from training.transforms import (
    FILL_RGB,
    AugmentationParams,
    LabelledCrop,
    add_noise,
    augment,
    erase,
    flip,
    jitter_color,
    lower_resolution,
    random_affine,
    resize_affine,
    warp,
)

KEYPOINT_FLIP = (0, 2, 1)
PART_FLIP = (0, 1, 3, 2)


def _crop() -> LabelledCrop:
    """Return a crop whose joints lie in the middle of bright squares of their part."""
    image = np.zeros((96, 48, 3), np.uint8)
    parts = np.zeros((96, 48), np.uint8)
    centers = ((24.0, 20.0), (14.0, 50.0), (34.0, 70.0))
    for part, (x, y) in enumerate(centers, 1):
        square = (slice(int(y) - 4, int(y) + 4), slice(int(x) - 4, int(x) + 4))
        image[square] = 80 * part
        parts[square] = part
    keypoints = np.array([(*center, 1) for center in centers], np.float32)
    return LabelledCrop(image, keypoints, parts)


def _centroid(parts: np.ndarray, part: int) -> tuple[float, float]:
    rows, columns = np.nonzero(parts == part)
    return columns.mean() + 0.5, rows.mean() + 0.5


def test_flipping_twice_changes_nothing() -> None:
    crop = _crop()
    twice = flip(flip(crop, KEYPOINT_FLIP, PART_FLIP), KEYPOINT_FLIP, PART_FLIP)
    for name in ('image_rgb', 'keypoints', 'parts'):
        assert (getattr(twice, name) == getattr(crop, name)).all()


def test_flipping_exchanges_left_and_right() -> None:
    flipped = flip(_crop(), KEYPOINT_FLIP, PART_FLIP)
    assert flipped.keypoints[:, :2].tolist() == [[24, 20], [14, 70], [34, 50]]
    for joint, part in enumerate((1, 2, 3)):
        assert _centroid(flipped.parts, part) == pytest.approx(flipped.keypoints[joint, :2])


@pytest.mark.parametrize('seed', range(8))
def test_joints_parts_and_pixels_move_together(seed: int) -> None:
    params = AugmentationParams(rotation_deg=20, scale=0.15, shift=0.03)
    matrix = random_affine((96, 48), (192, 96), params, np.random.default_rng(seed))
    moved = warp(_crop(), matrix, (192, 96))
    assert moved.image_rgb.shape == (192, 96, 3)
    for joint, part in enumerate((1, 2, 3)):
        if moved.keypoints[joint, 2] == 1 and (moved.parts == part).sum() > 180:
            assert _centroid(moved.parts, part) == pytest.approx(
                moved.keypoints[joint, :2], abs=0.6
            )
            assert np.median(moved.image_rgb[moved.parts == part]) == 80 * part


def test_resizing_scales_the_joints() -> None:
    resized = warp(_crop(), resize_affine((96, 48), (48, 24)), (48, 24))
    assert resized.keypoints[:, :2] == pytest.approx(_crop().keypoints[:, :2] / 2)
    assert _centroid(resized.parts, 2) == pytest.approx((7, 25), abs=0.5)


def test_a_joint_that_leaves_the_crop_is_unknown() -> None:
    moved = warp(_crop(), np.array([[1.0, 0, 20], [0, 1, 0]]), (96, 48))
    assert moved.keypoints[:, 2].tolist() == [1, 1, -1]
    assert (moved.image_rgb[:, :19] == FILL_RGB).all()
    assert (moved.parts[:, :19] == 0).all()


def test_erased_joints_are_hidden_and_erased_pixels_background() -> None:
    hidden = 0
    for seed in range(50):
        crop = _crop()
        erased = erase(crop, np.random.default_rng(seed))
        changed = (erased.image_rgb != crop.image_rgb).any(axis=2)
        assert (erased.parts[changed] == 0).all()
        assert (erased.parts[~changed] == crop.parts[~changed]).mean() > 0.99
        x, y = erased.keypoints[:, :2].astype(int).T
        assert (changed[y, x] == (erased.keypoints[:, 2] == 0)).all()
        hidden += (erased.keypoints[:, 2] == 0).sum()
    assert hidden > 0


def test_no_colour_change_leaves_the_image() -> None:
    still = AugmentationParams(gain=0, white_balance=0, contrast=0, saturation=0)
    image = np.random.default_rng(0).integers(0, 256, (20, 10, 3), np.uint8)
    assert (jitter_color(image, still, np.random.default_rng(0)) == image).all()


def test_saturation_alone_keeps_gray_gray() -> None:
    params = AugmentationParams(gain=0, white_balance=0, contrast=0, saturation=1)
    gray = np.full((4, 4, 3), 100, np.uint8)
    assert abs(jitter_color(gray, params, np.random.default_rng(1)).astype(int) - 100).max() <= 1


def test_noise_has_the_asked_strength() -> None:
    noisy = add_noise(np.full((100, 100, 3), 128, np.uint8), 4, np.random.default_rng(0))
    assert noisy.std() == pytest.approx(4, rel=0.05)


def test_low_resolution_keeps_the_mean_and_loses_detail() -> None:
    stripes = np.zeros((64, 32, 3), np.uint8)
    stripes[::2] = 200
    low = lower_resolution(stripes, 0.25)
    assert low.shape == stripes.shape
    assert low.mean() == pytest.approx(100, abs=1)
    assert low.std() < 10


def test_the_seed_decides_the_augmentation() -> None:
    def once(seed: int) -> LabelledCrop:
        rng = np.random.default_rng(seed)
        return augment(_crop(), (64, 32), KEYPOINT_FLIP, PART_FLIP, AugmentationParams(), rng)

    one, same, other = once(0), once(0), once(1)
    assert (one.image_rgb == same.image_rgb).all()
    assert (one.keypoints == same.keypoints).all()
    assert (one.image_rgb != other.image_rgb).any()
    assert one.image_rgb.shape == (64, 32, 3)
    assert one.parts.shape == (64, 32)
