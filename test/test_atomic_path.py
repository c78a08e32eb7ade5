import os
from threading import Thread

import pytest

from person_mtl_ros.atomic_path import atomic_path


def test_file_appears_when_the_block_ends_well(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('old')
    with atomic_path(path) as temporary:
        assert temporary.suffix == '.json'
        temporary.write_text('new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('is_folder', [False, True])
def test_failure_leaves_nothing(tmp_path, is_folder):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / 'a') as temporary:
        if is_folder:
            temporary.mkdir()
            (temporary / 'part').write_text('half')
        else:
            temporary.write_text('half')
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_folder_is_not_replaced(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'kept').write_text('old')
    with pytest.raises(OSError, match='not empty'), atomic_path(tmp_path / 'a') as temporary:
        temporary.mkdir()
    assert [path.name for path in tmp_path.rglob('*')] == ['a', 'kept']


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    path = tmp_path / 'pipe'
    os.mkfifo(path)
    received = []
    reader = Thread(target=lambda: received.append(path.read_text()), daemon=True)
    reader.start()
    with atomic_path(path) as temporary:
        temporary.write_text('new')
    reader.join(5.0)
    assert received == ['new'] and path.is_fifo()
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / 'files').mkdir()
    (tmp_path / 'files' / 'a.json').write_text('old')
    link = tmp_path / 'latest.json'
    link.symlink_to('files/a.json')
    with atomic_path(link) as temporary:
        temporary.write_text('new')
    assert link.is_symlink() and link.read_text() == 'new'
    assert [path.name for path in (tmp_path / 'files').iterdir()] == ['a.json']


def test_missing_parent_is_named(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match='nowhere does not exist'),
        atomic_path(tmp_path / 'nowhere' / 'a'),
    ):
        pass
