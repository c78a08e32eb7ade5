from pathlib import Path

import numpy as np
import pytest
from datasets_on_disk import write_image

from person_mtl_ros.checkpoint import CheckpointInfo
from person_mtl_ros.crops import CropParams
from training.blind_answers import load_blind_answers
from training.datasets.sample import VISIBLE, DatasetError
from training.labels import FIVE_PARTS, LIP_PARTS, MPII_KEYPOINTS
from training.real_samples import LIMBS, PartPerson, PosePerson
from training.zero_shot_measurement import ZeroShotMeasurement

CROP = CropParams(height=128, width=64)
BOX = np.array([40, 20, 80, 100])


class _FakeBackend:
    """Calls bright pixels the given class and answers the mean pose."""

    device, precision = 'cpu', 'fp32'

    def __init__(self, bright_part: int) -> None:
        self._bright_part = bright_part

    def infer(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        pose = load_blind_answers().pose(MPII_KEYPOINTS, (CROP.height, CROP.width))
        joints = np.column_stack((pose, np.ones(len(pose))))
        return {
            'parts': ((crops[:, 0] > 150) * self._bright_part).astype(np.uint8),
            'pose': np.tile(joints, (len(crops), 1, 1)),
        }


def _measurement(part_names: tuple[str, ...], bright_part: int) -> ZeroShotMeasurement:
    info = CheckpointInfo(
        network='fake',
        network_params={},
        crop=CROP,
        keypoint_names=MPII_KEYPOINTS,
        part_names=part_names,
    )
    return ZeroShotMeasurement(_FakeBackend(bright_part), info, load_blind_answers())


def _dressed() -> PartPerson:
    image, labels = np.zeros((120, 120, 3), np.uint8), np.zeros((80, 40), np.uint8)
    image[40:80, 40:80], labels[20:60] = 255, LIP_PARTS.index('coat')
    return PartPerson(image, BOX, labels)


@pytest.mark.parametrize('names', [LIP_PARTS, FIVE_PARTS])
def test_a_network_that_sees_the_parts_overlaps_them(names: tuple[str, ...]) -> None:
    part = names.index('coat') if names == LIP_PARTS else names.index('upper_body')
    result = _measurement(names, part).parts([_dressed(), _dressed()])
    assert result['people'] == 2
    assert result['network']['mIoU_5'] > 0.95
    assert ('mIoU' in result['network']) == (names == LIP_PARTS)
    # Half of the pixels are background, the coat is never found.
    assert result['baselines']['all background']['mIoU_5'] == pytest.approx(0.25)
    assert 0 < result['baselines']['template']['mIoU_5'] < 0.95


def test_classes_of_lip_count_one_by_one_and_merged() -> None:
    dress = LIP_PARTS.index('dress')  # instead of the coat, but upper body as well
    network = _measurement(LIP_PARTS, dress).parts([_dressed()])['network']
    assert network['IoU/coat'] == 0
    assert network['mIoU_5'] > 0.95


def _people(tmp_path: Path, joints: int, head_size: float) -> list[PosePerson]:
    write_image(tmp_path / 'a.jpg', (120, 120))
    keypoints = np.array([(60, 60, VISIBLE)] * joints, np.float32)
    return [PosePerson(tmp_path / 'a.jpg', BOX.astype(float), keypoints, head_size, 900.0)]


def test_the_mean_pose_is_as_good_as_itself(tmp_path: Path) -> None:
    measurement = _measurement(FIVE_PARTS, 0)
    for names, measures in ((MPII_KEYPOINTS, ('PCKh', 'PCKh_all')), (LIMBS, ('PCK', 'OKS-AP'))):
        result = measurement.pose(_people(tmp_path, len(names), 20.0), names)
        for measure in measures:
            value = result['network'][measure]
            assert value == result['baselines']['mean pose'][measure]
            assert 0 <= value < 1
    # Joints near the middle of the body are near the middle of the box.
    by_joint = measurement.pose(_people(tmp_path, 16, 20.0), MPII_KEYPOINTS)['network']
    assert by_joint['PCKh/pelvis'] == 1
    assert by_joint['PCKh/head_top'] == 0


def test_joints_the_network_does_not_know_are_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='other joints than tail'):
        _measurement(FIVE_PARTS, 0).pose(_people(tmp_path, 1, 20.0), ('tail',))
