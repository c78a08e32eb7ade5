from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from fake_checkpoint import INFO
from fake_crops import fake_crops
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from person_mtl_ros.backends.agreement import disagreements, measure_agreement
from person_mtl_ros.backends.export import onnx_from_checkpoint
from person_mtl_ros.backends.typed_graph import cut_to_tasks, type_graph
from person_mtl_ros.checkpoint import Checkpoint
from person_mtl_ros.tasks import TASKS


@pytest.fixture(scope='module')
def model(checkpoint: Checkpoint) -> onnx.ModelProto:
    return onnx_from_checkpoint(checkpoint, TASKS)


def _typed(model: onnx.ModelProto, precision: str, tasks: tuple[str, ...] = TASKS):
    typed = cut_to_tasks(model, tasks)
    type_graph(typed, precision)
    onnx.checker.check_model(typed, full_check=True)
    return typed


def _types(model: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.value_info, *graph.output)}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _run(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    names = [output.name for output in model.graph.output]
    # Unlike ONNX Runtime on a CPU, it rounds to half precision where the graph says so.
    return dict(
        zip(names, ReferenceEvaluator(model).run(names, {'crops': fake_crops(2)}), strict=True)
    )


@pytest.mark.parametrize('precision', ['fp16', 'fp32'])
def test_answers_stay_within_the_bounds(model: onnx.ModelProto, precision: str) -> None:
    expected, actual = _run(model), _run(_typed(model, precision))
    assert disagreements(measure_agreement(expected, actual, INFO.crop.height)) == []
    moved = np.abs(expected['pose'] - actual['pose']).max()
    assert (moved > 0) == (precision == 'fp16')
    assert {task: a.dtype for task, a in actual.items()} == {
        task: e.dtype for task, e in expected.items()
    }


def test_maps_are_half_and_statistics_are_not(model: onnx.ModelProto) -> None:
    typed = _typed(model, 'fp16')
    types = _types(typed)
    inputs = {
        kind: {types[n.input[0]] for n in typed.graph.node if n.op_type == kind}
        for kind in ('Conv', 'Relu', 'MaxPool', 'Resize', 'ReduceMean', 'ReduceL2', 'Softmax')
    }
    half, single = {TensorProto.FLOAT16}, {TensorProto.FLOAT}
    # The network ends in a ReLU behind BatchNorm, of the attributes, on no map.
    assert inputs.pop('Relu') == half | single
    assert inputs == {
        'Conv': half,
        'MaxPool': half,
        'Resize': half,
        'ReduceMean': single,
        'ReduceL2': single,
        'Softmax': single,
    }


def test_a_group_norm_is_entered_and_left_once(model: onnx.ModelProto) -> None:
    """One cast before it, one behind it, and one more at each of the few ends of the network."""
    typed = _typed(model, 'fp16')
    norms = sum(node.op_type == 'Sqrt' for node in typed.graph.node)
    casts = Counter(node.op_type for node in typed.graph.node)['Cast']
    assert norms > 20
    assert 2 * norms <= casts <= 2 * norms + 10


@pytest.mark.parametrize('precision', ['fp16', 'fp32'])
def test_labels_become_bytes_by_way_of_floats(model: onnx.ModelProto, precision: str) -> None:
    typed = _typed(model, precision)
    types = _types(typed)
    (last,) = [node for node in typed.graph.node if 'parts' in node.output]
    assert last.op_type == 'Cast'
    assert types[last.input[0]] == TensorProto.FLOAT


def test_what_only_other_tasks_need_is_left_out(model: onnx.ModelProto) -> None:
    typed = _typed(model, 'fp16', ('reid',))
    assert [output.name for output in typed.graph.output] == ['reid']
    assert not any(node.op_type in ('Resize', 'Softmax') for node in typed.graph.node)


def test_the_given_graph_stays_as_it_is(model: onnx.ModelProto, tmp_path: Path) -> None:
    before = model.SerializeToString()
    _typed(model, 'fp16')
    assert model.SerializeToString() == before
