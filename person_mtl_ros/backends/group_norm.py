"""
Group normalisation in ONNX graphs, written so that runtimes spend little on it.

Exporters break it into InstanceNormalization between two reshapes, which turn a channels-last map
round twice. Here the statistics come from one mean and one length per channel, reduced over the
map as it lies; all else happens on tensors of one number per channel, and what is left for the map
is one multiply-add, which runtimes fuse with the ReLU and the sum that follow. The result is the
same up to rounding: the variance of a group is the mean of squares minus the square of the mean.

Axes: N samples, C channels in G groups, H and W of a map.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper


def rewrite_group_norms(model: onnx.ModelProto) -> int:
    """
    Replace every GroupNormalization node, in place.

    :param model: with constant scale and bias, and maps of fixed height and width.
    :returns: how many there were.
    :raises ValueError: when the size of a map is not fixed.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    areas = dict(_areas(onnx.shape_inference.infer_shapes(model).graph))
    nodes: list[NodeProto] = []
    count = 0
    for node in graph.node:
        if node.op_type != 'GroupNormalization':
            nodes.append(node)
            continue
        if node.input[0] not in areas:
            raise ValueError(f'{node.name}: the height and width of its input are not fixed')
        replacement = _GroupNorm(node, constants, areas[node.input[0]])
        nodes += replacement.nodes
        graph.initializer.extend(replacement.constants)
        count += 1
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused_constants(graph)
    return count


class _GroupNorm:
    """The nodes that replace one GroupNormalization; ``area`` is H * W."""

    def __init__(self, node: NodeProto, constants: dict[str, TensorProto], area: int) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._prefix = node.output[0]
        x, scale, bias = node.input
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        groups = attributes['num_groups']
        # Of the opset: what torch writes by default too.
        epsilon = attributes.get('epsilon', 1e-5)
        gamma = numpy_helper.to_array(constants[scale])
        beta = numpy_helper.to_array(constants[bias])
        channels = len(gamma)
        per_group = (1, groups, channels // groups, 1)

        mean, variance = self._statistics(x, per_group, area)
        variance = self._node('Add', variance, self._constant('epsilon', np.float32(epsilon)))
        deviation = self._node('Sqrt', variance)
        factor = self._node('Div', self._constant('gamma', gamma.reshape(per_group)), deviation)
        shift = self._node(
            'Sub',
            self._constant('beta', beta.reshape(per_group)),
            self._node('Mul', mean, factor),
        )
        per_channel = self._constant('per_channel', np.array([0, channels, 1, 1]))
        scaled = self._node('Mul', x, self._node('Reshape', factor, per_channel))
        self.nodes.append(
            helper.make_node(
                'Add',
                [scaled, self._node('Reshape', shift, per_channel)],
                [node.output[0]],
                f'{self._prefix}/shifted',
            )
        )

    def _statistics(self, x: str, per_group: tuple[int, ...], area: int) -> tuple[str, str]:
        """Mean and variance of every group, (N, G, 1, 1)."""
        space = self._constant('space', np.array([2, 3]))
        members = self._constant('members', np.array([2]))
        grouped = self._constant('grouped', np.array([0, *per_group[1:]]))
        mean = self._node('ReduceMean', x, space)
        mean = self._node('ReduceMean', self._node('Reshape', mean, grouped), members)
        # A length reads the map once; squares would be written and read again.
        length = self._node('ReduceL2', x, space)
        length = self._node('ReduceL2', self._node('Reshape', length, grouped), members)
        root = np.float32((area * per_group[2]) ** -0.5)
        rms = self._node('Mul', length, self._constant('root', root))
        variance = self._node('Sub', self._node('Mul', rms, rms), self._node('Mul', mean, mean))
        return mean, variance

    def _constant(self, name: str, value: np.ndarray | np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), f'{self._prefix}/{name}'))
        return self.constants[-1].name

    def _node(self, kind: str, *inputs: str) -> str:
        output = f'{self._prefix}/{len(self.nodes)}_{kind}'
        self.nodes.append(helper.make_node(kind, inputs, [output], output))
        return output


def _areas(graph: onnx.GraphProto) -> Iterator[tuple[str, int]]:
    for value in graph.value_info:
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        if len(shape) == 4 and all(shape[2:]):
            yield value.name, shape[2] * shape[3]


def _drop_unused_constants(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
