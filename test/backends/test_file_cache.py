from pathlib import Path

import pytest

from person_mtl_ros.backends.file_cache import cached_file


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
    assert list(cache_folder.iterdir()) == []


def test_without_a_writable_folder_the_file_is_made_elsewhere(
    cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache_folder.parent.write_text('a file in the place of the folder')
    path = cached_file('x.onnx', {}, Writer())
    assert path.read_bytes() == b'result'
    assert f'no cache in {cache_folder}' in caplog.text
