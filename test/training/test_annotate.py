import json
import sys
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest
from fake_checkpoint import INFO, PARAMS, write_fake_checkpoint
from tiny_training import RandomPeople

from person_mtl_ros.backends import create_backend
from person_mtl_ros.checkpoint import load_checkpoint, save_checkpoint
from person_mtl_ros.networks.multi_task_net import build_multi_task_net
from training import annotate as module
from training.annotate import AnnotateError, annotate
from training.annotations import DESCRIPTION, AnnotatedDataset
from training.datasets.crop_folder import CropFolder
from training.datasets.sample import UNLABELLED, VISIBLE, DatasetError
from training.labels import KEYPOINT_SETS, PART_SETS


@pytest.fixture
def weights(tmp_path):
    """Random weights of a network with MPII's joints and the parts of the paper."""
    params = replace(PARAMS, joints=16)
    tensors = {k: v.numpy() for k, v in build_multi_task_net(params).state_dict().items()}
    info = replace(
        INFO,
        network_params=asdict(params),
        keypoint_names=KEYPOINT_SETS['mpii'].names,
        part_names=PART_SETS['five'].names,
    )
    save_checkpoint(tmp_path / 'network.safetensors', info, tensors)
    return tmp_path / 'network.safetensors'


@pytest.fixture
def crops(tmp_path):
    folder = tmp_path / 'crops'
    folder.mkdir()
    for index in range(5):
        image = np.random.default_rng(index).integers(0, 256, (128, 64, 3), np.uint8)
        cv2.imwrite(str(folder / f'{index}.png'), image)
    return CropFolder(folder, replace(INFO.crop, height=128, width=64))


def test_labels_are_the_answers_of_the_network_at_the_size_of_the_image(weights, crops, tmp_path):
    annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    sample = AnnotatedDataset(crops, tmp_path / 'labels', min_score=0.0)[3]
    small = cv2.resize(crops[3].image_rgb, (32, 64), interpolation=cv2.INTER_AREA)
    backend = create_backend('torch', load_checkpoint(weights), 'cpu', ['pose', 'parts'])
    answer = backend.infer(small.transpose(2, 0, 1)[None])
    # Means of 2 x 2 pixels are rounded one way or the other.
    np.testing.assert_allclose(sample.keypoints[:, :2], 2 * answer['pose'][0, :, :2], atol=0.2)
    assert (sample.keypoints[:, 2] == VISIBLE).all()
    assert sample.parts.shape == (128, 64)
    assert (sample.parts[::2, ::2] == answer['parts'][0]).mean() > 0.95


def test_joints_a_network_is_not_sure_of_stay_without_label(weights, crops, tmp_path):
    annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    sample = AnnotatedDataset(crops, tmp_path / 'labels', min_score=1.1)[0]
    assert (sample.keypoints[:, 2] == UNLABELLED).all()


def test_labels_a_data_set_has_are_kept(weights, tmp_path):
    people = RandomPeople(count=6)
    annotate(people, [weights], tmp_path / 'labels', 'cpu')
    annotated = AnnotatedDataset(people, tmp_path / 'labels')
    assert annotated.labels == people.labels
    np.testing.assert_array_equal(annotated[2].keypoints, people[2].keypoints)


def test_labels_of_another_data_set_are_refused(weights, crops, tmp_path):
    annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    with pytest.raises(DatasetError, match='of 5 samples, the data set has 6'):
        AnnotatedDataset(RandomPeople(count=6), tmp_path / 'labels')


def test_labels_of_crops_of_another_shape_are_refused(weights, crops, tmp_path):
    annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    wide = CropFolder(tmp_path / 'crops', replace(INFO.crop, height=128, width=96))
    with pytest.raises(DatasetError, match='crops of 64x32, those of the data set are 128x96'):
        AnnotatedDataset(wide, tmp_path / 'labels')[0]


def test_labels_of_people_cut_with_another_context_are_refused(weights, crops, tmp_path):
    crops.context = 1.1
    annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    assert AnnotatedDataset(crops, tmp_path / 'labels').context == 1.1
    for context, words in ((1.25, 'people cut with context 1.25'), (None, 'that are crops')):
        crops.context = context
        with pytest.raises(DatasetError, match=f'with context 1.1, the data set has .*{words}'):
            AnnotatedDataset(crops, tmp_path / 'labels')


def test_labels_that_do_not_say_their_crop_are_refused(weights, crops, tmp_path):
    annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    description = json.loads((tmp_path / 'labels' / DESCRIPTION).read_text())
    del description['context']
    (tmp_path / 'labels' / DESCRIPTION).write_text(json.dumps(description))
    with pytest.raises(DatasetError, match=r"version: .*'context'; annotate again"):
        AnnotatedDataset(crops, tmp_path / 'labels')


def test_networks_of_different_crops_are_refused(weights, crops, tmp_path):
    checkpoint = load_checkpoint(weights)
    info = replace(checkpoint.info, crop=replace(INFO.crop, context=1.3))
    save_checkpoint(tmp_path / 'other.safetensors', info, checkpoint.tensors)
    with pytest.raises(AnnotateError, match=r'different crops: 64x32 .*, 64x32 with context 1\.3'):
        annotate(crops, [weights, tmp_path / 'other.safetensors'], tmp_path / 'labels', 'cpu')


def test_labels_that_were_not_finished_are_refused(crops, tmp_path):
    with pytest.raises(DatasetError, match='no such file'):
        AnnotatedDataset(crops, tmp_path)


def test_networks_of_unknown_joints_are_refused(crops, tmp_path):
    weights = write_fake_checkpoint(tmp_path / 'four_joints.safetensors')
    earlier = tmp_path / 'labels' / DESCRIPTION
    earlier.parent.mkdir()
    earlier.touch()
    with pytest.raises(AnnotateError, match='joints that are none of mpii'):
        annotate(crops, [weights], tmp_path / 'labels', 'cpu')
    assert earlier.exists()


def test_the_command_says_what_is_wrong_in_one_line(monkeypatch, capsys, tmp_path):
    arguments = ['--dataset', 'crops', '--option', f'root={tmp_path}', '--out', str(tmp_path)]
    weights = write_fake_checkpoint(tmp_path / 'w.safetensors')
    monkeypatch.setattr('sys.argv', ['annotate', *arguments, '--weights', str(weights)])
    assert module.main() == 2
    error = capsys.readouterr().err
    assert error.startswith('annotate:') and error.count('\n') == 1
    monkeypatch.setattr('sys.argv', [*sys.argv, '--option', 'root=[1'])
    assert module.main() == 2
    assert capsys.readouterr().err.startswith('annotate: root=[1: not YAML')
