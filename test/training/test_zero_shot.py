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
    part_sets,
    pose_sets,
    retrieval_sets,
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


def test_a_broken_file_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / 'pose/mpii'
    folder.mkdir(parents=True)
    (folder / 'people.json').write_text('{"annotations": [')
    with pytest.raises(SystemExit) as stop:
        _run(tmp_path, tmp_path / 'report.json', monkeypatch)
    assert stop.value.code == 1
    assert 'people.json: not JSON' in capsys.readouterr().err


def test_stored_distances_follow_the_order_of_the_files(shared_data: Path) -> None:
    ((name, data),) = retrieval_sets(shared_data, CROP)
    stored = np.load(shared_data / 'metrics/reid_mini_market1501/distances.npz')
    distances = stored_distances(shared_data, name, data)
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
    assert stored_distances(shared_data, 'reid/mini_market1501', data) is None
    assert stored_distances(tmp_path, 'reid/mini_market1501', data) is None


def test_pose_sets_have_the_joints_of_mpii_or_limbs(shared_data: Path) -> None:
    sets = {name: (names, len(people)) for name, names, people in pose_sets(shared_data)}
    assert sets['pose/mpii'] == (MPII_KEYPOINTS, 3)
    assert all(names == LIMBS for name, (names, _) in sets.items() if name != 'pose/mpii')
    assert sets['pose/jhmdb'][1] == 2
    assert sets['pose/posetrack18'][1] == 2  # the third is cut off by the image


def test_people_who_stand_apart_are_found(shared_data: Path) -> None:
    labels = np.zeros((100, 200), np.uint8)
    labels[10:90, 10:40] = LIP_PARTS.index('coat')  # a person
    labels[40:90, 80:160] = LIP_PARTS.index('coat')  # a group
    labels[5:8, 190:192] = LIP_PARTS.index('hat')  # a speck
    (person,) = separate_people(np.zeros((100, 200, 3), np.uint8), labels)
    assert person.box_xyxy.tolist() == [10, 10, 40, 90]
    ((name, people),) = part_sets(shared_data)
    assert name == 'parsing/cihp'
    assert people
