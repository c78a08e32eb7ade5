import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import INFO, write_fake_checkpoint
from safetensors.numpy import save_file

from person_mtl_ros import checkpoint
from person_mtl_ros.checkpoint import (
    CheckpointError,
    load_checkpoint,
    load_info,
    model_info,
    save_checkpoint,
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    tensors = {'a': np.arange(6, dtype=np.float32).reshape(2, 3), 'n': np.array(7, np.int64)}
    save_checkpoint(tmp_path / 'x.safetensors', INFO, tensors)
    loaded = load_checkpoint(tmp_path / 'x.safetensors')
    assert loaded.info == replace(INFO, network_params=loaded.info.network_params)
    assert set(loaded.tensors) == {'a', 'n'}
    for name, tensor in tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        assert (loaded.tensors[name] == tensor).all()


def test_half_precision_halves_the_file_and_loads_as_float32(tmp_path: Path) -> None:
    tensors = {'a': np.linspace(-1, 1, 10000, dtype=np.float32)}
    save_checkpoint(tmp_path / 'full.safetensors', INFO, tensors)
    save_checkpoint(tmp_path / 'half.safetensors', INFO, tensors, half=True)
    sizes = [(tmp_path / f'{name}.safetensors').stat().st_size for name in ('full', 'half')]
    assert sizes[0] - sizes[1] == pytest.approx(20000, abs=16)
    loaded = load_checkpoint(tmp_path / 'half.safetensors').tensors['a']
    assert loaded.dtype == np.float32
    assert loaded == pytest.approx(tensors['a'], abs=5e-4)


def test_model_id_follows_the_content(tmp_path: Path) -> None:
    weights = np.zeros(3, np.float32)
    for name, tensor in {'a': weights, 'b': weights, 'c': weights + 1}.items():
        save_checkpoint(tmp_path / name, INFO, {'w': tensor})
    ids = [load_checkpoint(tmp_path / name).model_id for name in 'abc']
    assert ids[0] == ids[1] != ids[2]


def test_model_info_names_what_the_outputs_mean(tmp_path: Path) -> None:
    info = model_info(load_checkpoint(write_fake_checkpoint(tmp_path / 'x.safetensors')))
    assert info.attributes == INFO.attributes
    assert info.keypoint_names == INFO.keypoint_names
    assert info.same_person_threshold == 0.25
    assert len(info.model_id) == 12


def _missing(path: Path) -> None:
    pass


def _folder(path: Path) -> None:
    path.mkdir()


def _empty(path: Path) -> None:
    path.write_bytes(b'')


def _truncated(path: Path) -> None:
    write_fake_checkpoint(path)
    path.write_bytes(path.read_bytes()[:-1000])


def _picture(path: Path) -> None:
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(1000))


def _foreign(path: Path) -> None:
    save_file({'a': np.zeros(3)}, path, metadata={'format': 'pt'})


def _headless(path: Path) -> None:
    save_file({'a': np.zeros(3)}, path, metadata={'person_mtl': '{"format_version": 1}'})


def _three_ends(path: Path) -> None:
    save_checkpoint(path, replace(INFO, keypoint_edges=((0, 1, 2),)), {'a': np.zeros(3)})


def _newer(path: Path) -> None:
    save_file({'a': np.zeros(3)}, path, metadata={'person_mtl': '{"format_version": 99}'})


@pytest.mark.parametrize(
    ('write', 'reason'),
    [
        (_missing, 'no such file'),
        (_folder, 'cannot be read'),
        (_empty, 'truncated or not a safetensors file'),
        (_truncated, 'truncated or not a safetensors file'),
        (_picture, 'truncated or not a safetensors file'),
        (_foreign, "without 'person_mtl' in its header"),
        (_headless, 'broken header'),
        (_three_ends, 'broken header'),
        (_newer, 'format version 99'),
    ],
)
def test_an_unusable_file_is_named_with_its_fault(
    tmp_path: Path, write: object, reason: str
) -> None:
    path = tmp_path / 'weights.safetensors'
    write(path)
    for load in (load_info, load_checkpoint):
        with pytest.raises(CheckpointError) as caught:
            load(path)
        message = str(caught.value)
        assert str(path) in message
        assert reason in message
        assert '\n' not in message


def test_a_failed_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_fake_checkpoint(tmp_path / 'x.safetensors')
    before = path.read_bytes()

    write_bytes = Path.write_bytes

    def write_half(target: Path, content: bytes) -> None:
        write_bytes(target, content[:100])
        raise OSError('disk full')

    monkeypatch.setattr(Path, 'write_bytes', write_half)
    with pytest.raises(OSError, match='disk full'):
        save_checkpoint(path, INFO, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_reading_the_description_imports_no_torch(tmp_path: Path) -> None:
    path = write_fake_checkpoint(tmp_path / 'x.safetensors')
    program = (
        'import sys; from person_mtl_ros.checkpoint import load_info; '
        f'load_info({str(path)!r}); sys.exit("torch" in sys.modules)'
    )
    root = Path(checkpoint.__file__).parents[1]
    subprocess.run([sys.executable, '-c', program], check=True, cwd=root)
