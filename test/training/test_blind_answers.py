from pathlib import Path

import numpy as np
import pytest

from training.blind_answers import (
    SHIPPED,
    TEMPLATE_HW,
    blind_answers,
    load_blind_answers,
    save_blind_answers,
)
from training.color_histograms import histogram_distances
from training.datasets.sample import (
    IGNORED_PART,
    UNLABELLED,
    VISIBLE,
    LabelSet,
    PersonDataset,
    Sample,
)
from training.labels import FIVE_PARTS, LIP_PARTS, MPII_KEYPOINTS


class _TwoPeople(PersonDataset):
    labels = LabelSet(keypoint_names=('left', 'right'), part_names=LIP_PARTS)
    identities = np.zeros(2, np.int64)

    def __getitem__(self, index: int) -> Sample:
        parts = np.zeros((128, 64), np.uint8)
        parts[:64] = LIP_PARTS.index('hair')
        parts[64:, :32] = LIP_PARTS.index('pants') if index else IGNORED_PART
        state = VISIBLE if index else UNLABELLED
        return Sample(
            np.zeros((128, 64, 3), np.uint8),
            keypoints=np.array([[16, 32 + 32 * index, VISIBLE], [48, 96, state]], np.float32),
            parts=parts,
        )


def test_means_are_of_labelled_joints_and_the_commonest_labelled_parts() -> None:
    answers = blind_answers(_TwoPeople())
    assert answers.mean_pose == ((0.25, 0.375), (0.75, 0.75))
    template = np.array(answers.template)
    assert template.shape == TEMPLATE_HW
    assert (template[:32] == FIVE_PARTS.index('head')).all()
    assert (template[32:, :16] == FIVE_PARTS.index('lower_body')).all()
    assert (template[32:, 16:] == 0).all()


def test_answers_fit_any_crop_and_know_their_joints() -> None:
    answers = blind_answers(_TwoPeople())
    pose = answers.pose(('right', 'nose', 'left'), (200, 100))
    assert pose[0].tolist() == [75, 150]
    assert np.isnan(pose[1]).all()
    assert answers.parts((192, 96)).shape == (192, 96)


def test_answers_are_read_as_written(tmp_path: Path) -> None:
    answers = blind_answers(_TwoPeople())
    save_blind_answers(answers, tmp_path / 'answers.json')
    assert load_blind_answers(tmp_path / 'answers.json') == answers


def test_the_shipped_answers_look_like_a_person() -> None:
    answers = load_blind_answers(SHIPPED)
    assert answers.keypoint_names == MPII_KEYPOINTS
    pose = dict(zip(MPII_KEYPOINTS, answers.mean_pose, strict=True))
    heights = [
        pose[name][1] for name in ('head_top', 'thorax', 'pelvis', 'left_knee', 'left_ankle')
    ]
    assert heights == sorted(heights)
    assert all(abs(x - 0.5) < 0.15 for x, _ in answers.mean_pose)
    template = np.array(answers.template)
    assert template[32, 16] in (FIVE_PARTS.index('upper_body'), FIVE_PARTS.index('lower_body'))
    assert (template[:, [0, -1]] == 0).all()


def test_histograms_know_colours_and_their_height() -> None:
    red_over_blue = np.zeros((60, 30, 3), np.uint8)
    red_over_blue[:30, :, 0] = red_over_blue[30:, :, 2] = 200
    images = [red_over_blue, red_over_blue[:, ::-1], red_over_blue[::-1]]
    distances = histogram_distances(images[:1], images)
    assert distances[0] == pytest.approx([0, 0, 1], abs=1e-6)
