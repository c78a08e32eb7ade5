import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from person_mtl_ros.backends.group_norm import rewrite_group_norms

SIZES = (12, 8, 4)  # C, H, W


def _model(groups: int, scale: np.ndarray, bias: np.ndarray, height: int | str) -> onnx.ModelProto:
    shape = ['n', SIZES[0], height, SIZES[2]]
    nodes = [
        # The map is in the middle of the graph, as in a network.
        helper.make_node('Identity', ['in'], ['x']),
        helper.make_node(
            'GroupNormalization', ['x', 'scale', 'bias'], ['y'], num_groups=groups, epsilon=1e-3
        ),
        helper.make_node('Relu', ['y'], ['out']),
    ]
    graph = helper.make_graph(
        nodes,
        'graph',
        [helper.make_tensor_value_info('in', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(scale, 'scale'), numpy_helper.from_array(bias, 'bias')],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 21)])


@pytest.mark.parametrize('groups', [1, 3, 12])
@pytest.mark.parametrize('offset', [0, 5])
def test_rewritten_layer_gives_what_torch_gives(groups: int, offset: float) -> None:
    rng = np.random.default_rng(0)
    scale, bias = rng.normal(size=(2, SIZES[0])).astype(np.float32)
    x = rng.normal(offset, 1, (2, *SIZES)).astype(np.float32)
    model = _model(groups, scale, bias, SIZES[1])
    assert rewrite_group_norms(model) == 1
    onnx.checker.check_model(model)
    assert 'GroupNormalization' not in {node.op_type for node in model.graph.node}
    (actual,) = ReferenceEvaluator(model).run(None, {'in': x})
    expected = F.group_norm(
        *map(torch.from_numpy, (x,)), groups, *map(torch.from_numpy, (scale, bias)), 1e-3
    )
    np.testing.assert_allclose(actual, F.relu(expected).numpy(), atol=1e-4)


def test_a_map_of_unknown_size_is_refused() -> None:
    model = _model(3, np.ones(12, np.float32), np.zeros(12, np.float32), 'height')
    with pytest.raises(ValueError, match='not fixed'):
        rewrite_group_norms(model)


def test_a_graph_without_group_norm_stays_as_it_is() -> None:
    model = _model(3, np.ones(12, np.float32), np.zeros(12, np.float32), SIZES[1])
    rewrite_group_norms(model)
    before = model.SerializeToString()
    assert rewrite_group_norms(model) == 0
    assert model.SerializeToString() == before
