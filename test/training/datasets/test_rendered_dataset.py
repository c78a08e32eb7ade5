from pathlib import Path

import numpy as np
import pytest

from training.datasets.rendered import RenderedDataset
from training.datasets.sample import UNKNOWN, DatasetError
from training.synthetic.identity import attribute_row
from training.synthetic.shards import RenderedSet, person_of, render_set, shard_path

# One person fills a shard.
SET = RenderedSet('surveillance', identities=3, views=129, size_hw=(32, 16), seed=5)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('rendered')
    render_set(folder, SET, workers=1)
    return folder


def test_bytes_do_not_depend_on_workers_or_interruption(folder: Path, tmp_path: Path) -> None:
    assert SET.shards == 3
    render_set(tmp_path, SET, workers=2)
    for shard in range(SET.shards):
        whole = shard_path(folder, shard).read_bytes()
        assert shard_path(tmp_path, shard).read_bytes() == whole
    shard_path(tmp_path, 1).unlink()
    kept = shard_path(tmp_path, 0).stat().st_mtime_ns
    render_set(tmp_path, SET, workers=1)
    assert shard_path(tmp_path, 1).read_bytes() == shard_path(folder, 1).read_bytes()
    assert shard_path(tmp_path, 0).stat().st_mtime_ns == kept


def test_another_set_is_not_mixed_in(folder: Path) -> None:
    with pytest.raises(DatasetError, match='holds'):
        render_set(folder, RenderedSet('sports', 3, 129, (32, 16), 5))


def test_share_of_people_is_taken_with_identities_from_zero(folder: Path) -> None:
    data = RenderedDataset(folder, people=(0.34, 1.0))
    np.testing.assert_array_equal(data.identities, np.repeat(np.arange(2), SET.views))
    for index in (0, SET.views, len(data) - 1):
        sample = data[index]
        assert sample.identity == data.identities[index]
        person = person_of(SET, 1 + sample.identity)
        assert sample.attributes is not None
        np.testing.assert_array_equal(sample.attributes, attribute_row(person))


def test_only_labels_of_the_tasks_asked_for_are_given(folder: Path) -> None:
    default = RenderedDataset(folder)
    assert default[0].keypoints is None
    assert default[0].parts is None
    assert default.labels.keypoint_names == default.labels.part_names == ()
    parts = RenderedDataset(folder, labels=frozenset({'parts', 'pose'}))
    assert parts[0].attributes is None
    assert set(parts.identities) == {UNKNOWN}
    assert parts[0].keypoints is not None
    assert parts[0].parts is not None
    assert parts[0].parts.shape == SET.size_hw
    with pytest.raises(DatasetError, match='gender'):
        RenderedDataset(folder, labels=frozenset({'gender'}))


def test_people_are_seen_by_several_cameras_of_their_site(folder: Path) -> None:
    data = RenderedDataset(folder)
    cameras = np.array([data[index].camera for index in range(len(data))])
    assert set(cameras) == set(range(6))
    for person in range(SET.identities):
        assert len(set(cameras[data.identities == person])) == 6


def test_incomplete_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='no rendered set'):
        RenderedDataset(tmp_path)
    (tmp_path / 'index.json').write_text((folder / 'index.json').read_text())
    with pytest.raises(DatasetError, match='3 of 3 shards are missing'):
        RenderedDataset(tmp_path)
