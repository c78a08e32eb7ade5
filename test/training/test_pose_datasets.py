import json
from pathlib import Path

import numpy as np
import pytest
from datasets_on_disk import write_image, write_pixels
from scipy.io import savemat

from person_mtl_ros.crops import CropParams
from training.datasets.coco import CocoKeypoints, read_coco_people
from training.datasets.lip import Lip
from training.datasets.mpii import Mpii, read_mpii_json, read_mpii_mat
from training.datasets.sample import HIDDEN, UNLABELLED, VISIBLE, DatasetError
from training.labels import COCO_KEYPOINTS, FIVE_PARTS, LIP_PARTS, MPII_KEYPOINTS

CROP = CropParams(height=128, width=64)
TOP, NECK = MPII_KEYPOINTS.index('head_top'), MPII_KEYPOINTS.index('upper_neck')
THORAX, PELVIS = MPII_KEYPOINTS.index('thorax'), MPII_KEYPOINTS.index('pelvis')


def _joints() -> np.ndarray:
    """Return (16, 2) joints on two columns, from (100, 100) to (140, 250)."""
    return np.array([(100 + 40 * (i % 2), 100 + 10 * i) for i in range(16)], float)


def _json_person() -> dict:
    visible = [1] * 16
    visible[THORAX] = 0
    return {
        'image': '1.jpg',
        'joints': _joints().tolist(),
        'joints_vis': visible,
        'center': [120.0, 150.0],
        'scale': 1.0,
    }


def _write_mpii_image(root: Path) -> None:
    """Draw a bright square of 9 x 9 pixels around the pixel that holds the pelvis."""
    pixels = np.zeros((400, 300, 3), np.uint8)
    x, y = (_joints()[PELVIS] - 1).astype(int)  # Matlab counts from 1
    pixels[y - 4 : y + 5, x - 4 : x + 5] = 255
    write_pixels(root / 'images/1.jpg', pixels)


@pytest.fixture
def mpii(tmp_path: Path) -> Path:
    _write_mpii_image(tmp_path)
    (tmp_path / 'annot').mkdir()
    nobody = _json_person() | {'joints_vis': [0] * 16}
    for split in ('train', 'valid'):
        (tmp_path / f'annot/{split}.json').write_text(json.dumps([_json_person(), nobody]))
    return tmp_path


@pytest.mark.parametrize('margin', [1.0, 1.5])
def test_mpii_joints_lie_on_the_pixels_of_the_crop(mpii: Path, margin: float) -> None:
    data = Mpii(mpii, CROP, margin, split='valid')
    assert len(data) == 1
    sample = data[0]
    assert sample.margin == margin
    assert sample.image_rgb.shape == (round(128 * margin), round(64 * margin), 3)
    assert sample.keypoints is not None
    brightness = np.where(sample.image_rgb[..., 0] > 20, sample.image_rgb[..., 0], 0.0)
    centers = [np.arange(count) + 0.5 for count in brightness.shape]
    center = [
        np.average(centers[1], weights=brightness.sum(axis=0)),
        np.average(centers[0], weights=brightness.sum(axis=1)),
    ]
    assert center == pytest.approx(sample.keypoints[PELVIS, :2].tolist(), abs=0.1)
    assert sample.keypoints[THORAX, 2] == UNLABELLED
    assert (np.delete(sample.keypoints[:, 2], THORAX) == VISIBLE).all()
    head = np.linalg.norm(sample.keypoints[TOP, :2] - sample.keypoints[NECK, :2])
    assert sample.head_size == pytest.approx(0.75 * head, rel=1e-4)


def test_the_box_of_centre_and_scale_is_a_square_as_high_as_a_person(mpii: Path) -> None:
    person = read_mpii_json(mpii / 'annot/train.json')[0]
    x0, y0, x1, y1 = person.box('scale')
    assert (x1 - x0, y1 - y0) == (250, 250)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (119.5, 164.5)
    wide, tight = Mpii(mpii, CROP, person_box='scale')[0], Mpii(mpii, CROP)[0]
    assert wide.head_size < tight.head_size


def test_mpii_joints_can_be_given_as_those_of_coco(mpii: Path) -> None:
    data = Mpii(mpii, CROP, keypoint_set='coco')
    assert data.labels.keypoint_names == COCO_KEYPOINTS
    keypoints = data[0].keypoints
    assert keypoints is not None
    assert keypoints[COCO_KEYPOINTS.index('nose'), 2] == UNLABELLED
    ankle = Mpii(mpii, CROP)[0].keypoints[MPII_KEYPOINTS.index('left_ankle')]
    assert (keypoints[COCO_KEYPOINTS.index('left_ankle')] == ankle).all()


def _points(joints: np.ndarray) -> np.ndarray:
    rows = []
    for index, (x, y) in enumerate(joints):
        # Matlab files leave it empty for the joints of the head box.
        is_visible = np.zeros((0, 0)) if index in (TOP, NECK) else float(index % 2)
        if index != THORAX:
            rows.append((x, y, float(index), is_visible))
    return np.array(rows, [(name, object) for name in ('x', 'y', 'id', 'is_visible')])


def _struct(**fields: object) -> np.ndarray:
    array = np.empty((1, 1), [(name, object) for name in fields])
    for name, value in fields.items():
        array[name][0, 0] = value
    return array


def _write_mat(path: Path) -> None:
    person = _struct(
        x1=100.0,
        y1=80.0,
        x2=130.0,
        y2=120.0,
        scale=1.0,
        objpos=_struct(x=120.0, y=150.0),
        annopoints=_struct(point=_points(_joints())),
    )
    group_mate = _struct(**{name: person[name][0, 0] for name in person.dtype.names})
    group_mate['annopoints'][0, 0] = np.zeros((0, 0))
    people = np.concatenate((group_mate, person), axis=1)
    images = [
        ('1.jpg', people, 1, np.array([[1], [2]])),
        ('test.jpg', person, 0, np.array([[1]])),
        ('empty.jpg', np.zeros((0, 0)), 1, np.zeros((0, 1))),
    ]
    annolist = np.empty((1, 3), [('image', object), ('annorect', object)])
    single = np.empty((3, 1), object)
    for index, (name, rects, _, separated) in enumerate(images):
        annolist[0, index] = (_struct(name=name), rects)
        single[index, 0] = separated.astype(float)
    savemat(
        path,
        {
            'RELEASE': _struct(
                annolist=annolist,
                img_train=np.array([[image[2] for image in images]]),
                single_person=single,
            )
        },
    )


def test_the_official_mat_gives_separated_people_with_hidden_joints(tmp_path: Path) -> None:
    _write_mpii_image(tmp_path)
    _write_mat(tmp_path / 'mpii_human_pose_v1_u12_1.mat')
    people = read_mpii_mat(tmp_path / 'mpii_human_pose_v1_u12_1.mat')
    assert [person.image for person in people] == ['1.jpg']
    keypoints, head_size = people[0].keypoints, people[0].head_size
    assert head_size == pytest.approx(0.6 * 50)
    states = {THORAX: UNLABELLED, TOP: VISIBLE, NECK: VISIBLE, 0: HIDDEN, 1: VISIBLE}
    assert {index: keypoints[index, 2] for index in states} == states
    assert keypoints[5, :2].tolist() == (_joints()[5] - 0.5).tolist()
    assert len(Mpii(tmp_path, CROP, annotations='mat')) == 1
    with pytest.raises(DatasetError, match='has no validation part; use annotations: json'):
        Mpii(tmp_path, CROP, split='valid', annotations='mat')


def test_real_mpii_people_are_read(shared_data: Path) -> None:
    people = read_mpii_json(shared_data / 'pose/mpii/test_mpii.json')
    assert len(people) == 3
    first = people[0]
    assert first.keypoints[0].tolist() == [803.5, 710.5, VISIBLE]
    # Its scale is its height in units of 200 pixels.
    height = np.ptp(first.keypoints[:, 1])
    assert 0.5 < height / (200 * first.scale) < 1.1


def test_what_is_not_mpii_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'no images; expected mpii_human_pose_v1\.tar\.gz'):
        Mpii(tmp_path, CROP)
    (tmp_path / 'images').mkdir()
    with pytest.raises(DatasetError, match=r'no annot/train\.json \(or annotations/mpii_train'):
        Mpii(tmp_path, CROP)
    (tmp_path / 'annot').mkdir()
    (tmp_path / 'annot/train.json').write_text('[{"image": "1.jpg"}]')
    with pytest.raises(DatasetError, match="'joints_vis'"):
        Mpii(tmp_path, CROP)
    savemat(tmp_path / 'mpii_human_pose_v1_u12_1.mat', {'x': 1})
    with pytest.raises(DatasetError, match='RELEASE'):
        Mpii(tmp_path, CROP, annotations='mat')


def _write_lip(root: Path, archive_in_archive: bool = False) -> None:
    inner = 'TrainVal_images/' if archive_in_archive else ''
    labels = np.zeros((100, 50), np.uint8)
    labels[40:60, 20:30] = LIP_PARTS.index('coat')
    write_image(root / f'TrainVal_images/{inner}val_images/77_1.jpg', (100, 50))
    write_pixels(root / 'TrainVal_parsing_annotations/val_segmentations/77_1.png', labels)
    values = []
    for index in range(16):
        values += ['nan'] * 3 if index == THORAX else [25, 10 + 5 * index, index % 2]
    table = root / 'TrainVal_pose_annotations/lip_val_set.csv'
    table.parent.mkdir()
    table.write_text(','.join(map(str, ['77_1.jpg', *values])) + '\n\n')


@pytest.mark.parametrize('archive_in_archive', [False, True])
def test_lip_has_joints_and_parts(tmp_path: Path, archive_in_archive: bool) -> None:
    _write_lip(tmp_path, archive_in_archive)
    data = Lip(tmp_path, CROP, split='val')
    sample = data[0]
    assert sample.keypoints is not None
    assert sample.parts is not None
    assert sample.keypoints[2].tolist() == pytest.approx([32, 20 * 1.28, HIDDEN])
    assert sample.keypoints[1, 2] == VISIBLE
    assert sample.keypoints[THORAX, 2] == UNLABELLED
    assert sample.head_size == pytest.approx(5 * 1.28, rel=1e-4)
    assert sample.parts[64, 32] == LIP_PARTS.index('coat')
    assert sample.parts.shape == (128, 64)
    assert data.labels.part_names == LIP_PARTS
    merged = Lip(tmp_path, CROP, split='val', part_set='five')
    assert merged.labels.part_names == FIVE_PARTS
    assert merged[0].parts[64, 32] == FIVE_PARTS.index('upper_body')


def test_what_is_not_lip_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'no TrainVal_images/train_images .*single-person'):
        Lip(tmp_path, CROP)
    _write_lip(tmp_path)
    table = tmp_path / 'TrainVal_pose_annotations/lip_val_set.csv'
    table.write_text('77_1.jpg,1,2,3\n')
    with pytest.raises(DatasetError, match=r'lip_val_set\.csv:1: 3 values'):
        Lip(tmp_path, CROP, split='val')


def _coco_person(**changes: object) -> dict:
    values = np.zeros((17, 3))
    values[COCO_KEYPOINTS.index('left_hip')] = (50, 60, 2)
    values[COCO_KEYPOINTS.index('nose')] = (50, 20, 1)
    person = {
        'id': 1,
        'image_id': 5,
        'category_id': 1,
        'bbox': [40, 10, 20, 80],
        'area': 900.0,
        'iscrowd': 0,
        'keypoints': values.ravel().tolist(),
    }
    return person | changes


def _write_coco(root: Path) -> None:
    write_image(root / 'val2017/000000000005.jpg', (100, 100))
    (root / 'annotations').mkdir()
    people = [
        _coco_person(),
        _coco_person(id=2, iscrowd=1),
        _coco_person(id=3, keypoints=[0] * 51),
    ]
    data = {
        'images': [{'id': 5, 'file_name': '000000000005.jpg', 'height': 100, 'width': 100}],
        'annotations': people,
        'categories': [{'id': 1, 'name': 'person', 'keypoints': list(COCO_KEYPOINTS)}],
    }
    (root / 'annotations/person_keypoints_val2017.json').write_text(json.dumps(data))


def test_coco_people_without_crowds(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    _write_coco(tmp_path)
    data = CocoKeypoints(tmp_path, CROP, split='val2017')
    assert len(data) == 1
    assert not capsys.readouterr().out
    keypoints = data[0].keypoints
    assert keypoints is not None
    labelled = np.flatnonzero(keypoints[:, 2] != UNLABELLED)
    assert labelled.tolist() == [MPII_KEYPOINTS.index('left_hip')]
    assert np.isnan(data[0].head_size)
    # The box is 20 x 80, so the crop is 88 high and 44 wide around (50, 50).
    scale = 128 / 88
    hip = ((50.5 - 28) * scale, (60.5 - 6) * scale)
    assert keypoints[labelled[0], :2] == pytest.approx(hip, abs=1e-3)
    own = CocoKeypoints(tmp_path, CROP, split='val2017', keypoint_set='coco')[0].keypoints
    assert own is not None
    assert own[0, 2] == HIDDEN
    assert len(CocoKeypoints(tmp_path, CROP, split='val2017', min_keypoints=3)) == 0


def test_joints_of_posetrack_have_the_names_of_mpii(shared_data: Path) -> None:
    names, people = read_coco_people(
        shared_data / 'pose/posetrack18/test_posetrack18_val.json', min_keypoints=1
    )
    assert {'upper_neck', 'head_top'} <= set(names)
    assert len(people) == 3
    assert all(person.keypoints.shape == (17, 3) for person in people)


def test_what_is_not_coco_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'no annotations/person_keypoints_val2017\.json'):
        CocoKeypoints(tmp_path, CROP, split='val2017')
    for content in ('{}', 'text', '[]'):
        (tmp_path / 'file.json').write_text(content)
        with pytest.raises(DatasetError, match='expected a keypoint file of COCO'):
            read_coco_people(tmp_path / 'file.json', 1)
