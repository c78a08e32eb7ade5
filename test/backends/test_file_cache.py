import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import person_mtl_ros
from person_mtl_ros.backends import file_cache
from person_mtl_ros.backends.file_cache import cached_file

DAY_SEC = 86400


class Writer:
    """Counts how often it is needed."""

    def __init__(self, content: bytes = b'result') -> None:
        self.count = 0
        self._content = content

    def __call__(self, path: Path) -> None:
        self.count += 1
        path.write_bytes(self._content)


def test_a_file_is_made_once(cache_folder: Path) -> None:
    write = Writer()
    first, second = (cached_file('x.onnx', {'a': '1'}, write) for _ in range(2))
    assert first == second
    assert first.parent == cache_folder
    assert first.name.startswith('x-')
    assert first.suffix == '.onnx'
    assert write.count == 1


def test_another_key_makes_another_file() -> None:
    write = Writer()
    keys = ({'version': '1'}, {'version': '2'}, {'version': '1', 'device': 'cpu'})
    assert len({cached_file('x.onnx', key, write) for key in keys}) == 3


@pytest.mark.parametrize('content', [b'', b'resulT', b'result and more'])
def test_a_broken_file_is_made_again(content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    write = Writer()
    path = cached_file('x.onnx', {}, write)
    path.write_bytes(content)
    assert cached_file('x.onnx', {}, write).read_bytes() == b'result'
    assert f'{path} is broken' in caplog.text
    cached_file('x.onnx', {}, write)
    assert write.count == 2


def test_a_file_that_lost_its_digest_is_made_again(cache_folder: Path) -> None:
    write = Writer()
    cached_file('x.onnx', {}, write)
    for seal in cache_folder.glob('*.sha256'):
        seal.unlink()
    cached_file('x.onnx', {}, write)
    assert write.count == 2


def test_a_failed_attempt_leaves_nothing(cache_folder: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b'half')
        raise ValueError('no')

    with pytest.raises(ValueError, match='no'):
        cached_file('x.onnx', {}, fail)
    assert {path.name for path in cache_folder.iterdir()} <= {'.lock'}


def test_without_a_writable_folder_the_file_is_made_elsewhere(
    cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache_folder.parent.write_text('a file in the place of the folder')
    path = cached_file('x.onnx', {}, Writer())
    assert path.read_bytes() == b'result'
    assert f'no cache in {cache_folder}' in caplog.text


def _age(path: Path, days: float) -> None:
    """Make it look as if it was last used so long ago."""
    then = time.time() - days * DAY_SEC
    for file in path.parent.glob(f'{path.name}*'):
        os.utime(file, (then, then))


def test_what_was_not_used_for_long_is_removed(cache_folder: Path) -> None:
    old, recent = (cached_file('x.onnx', {'version': v}, Writer()) for v in '12')
    _age(old, 31)
    _age(recent, 29)
    new = cached_file('x.onnx', {'version': '3'}, Writer())
    assert set(cache_folder.glob('x-*.onnx')) == {recent, new}
    assert len(list(cache_folder.glob('*.sha256'))) == 2


def test_a_file_in_use_never_grows_old() -> None:
    write = Writer()
    path = cached_file('x.onnx', {}, write)
    for _ in range(2):
        _age(path, 29)
        cached_file('x.onnx', {}, write)
    _age(path, 2)
    assert cached_file('x.onnx', {}, write) == path
    assert write.count == 1


def test_beyond_its_limit_the_cache_loses_what_was_used_least_recently(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cache, 'LIMIT_BYTES', 2 * len(b'result'))
    paths = [cached_file('x.onnx', {'version': v}, Writer()) for v in '123']
    for path, days in zip(paths, (2, 3, 1), strict=True):
        _age(path, days)
    cached_file('x.onnx', {'version': '1'}, Writer())  # used again
    assert set(cache_folder.glob('x-*.onnx')) == {paths[0], paths[2]}


def test_the_limit_takes_nothing_from_other_processes(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cache, 'LIMIT_BYTES', 0)
    paths = {cached_file('x.onnx', {'version': v}, Writer()) for v in '123'}
    cached_file('x.onnx', {'version': '1'}, Writer())
    assert set(cache_folder.glob('x-*.onnx')) == paths


def test_what_stopped_processes_left_is_removed(cache_folder: Path) -> None:
    cached_file('x.onnx', {}, Writer())
    left = [cache_folder / '.x-1.7.partial.onnx', cache_folder / 'x-2.onnx.sha256']
    for path in left:
        path.write_bytes(b'half')
        _age(path, 31)
    cached_file('x.onnx', {}, Writer())
    assert not any(path.exists() for path in left)


def test_a_process_keeps_what_it_found_while_others_remove(cache_folder: Path) -> None:
    for step in range(40):
        _age(cached_file('x.onnx', {'step': str(step)}, Writer()), 2)
    program = """
import sys
from person_mtl_ros.backends import file_cache
file_cache.LIMIT_BYTES = 0
for step in range(40):
    step = (step * int(sys.argv[1])) % 40
    path = file_cache.cached_file('x.onnx', {'step': str(step)}, lambda path: path.write_text('2'))
    assert path.read_text() in ('result', '2')
"""
    command = [sys.executable, '-c', program]
    root = Path(person_mtl_ros.__file__).parents[1]
    processes = [subprocess.Popen([*command, stride], cwd=root) for stride in ('3', '7', '11')]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(list(cache_folder.glob('x-*.onnx'))) == 40


def test_a_folder_in_the_cache_is_left_alone(cache_folder: Path) -> None:
    folder = cache_folder / 'of_somebody_else'
    folder.mkdir(parents=True, exist_ok=True)
    old = time.time() - 100 * DAY_SEC
    os.utime(folder, (old, old))
    cached_file('x.onnx', {'a': 'folder'}, Writer())
    assert folder.is_dir()
