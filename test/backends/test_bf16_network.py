import numpy as np
import openvino
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from openvino import opset13

from person_mtl_ros.backends.bf16_network import prepare_for_bf16, round_keeping_sums

HEIGHT = 64  # of the crop


def _nearest(values: NDArray) -> NDArray[np.float32]:
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64) + 0x8000
    return (bits & 0xFFFF0000).astype(np.uint32).view(np.float32)


def _is_bf16(values: NDArray) -> bool:
    return not (np.ascontiguousarray(values, np.float32).view(np.uint32) & 0xFFFF).any()


finite = st.floats(-100, 100, width=32, allow_subnormal=False)


@given(arrays(np.float32, (5, 9), elements=finite))
def test_every_weight_becomes_a_neighbour_and_no_sum_gets_worse(rows) -> None:
    rounded = round_keeping_sums(rows)
    assert _is_bf16(rounded)
    step = np.abs(rows) * 2.0**-7 + 1e-30
    assert (np.abs(rounded - rows) <= step).all()
    error = np.abs((rounded.astype(float) - rows).sum(axis=1))
    before = np.abs((_nearest(rows).astype(float) - rows).sum(axis=1))
    assert (error <= before + 1e-9).all()


def test_sums_are_kept() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 25)).astype(np.float32)
    error = np.abs((round_keeping_sums(rows) - rows.astype(float)).sum(axis=1))
    before = np.abs((_nearest(rows) - rows.astype(float)).sum(axis=1))
    assert error.mean() < 0.2 * before.mean()


def test_numbers_of_bf16_stay() -> None:
    rows = _nearest(np.random.default_rng(0).normal(size=(20, 9)))
    assert (round_keeping_sums(rows) == rows).all()


def _network(seed: int = 0) -> openvino.Model:
    """Two layers on maps as high as the crop, then two on maps of a quarter."""
    rng = np.random.default_rng(seed)

    def layer(x, weights, stride):
        convolution = opset13.group_convolution if weights.ndim == 5 else opset13.convolution
        y = convolution(
            x, opset13.constant(weights.astype(np.float32)), [stride] * 2, [1, 1], [1, 1], [1, 1]
        )
        return opset13.relu(y)

    image = opset13.parameter([1, 3, HEIGHT, HEIGHT // 2], np.float32, name='image')
    x = layer(image, rng.normal(size=(8, 3, 3, 3)), 1)
    x = layer(x, rng.normal(size=(8, 1, 1, 3, 3)), 4)
    x = layer(x, rng.uniform(size=(8, 1, 1, 3, 3)), 1)
    x = layer(x, rng.normal(size=(4, 8, 3, 3)), 1)
    return openvino.Model([opset13.result(x)], [image])


def _answer(core: openvino.Core, network: openvino.Model, precision: str) -> NDArray:
    compiled = core.compile_model(network, 'CPU', {'INFERENCE_PRECISION_HINT': precision})
    image = np.random.default_rng(1).uniform(0, 1, (1, 3, HEIGHT, HEIGHT // 2)).astype(np.float32)
    return compiled(image)[0]


def _weights(network: openvino.Model) -> list[NDArray]:
    return [
        operation.input_value(1).get_node().get_data()
        for operation in network.get_ordered_ops()
        if 'Convolution' in operation.get_type_name()
    ]


def test_weights_are_rounded_but_those_of_fine_maps() -> None:
    network = prepare_for_bf16(openvino.Core(), _network(), HEIGHT)
    exact, prepared = _weights(_network()), _weights(network)
    assert [_is_bf16(weights) for weights in prepared] == [False, True, True, True]
    assert (prepared[0] == exact[0]).all()
    for before, after in zip(exact[1:], prepared[1:], strict=True):
        sums = after.sum(axis=(-1, -2), dtype=float) - before.sum(axis=(-1, -2), dtype=float)
        assert np.abs(sums).max() < 0.01


@pytest.fixture
def core() -> openvino.Core:
    made = openvino.Core()
    if 'BF16' not in made.get_property('CPU', 'OPTIMIZATION_CAPABILITIES'):
        pytest.skip('this processor has no bf16')
    return made


def test_a_prepared_network_loses_less(core) -> None:
    errors = {}
    for name in ('plain', 'prepared'):
        errors[name] = []
        for seed in range(5):
            expected = _answer(core, _network(seed), 'f32')
            network = _network(seed)
            if name == 'prepared':
                network = prepare_for_bf16(core, network, HEIGHT)
            difference = _answer(core, network, 'bf16') - expected
            errors[name].append(np.linalg.norm(difference) / np.linalg.norm(expected))
    assert 0 < np.median(errors['prepared']) < 0.7 * np.median(errors['plain'])


def test_fine_maps_are_computed_in_fp32(core) -> None:
    exact = _answer(core, _network(), 'f32')
    no_map_is_fine = prepare_for_bf16(core, _network(), 4 * HEIGHT)
    assert (_answer(core, no_map_is_fine, 'bf16') != exact).any()
    all_maps_are_fine = prepare_for_bf16(core, _network(), HEIGHT // 4)
    assert (_answer(core, all_maps_are_fine, 'bf16') == exact).all()
