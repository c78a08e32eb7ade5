import json
import sys
from pathlib import Path

import numpy as np
import pytest
from datasets_on_disk import write_pixels

from person_mtl_ros.checkpoint import default_checkpoint, load_checkpoint
from person_mtl_ros.crops import CropParams
from training import zero_shot
from training.datasets.market1501 import Market1501
from training.labels import LIP_PARTS, MPII_KEYPOINTS
from training.real_samples import (
    LIMBS,
    attribute_file,
    read_parts,
    read_poses,
    retrieval_folders,
    separate_people,
    stored_distances,
)

CROP = CropParams(height=128, width=64)


def _run(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict:
    arguments = ['zero_shot', str(folder), '--json', str(out), '--device', 'cpu', *more]
    monkeypatch.setattr(sys, 'argv', arguments)
    zero_shot.main()
    return json.loads(out.read_text())


def test_all_tasks_are_measured_on_real_people_beside_their_baselines(
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    report = _run(shared_data, tmp_path / 'report.json', monkeypatch)
    assert report['missing'] == []
    assert report['model_id'] == load_checkpoint(default_checkpoint()).model_id
    results = report['results']
    market = results['reid/mini_market1501']
    expected = json.loads((shared_data / 'expected/reid.json').read_text())['reid_mini_market1501']
    histograms = market['reid']['baselines']['colour histograms']
    assert histograms['mAP'] == pytest.approx(expected['mAP'], abs=1e-5)
    assert histograms['rank1'] == pytest.approx(expected['CMC_rank1_to_10'][0], abs=1e-5)
    assert market['reid']['network']['mAP'] > 0.1
    assert set(market['attributes']['baselines']) == {'commonest class'}
    assert 0 < results['pose/mpii']['pose']['network']['PCKh'] <= 1
    assert 0 <= results['pose/coco']['pose']['network']['OKS-AP'] <= 1
    together = results['pose, all with limbs only']['pose']['people']
    assert together == sum(
        tasks['pose']['people']
        for name, tasks in results.items()
        if name.startswith('pose/') and name != 'pose/mpii'
    )
    parts = results['parsing/cihp']['parts']
    for name in ('all background', 'template'):
        assert parts['baselines'][name]['mIoU_5'] < parts['network']['mIoU_5']
    table = capsys.readouterr().out
    for word in ('mAP', 'colour histograms', 'PCKh', 'mean pose', 'mIoU_5', 'template'):
        assert word in table


def test_an_empty_folder_is_told_task_by_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'empty').mkdir()
    report = _run(tmp_path / 'empty', tmp_path / 'report.json', monkeypatch)
    assert report['results'] == {}
    assert [line.split(':')[0] for line in report['missing']] == [
        'reid',
        'attributes',
        'pose',
        'parts',
    ]
    assert 'not measured: parts' in capsys.readouterr().out


def test_what_cannot_be_measured_does_not_keep_the_rest_from_it(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        'pose/mpii/broken.json',
        'parsing/cihp/labels/1.png',
        'parsing/cihp/images/1.jpg',
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('[{')
    for part in ('query', 'bounding_box_test'):
        write_pixels(
            tmp_path / f'reid/alone/{part}/0001_c1s1_000001_00.jpg',
            np.zeros((128, 64, 3), np.uint8),
        )
    (tmp_path / 'pose/jhmdb').symlink_to(shared_data / 'pose/jhmdb')
    report = _run(tmp_path, tmp_path / 'report.json', monkeypatch)
    assert list(report['results']) == ['pose/jhmdb', 'pose, all with limbs only']
    missing = '\n'.join(report['missing'])
    assert 'reid/alone: none of 1 queries has a match' in missing
    assert 'broken.json: not JSON' in missing
    assert '1.jpg: missing or not an image' in missing
    assert 'attributes: nothing to measure' in missing


def test_without_weights_or_folder_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    report = tmp_path / 'report.json'
    for folder, out, weights, message in (
        (tmp_path / 'none', report, default_checkpoint(), 'no such folder'),
        (tmp_path, tmp_path / 'no/report.json', default_checkpoint(), 'does not exist'),
        (tmp_path, report, tmp_path / 'none.safetensors', 'no such file'),
    ):
        with pytest.raises(SystemExit) as stop:
            _run(folder, out, monkeypatch, '--weights', str(weights))
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


def test_stored_distances_follow_the_order_of_the_files(shared_data: Path) -> None:
    (root,) = retrieval_folders(shared_data)
    data = Market1501(root, CROP, 'test', attribute_file(shared_data))
    stored = np.load(shared_data / 'metrics/reid_mini_market1501/distances.npz')
    distances = stored_distances(shared_data, root.name, data)
    assert distances is not None
    assert data.is_query is not None
    queries = [
        path.name for path, is_query in zip(data.paths, data.is_query, strict=True) if is_query
    ]
    row, column = 5, 0
    first = next(
        p.name for p, is_query in zip(data.paths, data.is_query, strict=True) if not is_query
    )
    expected = stored['distmat'][
        stored['q_files'].tolist().index(queries[row]), stored['g_files'].tolist().index(first)
    ]
    assert distances[row, column] == expected


def test_distances_of_other_files_are_not_used(shared_data: Path, tmp_path: Path) -> None:
    for part in ('query', 'bounding_box_test'):
        write_pixels(
            tmp_path / f'reid/mini_market1501/{part}/0001_c1s1_000001_00.jpg',
            np.zeros((128, 64, 3), np.uint8),
        )
    data = Market1501(tmp_path / 'reid/mini_market1501', CROP, 'test')
    assert stored_distances(shared_data, 'mini_market1501', data) is None
    assert stored_distances(tmp_path, 'mini_market1501', data) is None


def test_pose_sets_have_the_joints_of_mpii_or_limbs(shared_data: Path) -> None:
    counts = {
        'mpii/test_mpii': (MPII_KEYPOINTS, 3),
        'jhmdb/test_jhmdb_sub1': (LIMBS, 2),
        'posetrack18/test_posetrack18_val': (LIMBS, 2),  # the third is cut off by the image
        'posetrack18/test_posetrack18_human_detections': (LIMBS, 0),
    }
    for name, expected in counts.items():
        names, people = read_poses(shared_data / f'pose/{name}.json')
        assert (names, len(people)) == expected


def test_people_who_stand_apart_are_found(shared_data: Path) -> None:
    labels = np.zeros((100, 200), np.uint8)
    labels[10:90, 10:40] = LIP_PARTS.index('coat')  # a person
    labels[40:90, 80:160] = LIP_PARTS.index('coat')  # a group
    labels[5:8, 190:192] = LIP_PARTS.index('hat')  # a speck
    (person,) = separate_people(np.zeros((100, 200, 3), np.uint8), labels)
    assert person.box_xyxy.tolist() == [10, 10, 40, 90]
    assert len(read_parts(shared_data / 'parsing/cihp/labels')) == 3
