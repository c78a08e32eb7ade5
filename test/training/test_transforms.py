import numpy as np
import pytest
import torch
from torch import Tensor

from person_mtl_ros.crops import CropParams, crop_boxes, points_to_crop
from training.datasets.sample import (
    HIDDEN,
    IGNORED_PART,
    UNLABELLED,
    VISIBLE,
    LabelSet,
    Sample,
)
from training.losses import bootstrapped_cross_entropy
from training.torchvision_v2 import tv_tensors
from training.transforms import POLICIES, AugmentationPolicy, evaluation_transform, train_transform
from training.transforms.appearance import ColorJitter, LowResolution, RandomErasing, SensorNoise
from training.transforms.borders import SIDES, border_at
from training.transforms.geometry import FILL_RGB

LABELS = LabelSet(
    keypoint_names=('head', 'left', 'right'),
    keypoint_flip=(0, 2, 1),
    part_names=('background', 'head', 'left', 'right'),
    part_flip=(0, 1, 3, 2),
)
CENTERS = ((40.0, 60.0), (30.0, 90.0), (54.0, 110.0))
MIRROR = AugmentationPolicy(flip_probability=1)


def _sample(margin: float = 1.0) -> Sample:
    """Return a crop whose joints lie in the middle of bright squares of their part."""
    image = np.zeros((160, 80, 3), np.uint8)
    parts = np.zeros((160, 80), np.uint8)
    for part, (x, y) in enumerate(CENTERS, 1):
        square = (slice(int(y) - 5, int(y) + 5), slice(int(x) - 5, int(x) + 5))
        image[square] = 80 * part
        parts[square] = part
    keypoints = np.array([(*center, VISIBLE) for center in CENTERS], np.float32)
    return Sample(
        image_rgb=image,
        identity=7,
        camera=2,
        attributes=np.array([1, -1]),
        keypoints=keypoints,
        head_size=10.0,
        parts=parts,
        margin=margin,
    )


def _centroid(parts: Tensor, part: int) -> tuple[float, float]:
    rows, columns = np.nonzero(parts.numpy() == part)
    return columns.mean() + 0.5, rows.mean() + 0.5


def test_evaluation_of_a_crop_of_the_right_size_changes_nothing() -> None:
    sample = _sample()
    crop = evaluation_transform((160, 80))(sample)
    assert (crop['image'].permute(1, 2, 0).numpy() == sample.image_rgb).all()
    assert (crop['parts'].numpy() == sample.parts).all()
    assert (crop['keypoints'].numpy() == sample.keypoints).all()
    assert crop['head_size'] == 10
    assert (crop['identity'], crop['camera']) == (7, 2)
    assert crop['attributes'].tolist() == [1, -1]


def test_types_and_shapes_are_those_of_a_batch() -> None:
    crop = train_transform('geometric_appearance', (128, 64), LABELS)(_sample(1.25), seed=3)
    assert {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in crop.items()} == {
        'image': (torch.uint8, (3, 128, 64)),
        'identity': (torch.int64, ()),
        'camera': (torch.int64, ()),
        'attributes': (torch.int64, (2,)),
        'keypoints': (torch.float32, (3, 3)),
        'head_size': (torch.float32, ()),
        'parts': (torch.int64, (128, 64)),
    }
    assert all(type(tensor) is Tensor for tensor in crop.values())


def test_only_what_is_labelled_is_given() -> None:
    crop = evaluation_transform((8, 4))(Sample(np.zeros((16, 8, 3), np.uint8)))
    assert list(crop) == ['image']


def test_the_margin_is_cut_off() -> None:
    crop = evaluation_transform((128, 64))(_sample(margin=1.25))
    assert crop['keypoints'][:, :2].numpy() == pytest.approx(np.array(CENTERS) - (8, 16))
    assert _centroid(crop['parts'], 2) == pytest.approx((22, 74))
    assert crop['head_size'] == 10
    half = evaluation_transform((64, 32))(_sample(margin=1.25))
    assert half['keypoints'][1, :2].tolist() == pytest.approx([11, 37])
    assert half['head_size'] == 5


def test_a_mirror_exchanges_left_and_right_exactly() -> None:
    sample = _sample()
    crop = train_transform(MIRROR, (160, 80), LABELS)(sample)
    assert (crop['image'].permute(1, 2, 0).numpy() == sample.image_rgb[:, ::-1]).all()
    assert crop['keypoints'][:, :2].tolist() == [[40, 60], [26, 110], [50, 90]]
    for joint, part in enumerate((1, 2, 3)):
        assert _centroid(crop['parts'], part) == pytest.approx(
            crop['keypoints'][joint, :2].tolist()
        )


def test_a_mirror_keeps_pixels_without_label() -> None:
    sample = Sample(np.zeros((4, 2, 3), np.uint8), parts=np.full((4, 2), IGNORED_PART, np.uint8))
    assert (train_transform(MIRROR, (4, 2), LABELS)(sample)['parts'] == IGNORED_PART).all()


@pytest.mark.parametrize('seed', range(8))
def test_joints_parts_and_pixels_move_together(seed: int) -> None:
    crop = train_transform('geometric', (128, 64), LABELS)(_sample(1.25), seed)
    for joint, part in enumerate((1, 2, 3)):
        x, y, state = crop['keypoints'][joint].tolist()
        is_whole = 10 < x < 54 and 10 < y < 118
        if is_whole:
            assert state == VISIBLE
            assert _centroid(crop['parts'], part) == pytest.approx((x, y), abs=0.7)
    image, parts = crop['image'], crop['parts']
    # A mirror exchanges the labels of the second and third square, not their colours.
    assert image[:, parts == 1].float().median() == 80


def test_geometry_turns_by_as_much_as_it_may() -> None:
    transform = train_transform(
        AugmentationPolicy(flip_probability=0, rotation_deg=30), (160, 80), LABELS
    )
    before = np.subtract(CENTERS[2], CENTERS[1])
    angles = []
    for seed in range(200):
        points = transform(_sample(), seed)['keypoints'][:, :2].numpy()
        after = points[2] - points[1]
        angles.append(np.degrees(np.arctan2(after[1], after[0]) - np.arctan2(*before[::-1])))
        assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), rel=1e-4)
    assert -30 <= min(angles) < -25
    assert 25 < max(angles) <= 30


def test_what_leaves_the_crop_is_unlabelled_in_training_but_not_in_evaluation() -> None:
    sample = _sample()
    sample.keypoints[2, 0] = 95
    trained = train_transform(AugmentationPolicy(flip_probability=0), (160, 80), LABELS)(sample)
    assert trained['keypoints'][:, 2].tolist() == [VISIBLE, VISIBLE, UNLABELLED]
    assert evaluation_transform((160, 80))(sample)['keypoints'][2].tolist() == [95, 110, VISIBLE]


def test_what_comes_in_is_mean_colour_and_teaches_nothing() -> None:
    smaller = AugmentationPolicy(flip_probability=0, shift=0.4)
    sample = _sample()
    sample.parts[:] = 1
    crop = train_transform(smaller, (160, 80), LABELS)(sample, seed=1)
    is_new = (crop['image'] == torch.tensor(FILL_RGB)[:, None, None]).all(dim=0)
    assert 0 < is_new.float().mean() < 0.8
    assert (crop['parts'][is_new] == IGNORED_PART).all()
    logits = torch.randn(1, 2, 160, 80, requires_grad=True)
    bootstrapped_cross_entropy(logits, crop['parts'][None], share=1).backward()
    assert (logits.grad[0] != 0).any(dim=0).equal(crop['parts'] == 1)


def test_the_seed_decides_and_the_global_generator_stays() -> None:
    transform = train_transform('geometric_appearance', (128, 64), LABELS)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, other = transform(_sample(1.25), 0), transform(_sample(1.25), 1)
    torch.rand(3)
    same = transform(_sample(1.25), 0)
    assert all((one[name] == same[name]).all() for name in one)
    assert (one['image'] != other['image']).any()
    torch.set_rng_state(state)
    transform(_sample(1.25), 2)
    assert (torch.get_rng_state() == state).all()


def test_flip_changes_neither_colour_nor_place() -> None:
    image = _sample().image_rgb
    for seed in range(10):
        crop = train_transform('flip', (160, 80), LABELS)(_sample(), seed)
        pixels = crop['image'].permute(1, 2, 0).numpy()
        assert (pixels == image).all() or (pixels == image[:, ::-1]).all()


def _fields() -> dict:
    sample = _sample()
    return {
        'image': _tv_image(sample.image_rgb),
        'parts': torch.from_numpy(sample.parts),
        'keypoints': torch.from_numpy(sample.keypoints[:, :2]),
        'states': torch.from_numpy(sample.keypoints[:, 2]),
    }


def _tv_image(pixels: np.ndarray) -> tv_tensors.Image:
    return tv_tensors.Image(torch.from_numpy(pixels).permute(2, 0, 1))


def test_erased_joints_are_hidden_and_erased_pixels_background() -> None:
    hidden = 0
    for seed in range(50):
        torch.manual_seed(seed)
        before = _fields()
        erased = RandomErasing()(before)
        changed = (erased['image'] != before['image']).any(dim=0)
        if not changed.any():
            continue
        assert 0.01 <= changed.float().mean() <= 0.17
        assert (erased['parts'][changed] == 0).all()
        assert (erased['parts'][~changed] == before['parts'][~changed]).all()
        x, y = erased['keypoints'].long().unbind(1)
        assert (changed[y, x] == (erased['states'] == HIDDEN)).all()
        hidden += (erased['states'] == HIDDEN).sum()
    assert hidden > 0


def test_no_colour_change_leaves_the_image() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 10, 3), np.uint8)
    image = _tv_image(pixels)
    assert (ColorJitter(AugmentationPolicy())(image) == image).all()


def test_saturation_alone_keeps_gray_gray() -> None:
    jitter = ColorJitter(AugmentationPolicy(saturation=1))
    changed = jitter(_tv_image(np.full((4, 4, 3), 100, np.uint8)))
    assert (changed.int() - 100).abs().max() <= 1


def test_brightness_is_a_gain_of_all_channels() -> None:
    torch.manual_seed(0)
    image = _tv_image(np.full((2, 2, 3), (20, 40, 60), np.uint8))
    changed = ColorJitter(AugmentationPolicy(gain=0.3))(image)[:, 0, 0].float()
    gain = changed / torch.tensor([20.0, 40.0, 60.0])
    assert gain.std() < 0.03
    assert abs(gain.mean() - 1) > 0.05


def test_noise_has_the_asked_strength() -> None:
    noise = SensorNoise(12.0)
    image = _tv_image(np.full((200, 200, 3), 128, np.uint8))
    for seed in range(3):
        torch.manual_seed(seed)
        sigma = noise.make_params([])['sigma']
        assert 0 <= sigma <= 12
        changed = noise.transform(image, {'sigma': sigma})
        assert changed.float().std().item() == pytest.approx(sigma, rel=0.1, abs=0.3)


def test_low_resolution_keeps_the_mean_and_loses_detail() -> None:
    stripes = np.zeros((64, 32, 3), np.uint8)
    stripes[::2] = 200
    low = LowResolution().transform(_tv_image(stripes), {'scale': 0.3}).float()
    assert low.shape == (3, 64, 32)
    assert low.mean().item() == pytest.approx(100, abs=2)
    assert low.std() < 15


def test_every_policy_works_on_a_data_set_without_labels() -> None:
    sample = Sample(np.zeros((16, 8, 3), np.uint8))
    for policy in POLICIES:
        assert train_transform(policy, (16, 8), LabelSet())(sample, 1)['image'].shape == (3, 16, 8)


@pytest.mark.parametrize(
    ('side', 'outside'),
    [
        ('left', (slice(None), slice(None, 25))),
        ('right', (slice(None), slice(55, None))),
        ('bottom', (slice(125, None), slice(None))),
    ],
)
def test_a_border_empties_its_side_and_no_other(side: str, outside: tuple[slice, slice]) -> None:
    border = border_at(side, 0.5, (160, 80), 1.1)
    image = tv_tensors.Image(torch.full((3, 160, 80), 200, dtype=torch.uint8))
    parts = tv_tensors.Mask(torch.ones((160, 80), dtype=torch.uint8))
    ended = border.end_image({'image': image, 'parts': parts})
    is_beyond = torch.zeros((160, 80), dtype=torch.bool)
    is_beyond[outside] = True
    assert (ended['parts'] == IGNORED_PART).equal(is_beyond)
    assert (ended['image'] != 200).any(dim=0).equal(is_beyond)
    assert (image == 200).all()


@pytest.mark.parametrize('side', SIDES)
@pytest.mark.parametrize('share', [0.4, 0.6, 0.9])
@pytest.mark.parametrize(('crop_width', 'context'), [(80, 1.1), (80, 1.25), (40, 1.0)])
def test_a_person_at_a_border_is_seen_as_the_cropper_of_the_robot_shows_it(
    side: str, share: float, crop_width: int, context: float
) -> None:
    """The crop of the whole person, cut by a border, is that of the box of the part inside."""
    params = CropParams(height=160, width=crop_width, context=context)
    width, height = 40.0, 100.0  # of the person, at the middle of a crop around it
    x0, y0, x1, y1 = 100.0, 100.0, 100.0 + width, 100.0 + height
    whole = crop_boxes([[x0, y0, x1, y1]], params)[0]
    if side == 'left':
        x0 = x1 - share * width
    elif side == 'right':
        x1 = x0 + share * width
    else:
        y1 = y0 + share * height
    inside = crop_boxes([[x0, y0, x1, y1]], params)
    place = np.array([[[120.0, 130.0]]])
    seen = points_to_crop(place, inside, params)[0, 0]
    before = points_to_crop(place, whole[None], params)[0, 0]
    matrix = border_at(side, share, (160, crop_width), context).matrix
    np.testing.assert_allclose(matrix[:, :2] @ before + matrix[:, 2], seen, atol=0.01)


def test_joints_beyond_the_border_are_hidden() -> None:
    border = border_at('left', 0.5, (160, 80), 1.1)
    points = tv_tensors.KeyPoints(
        torch.tensor([[10.0, 80], [60, 80], [10, 90]]), canvas_size=(160, 80)
    )
    states = torch.tensor([VISIBLE, VISIBLE, UNLABELLED])
    image = tv_tensors.Image(torch.zeros((3, 160, 80), dtype=torch.uint8))
    ended = border.end_image({'image': image, 'keypoints': points, 'states': states})
    assert ended['states'].tolist() == [HIDDEN, VISIBLE, UNLABELLED]


def test_a_policy_with_borders_cuts_as_many_as_it_says() -> None:
    policy = AugmentationPolicy(border_probability=0.5)
    transform = train_transform(policy, (160, 80), LABELS)
    sample = _sample(margin=1.0)
    cut = sum(
        (transform(sample, seed)['parts'] == IGNORED_PART).any().item() for seed in range(200)
    )
    assert 70 < cut < 130
