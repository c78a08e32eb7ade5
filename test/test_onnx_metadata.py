import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip('onnx')

from person_mtl_ros import onnx_metadata  # noqa: E402
from person_mtl_ros.onnx_metadata import graph_digest, read_metadata  # noqa: E402

METADATA = {'key': 'value', 'long': 'ä' * 1000, 'empty': ''}


def _write(path: Path, value: float = 1, metadata: dict[str, str] = METADATA) -> Path:
    weights = onnx.numpy_helper.from_array(np.full(1000, value, np.float32), 'weights')
    node = onnx.helper.make_node('Identity', ['weights'], ['y'])
    output = onnx.helper.make_tensor_value_info('y', onnx.TensorProto.FLOAT, [1000])
    graph = onnx.helper.make_graph([node], 'graph', [], [output], [weights])
    model = onnx.helper.make_model(graph, producer_name='x' * 200)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def test_metadata_is_read_as_written(tmp_path: Path) -> None:
    assert read_metadata(_write(tmp_path / 'x.onnx')) == METADATA


def test_digest_follows_the_graph_alone(tmp_path: Path) -> None:
    digests = [
        graph_digest(_write(tmp_path / 'x.onnx', value, metadata))
        for value, metadata in ((1, METADATA), (1, {}), (2, METADATA))
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    'content',
    [
        b'\x89PNG\r\n\x1a\n' + bytes(1000),
        b'\xff' * 100,
        b'{"json": 1}',
    ],
    ids=['picture', 'ones', 'json'],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'x.onnx').write_bytes(content)
    with pytest.raises(ValueError, match='not an ONNX file'):
        read_metadata(tmp_path / 'x.onnx')


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / 'x.onnx')
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) // 2, 10):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match='truncated'):
            read_metadata(path)


def test_reading_needs_no_onnx(tmp_path: Path) -> None:
    path = _write(tmp_path / 'x.onnx')
    program = (
        'import sys; from pathlib import Path; '
        'from person_mtl_ros.onnx_metadata import read_metadata; '
        f'read_metadata(Path({str(path)!r})); sys.exit("onnx" in sys.modules)'
    )
    root = Path(onnx_metadata.__file__).parents[1]
    subprocess.run([sys.executable, '-c', program], check=True, cwd=root)
