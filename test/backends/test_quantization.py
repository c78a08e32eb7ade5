from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from fake_checkpoint import PARAMS, write_fake_checkpoint
from fake_crops import fake_crops

from person_mtl_ros.backends import create_backend
from person_mtl_ros.backends.agreement import measure_agreement
from person_mtl_ros.backends.export import onnx_from_checkpoint, write_exported
from person_mtl_ros.checkpoint import Checkpoint, load_checkpoint, open_model

pytest.importorskip('nncf')
from person_mtl_ros.backends.quantization import quantize

TASKS = ('reid', 'attributes')
CROPS = fake_crops(24)


@pytest.fixture(scope='module')
def exported(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = quantize(onnx_from_checkpoint(checkpoint, TASKS), CROPS[:8])
    path = tmp_path_factory.mktemp('exported') / 'x.onnx'
    write_exported(model, checkpoint, 'openvino', 'int8', path)
    return path


@pytest.mark.parametrize('runtime', ['openvino', 'onnx'])
def test_answers_stay_near_those_in_floating_point(
    checkpoint: Checkpoint, exported: Path, runtime: str
) -> None:
    expected = create_backend('torch', checkpoint, 'cpu', TASKS).infer(CROPS[8:])
    backend = create_backend(runtime, open_model(exported), 'cpu', TASKS)
    assert backend.precision == 'int8'
    agreement = measure_agreement(expected, backend.infer(CROPS[8:]), 64)
    assert 0.98 < agreement['embedding_cosine'] < 0.999999
    assert 1e-6 < agreement['attribute_error'] < 0.1


def test_only_convolutions_are_quantized_and_not_the_first(exported: Path) -> None:
    nodes = onnx.load(exported).graph.node
    producers = {output: node.op_type for node in nodes for output in node.output}
    inputs = [
        (node.op_type, producers[node.input[0]]) for node in nodes if node.input[0] in producers
    ]
    first, *others = [producer for kind, producer in inputs if kind == 'Conv']
    assert first != 'DequantizeLinear'
    assert set(others) == {'DequantizeLinear'}
    consumers = {kind for kind, producer in inputs if producer == 'DequantizeLinear'}
    assert consumers <= {'Conv', 'Gemm', 'MatMul', 'Relu', 'MaxPool'}


def test_depthwise_convolutions_and_narrow_layers_stay_in_floating_point(tmp_path: Path) -> None:
    params = replace(
        PARAMS, backbone='efficientnet_lite0', width=32, norm='batch', tasks=('attributes',)
    )
    path = write_fake_checkpoint(tmp_path / 'x.safetensors', params=params)
    model = quantize(onnx_from_checkpoint(load_checkpoint(path), ('attributes',)), CROPS[:8])
    producers = {output: node.op_type for node in model.graph.node for output in node.output}
    depthwise, others = [], []
    for node in model.graph.node:
        if node.op_type == 'Conv':
            is_quantized = producers.get(node.input[0]) == 'DequantizeLinear'
            groups = next((a.i for a in node.attribute if a.name == 'group'), 1)
            (depthwise if groups > 1 else others).append(is_quantized)
    assert depthwise == [False] * 16
    assert others == [False] * 7 + [True] * (len(others) - 7)
