import logging
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import openvino
import pytest
import torch
from fake_checkpoint import INFO, PARAMS
from fake_crops import fake_crops

import person_mtl_ros
from person_mtl_ros.backends import BackendError, DeviceError, agreement, create_backend
from person_mtl_ros.backends.agreement import disagreements, measure_agreement
from person_mtl_ros.backends.export import export_checkpoint
from person_mtl_ros.backends.verification import DisagreementError
from person_mtl_ros.checkpoint import (
    CheckpointError,
    load_checkpoint,
    open_model,
    save_checkpoint,
)
from person_mtl_ros.networks.multi_task_net import TASKS, build_multi_task_net

RUNTIMES = ('onnx', 'openvino')


@pytest.mark.parametrize('runtime', RUNTIMES)
@pytest.mark.parametrize('count', [1, 3, 16])
def test_exported_network_answers_like_its_checkpoint(
    weights: Path, exported: Path, runtime: str, count: int
) -> None:
    expected = create_backend('torch', open_model(weights), 'cpu', TASKS).infer(fake_crops(count))
    actual = create_backend(runtime, open_model(exported), 'cpu', TASKS).infer(fake_crops(count))
    assert list(actual) == list(TASKS)
    for task in TASKS:
        assert actual[task].dtype == expected[task].dtype
        assert actual[task].shape == expected[task].shape
    assert disagreements(measure_agreement(expected, actual, INFO.crop.height)) == []


@pytest.mark.parametrize('sharing', ['multi', 'split'])
def test_tasks_with_stages_of_their_own_are_exported_too(tmp_path: Path, sharing: str) -> None:
    torch.manual_seed(0)
    params = replace(PARAMS, sharing=sharing, tasks=('reid', 'pose'))
    tensors = {k: v.numpy() for k, v in build_multi_task_net(params).state_dict().items()}
    info = replace(INFO, network_params=params.__dict__)
    save_checkpoint(tmp_path / 'x.safetensors', info, tensors)
    out = tmp_path / 'x.onnx'
    export = export_checkpoint(
        tmp_path / 'x.safetensors', out, 'onnx', params.tasks, fake_crops(16)
    )
    assert disagreements(export.agreement) == []


@pytest.mark.parametrize('runtime', RUNTIMES)
def test_heads_that_are_off_are_left_out(exported: Path, runtime: str) -> None:
    among = create_backend(runtime, open_model(exported), 'cpu', TASKS).infer(fake_crops(2))
    alone = create_backend(runtime, open_model(exported), 'cpu', ['pose']).infer(fake_crops(2))
    assert list(alone) == ['pose']
    np.testing.assert_allclose(alone['pose'], among['pose'], atol=1e-3)


def test_exported_file_says_nothing_of_where_it_was_made(exported: Path) -> None:
    graph = onnx.load(exported).graph
    assert graph.node
    assert not any(item.metadata_props for item in (*graph.node, *graph.value_info))


def test_exported_file_carries_the_description(weights: Path, exported: Path) -> None:
    source, model = load_checkpoint(weights), open_model(exported)
    assert model.info == source.info
    assert model.model_id == source.model_id
    assert model.export is not None
    assert (model.export.backend, model.export.precision) == ('onnx', 'fp32')
    assert disagreements(model.export.agreement) == []


def test_size_of_the_crops_can_change(weights: Path, tmp_path: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (16, 3, 48, 32), np.uint8)
    export_checkpoint(weights, tmp_path / 'x.onnx', 'onnx', ['pose'], crops)
    model = open_model(tmp_path / 'x.onnx')
    assert model.info.crop == replace(INFO.crop, height=48)
    pose = create_backend('onnx', model, 'cpu', ['pose']).infer(crops)['pose']
    assert pose[..., 1].max() < 48


def test_a_network_that_answers_differently_is_refused(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(agreement.EXACT.greatest, 'keypoint_error_px', -1.0)
    out = tmp_path / 'x.onnx'
    out.write_text('what was there')
    with pytest.raises(DisagreementError, match=r'keypoint_error_px 0\.\d+, expected at most'):
        export_checkpoint(weights, out, 'onnx', ['pose'], fake_crops(16))
    assert out.read_text() == 'what was there'
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ['x.onnx']


@pytest.mark.parametrize('runtime', RUNTIMES)
@pytest.mark.parametrize(
    ('device', 'tasks', 'reason'),
    [('cuda', TASKS, 'runs on the cpu'), ('cpu', ['gait'], 'no head for gait')],
)
def test_what_an_exported_network_has_not_is_named(
    exported: Path, runtime: str, device: str, tasks: list[str], reason: str
) -> None:
    with pytest.raises(BackendError, match=reason):
        create_backend(runtime, open_model(exported), device, tasks)


def test_torch_sends_to_the_checkpoint(exported: Path) -> None:
    with pytest.raises(BackendError, match=r'runs the \.safetensors file'):
        create_backend('torch', open_model(exported), 'cpu', TASKS)
    with pytest.raises(CheckpointError, match='exported from one'):
        load_checkpoint(exported)


@pytest.mark.parametrize('runtime', RUNTIMES)
def test_crops_of_another_size_fail_in_one_line(exported: Path, runtime: str) -> None:
    backend = create_backend(runtime, open_model(exported), 'cpu', TASKS)
    with pytest.raises(DeviceError, match='cpu failed on a batch of 2') as caught:
        backend.infer(np.zeros((2, 3, 32, 32), np.uint8))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('runtime', RUNTIMES)
def test_a_damaged_graph_is_refused(exported: Path, tmp_path: Path, runtime: str) -> None:
    path = tmp_path / 'x.onnx'
    path.write_bytes(exported.read_bytes().replace(b'ReduceL2', b'ReduceX2'))
    with pytest.raises(CheckpointError, match=r'x\.onnx is damaged'):
        create_backend(runtime, open_model(path), 'cpu', TASKS)


def test_a_truncated_file_is_refused(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / 'x.onnx'
    path.write_bytes(exported.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match='truncated'):
        open_model(path)


def test_compiled_networks_are_kept_and_checked(exported: Path, cache_folder: Path) -> None:
    expected = create_backend('openvino', open_model(exported), 'cpu', ['pose']).infer(
        fake_crops(1)
    )
    (blob,) = cache_folder.glob('*.blob')
    content = blob.read_bytes()
    blob.write_bytes(content[: len(content) // 2])
    again = create_backend('openvino', open_model(exported), 'cpu', ['pose']).infer(fake_crops(1))
    np.testing.assert_array_equal(again['pose'], expected['pose'])
    assert len(blob.read_bytes()) == len(content)


def test_a_checkpoint_is_exported_at_first_use(
    weights: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    for _ in range(2):
        backend = create_backend('onnx', open_model(weights), 'cpu', ['reid'])
        assert backend.infer(fake_crops(1))['reid'].shape == (1, INFO.embedding_dim)
    assert caplog.text.count('exporting') == 1
    assert len(list(cache_folder.glob('*.onnx'))) == 1


def test_auto_takes_the_fastest_that_is_installed(
    exported: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    create_backend('auto', open_model(exported), 'cpu', ['reid'])
    assert 'backend openvino on cpu in fp32; the fastest' in caplog.text
    caplog.clear()
    for module in ('openvino', 'person_mtl_ros.backends.openvino_backend'):
        monkeypatch.setitem(sys.modules, module, None)
    create_backend('auto', open_model(exported), 'cpu', ['reid'])
    assert 'backend onnx on cpu in fp32' in caplog.text
    assert 'not openvino on cpu: backend openvino is not installed' in caplog.text


def test_a_chosen_backend_is_told_too(exported: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    create_backend('onnx', open_model(exported), 'cpu', ['reid'])
    assert [record.getMessage() for record in caplog.records] == ['backend onnx on cpu in fp32']


def test_a_refused_precision_is_told_with_its_numbers(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if 'BF16' not in openvino.Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES'):
        pytest.skip('needs a processor with bf16')
    # Less than the error in bf16, more than that in fp32.
    monkeypatch.setitem(agreement.EXACT.greatest, 'keypoint_error_px', 1e-3)
    path = tmp_path / 'x.onnx'
    export = export_checkpoint(weights, path, 'openvino', ['pose'], fake_crops(16))
    assert export.precision == 'fp32'
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    caplog.clear()
    create_backend('openvino', open_model(path), 'cpu', ['pose'])
    (record,) = caplog.records
    assert re.search(
        r'openvino on cpu in fp32 \(bf16 was refused: keypoint_error_px 0\.\d+, expected at most',
        record.getMessage(),
    )


def test_auto_names_a_device_that_is_not_there(weights: Path) -> None:
    with pytest.raises(BackendError, match="not torch on quantum: device 'quantum' is not there"):
        create_backend('auto', open_model(weights), 'quantum', TASKS)


def test_auto_says_why_nothing_works(exported: Path) -> None:
    with pytest.raises(BackendError, match=r'not openvino on cpu.*not onnx on cpu.*not torch'):
        create_backend('auto', open_model(exported), 'cpu', ['gait'])


@pytest.mark.parametrize('runtime', RUNTIMES)
def test_exported_networks_run_without_torch(exported: Path, runtime: str) -> None:
    program = f"""
import sys
for name in ('torch', 'torchvision'):
    sys.modules[name] = None  # importing it fails
import numpy as np
from person_mtl_ros import cli, pipeline
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import Detection
predictor = Predictor({str(exported)!r}, {runtime!r}, 'cpu')
detection = Detection(np.array([10, 10, 60, 150], np.float32))
person, = predictor.predict(np.zeros((200, 200, 3), np.uint8), [detection])
assert person.keypoints.shape == (4, 3) and person.part_mask is not None
assert len(person.embedding) == {INFO.embedding_dim} and set(person.attributes)
"""
    root = Path(person_mtl_ros.__file__).parents[1]
    subprocess.run([sys.executable, '-c', program], check=True, cwd=root)
