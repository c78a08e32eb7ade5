from dataclasses import replace

import numpy as np
import pytest

from training.labels import LIP_PARTS, MARKET_ATTRIBUTES, MPII_KEYPOINTS
from training.synthetic.actions import sample_pose
from training.synthetic.camera import Camera
from training.synthetic.color import market_lower_color, market_upper_color
from training.synthetic.identity import Identity, attributes, sample_identity
from training.synthetic.keypoints import keypoints_in_view
from training.synthetic.light import NEUTRAL_LIGHT
from training.synthetic.pose import Pose, standing_pose
from training.synthetic.renderer import Rendering, render
from training.synthetic.scenery import Scenery
from training.synthetic.subject import Subject, place_person
from training.synthetic.texture import Material

SIZE_HW = (192, 96)
CLASSES = {spec.name: spec.classes for spec in MARKET_ATTRIBUTES}
ACTIONS = {'walk': 0.6, 'sport': 0.3, 'sit': 0.1}
EMPTY = Scenery(Material((0.5, 0.5, 0.5)))
PART = {name: index for index, name in enumerate(LIP_PARTS)}
JOINT = {name: index for index, name in enumerate(MPII_KEYPOINTS)}


def _people(count: int) -> list[Identity]:
    return [sample_identity(np.random.default_rng([1, index])) for index in range(count)]


def _front_camera(subject: Subject, side: float = 1.0) -> Camera:
    """Look along -x (or +x) at a person that fills the picture."""
    height = float(subject.mesh.vertices[:, 2].max())
    position = np.array([6.0 * side, 0.0, 0.6 * height])
    target = np.array([0.0, 0.0, 0.5 * height])
    return Camera.looking_at(position, target, 1000 / height, (48.0, 96.0))


def _seen(identity: Identity, pose: Pose, side: float = 1.0) -> tuple[Subject, Camera, Rendering]:
    subject = place_person(identity, pose, 0.0, (0.0, 0.0))
    camera = _front_camera(subject, side)
    return subject, camera, render([subject.mesh], EMPTY, camera, NEUTRAL_LIGHT, SIZE_HW)


def _srgb(linear: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = np.clip(linear / 0.9, 0, 1) ** (1 / 2.2)
    return float(red), float(green), float(blue)


def test_visible_joints_lie_on_the_person() -> None:
    rng = np.random.default_rng(0)
    visible = 0
    for identity in _people(12):
        subject, camera, view = _seen(
            identity, sample_pose(rng, {'walk': 0.6, 'sport': 0.3, 'sit': 0.1})
        )
        keypoints = keypoints_in_view(subject.joints, camera, view, 0)
        for x, y, state in keypoints:
            if state == 1:
                assert view.person[int(y), int(x)] == 0
                visible += 1
    assert visible > 60


def test_seen_from_the_front_the_left_side_is_on_the_right() -> None:
    identity = _people(1)[0]
    for side in (1.0, -1.0):
        subject, camera, view = _seen(identity, Pose(), side)
        x = keypoints_in_view(subject.joints, camera, view, 0)[:, 0]
        for left, right in (
            ('left_shoulder', 'right_shoulder'),
            ('left_wrist', 'right_wrist'),
            ('left_hip', 'right_hip'),
            ('left_ankle', 'right_ankle'),
        ):
            assert (x[JOINT[left]] - x[JOINT[right]]) * side > 0
        columns = [
            np.flatnonzero((view.part == PART[name]).any(axis=0)).mean()
            for name in ('left_shoe', 'right_shoe')
        ]
        assert (columns[0] - columns[1]) * side > 0


def test_shoes_are_at_their_ankles() -> None:
    rng = np.random.default_rng(2)
    for identity in _people(8):
        subject, camera, view = _seen(identity, standing_pose(rng))
        keypoints = keypoints_in_view(subject.joints, camera, view, 0)
        for side in ('left', 'right'):
            rows, columns = np.nonzero(view.part == PART[f'{side}_shoe'])
            ankle = keypoints[JOINT[f'{side}_ankle'], :2]
            assert np.hypot(columns.mean() - ankle[0], rows.mean() - ankle[1]) < 15


def test_feet_stand_on_the_ground() -> None:
    rng = np.random.default_rng(3)
    for identity in _people(8):
        subject = place_person(identity, standing_pose(rng), 0.4, (1.0, 2.0))
        assert abs(float(subject.mesh.vertices[:, 2].min())) < 0.03


def test_labels_cover_all_attributes_and_follow_the_clothes() -> None:
    for identity in _people(200):
        labels = attributes(identity)
        assert list(labels) == [spec.name for spec in MARKET_ATTRIBUTES]
        named = {name: CLASSES[name][index] for name, index in labels.items()}
        assert named['gender'] == identity.gender
        assert (named['backpack'] == 'yes') == (identity.accessories.backpack is not None)
        assert (named['hat'] == 'yes') == (identity.accessories.hat is not None)
        assert (named['lower_type'] == 'dress') == (identity.lower.kind in ('skirt', 'dress'))
        if identity.lower.kind == 'dress' and identity.outer is None:
            assert identity.lower.material == identity.upper.material


@pytest.mark.parametrize('attribute', list(CLASSES))
def test_every_class_of_every_attribute_occurs(attribute: str) -> None:
    seen = {attributes(identity)[attribute] for identity in _people(500)}
    assert seen == set(range(len(CLASSES[attribute])))


def test_dominant_cloth_colors_in_the_picture_have_the_labelled_class() -> None:
    right = {'upper_color': 0, 'lower_color': 0}
    count = 0
    for identity in _people(40):
        plain = replace(
            identity, outer=None, accessories=replace(identity.accessories, backpack=None)
        )
        _, _, view = _seen(plain, Pose(), -1.0)
        labels = attributes(plain)
        upper = np.isin(view.part, [PART['upper_clothes'], PART['jumpsuits']])
        lower = np.isin(view.part, [PART['pants'], PART['skirt'], PART['jumpsuits']])
        if plain.lower.kind == 'dress':
            continue
        count += 1
        for name, mask, classify in (
            ('upper_color', upper, market_upper_color),
            ('lower_color', lower, market_lower_color),
        ):
            # Shade darkens cloth: take the brighter part of it.
            color = _srgb(np.percentile(view.image[mask], 65, axis=0))
            right[name] += classify(color) == CLASSES[name][labels[name]]
    assert right['upper_color'] > 0.7 * count
    assert right['lower_color'] > 0.7 * count


@pytest.mark.parametrize(
    ('attribute', 'part'), [('hat', 'hat'), ('hair', 'hair'), ('sleeve', 'left_arm')]
)
def test_parts_agree_with_attributes_from_the_front(attribute: str, part: str) -> None:
    for identity in _people(40):
        _, _, view = _seen(identity, Pose())
        share = (view.part == PART[part]).sum() / (view.person == 0).sum()
        label = CLASSES[attribute][attributes(identity)[attribute]]
        if attribute == 'hat':
            assert (share > 0.002) == (label == 'yes')
        elif attribute == 'hair' and label == 'long':
            assert share > 0
        elif attribute == 'sleeve' and label == 'short' and identity.outer is None:
            assert share > 0.008


def test_dress_and_trousers_are_labelled_as_such() -> None:
    names = {'trousers': 'pants', 'skirt': 'skirt', 'dress': 'dress', 'jumpsuit': 'jumpsuits'}
    for identity in _people(40):
        bare = replace(identity, outer=None)
        _, _, view = _seen(bare, Pose())
        assert (view.part == PART[names[bare.lower.kind]]).sum() > 100
