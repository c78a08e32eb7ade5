"""
ONNX graphs with the types TensorRT wants.

TensorRT computes every operation in the type its inputs have (strong typing, the only way since
version 11), so half precision is written into the graph: maps are stored and convolutions computed
in fp16, while statistics, what is left of normalisation, softmax and decoding stay in fp32.
"""

from collections.abc import Iterable, Iterator, Sequence

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

# Inputs that carry the numbers; the others say how, and keep their type.
DATA_INPUTS = {'MaxPool': 1, 'ReduceMax': 1, 'ArgMax': 1, 'Relu': 1, 'Resize': 1, 'Slice': 1}
# In fp16 wherever they are: they are fast there, or only choose among their inputs.
ALWAYS_HALF = ('Conv', 'MaxPool', 'ReduceMax', 'ArgMax')
# In fp16 between maps, not where a map meets a number per channel: that is normalisation.
HALF_BETWEEN_MAPS = ('Relu', 'Resize', 'Slice', 'Concat', 'Add')


def cut_to_tasks(model: ModelProto, tasks: Sequence[str]) -> ModelProto:
    """
    Leave out what only other tasks need.

    :param model: with an output for each of the tasks.
    """
    return onnx.utils.Extractor(model).extract_model(['crops'], list(tasks))


def type_graph(model: ModelProto, precision: str) -> None:
    """
    Give a graph the types of TensorRT, in place; inputs and outputs keep theirs.

    :param model: in fp32, with maps of fixed height and width.
    :param precision: ``fp16`` or ``fp32``.
    """
    if precision == 'fp16':
        _Halves(model).type_nodes()
    _labels_through_floats(model.graph)


class _Halves:
    """Which tensors of a graph are stored in fp16, and the casts between them and the others."""

    def __init__(self, model: ModelProto) -> None:
        self._graph = model.graph
        self._maps = set(_maps(onnx.shape_inference.infer_shapes(model).graph))
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._outputs = {output.name for output in model.graph.output}
        self._halves: set[str] = set()
        self._casts: dict[tuple[str, int], str] = {}  # what exists in another type, by that type
        self._nodes: list[NodeProto] = []

    def type_nodes(self) -> None:
        """Put casts wherever a tensor meets a node that wants the other type, in place."""
        for node in self._graph.node:
            is_half = self._is_half(node)
            data = DATA_INPUTS.get(node.op_type, len(node.input))
            for index, name in enumerate(node.input):
                if is_half and index < data and name not in self._halves:
                    node.input[index] = self._cast(name, TensorProto.FLOAT16)
                elif not is_half and name in self._halves:
                    node.input[index] = self._cast(name, TensorProto.FLOAT)
            self._nodes.append(node)
            if is_half and node.op_type != 'ArgMax':  # whose output is an index
                self._halves.update(node.output)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        del self._graph.value_info[:]  # the types before

    def _is_half(self, node: NodeProto) -> bool:
        if not self._outputs.isdisjoint(node.output):
            return False
        data = node.input[: DATA_INPUTS.get(node.op_type, len(node.input))]
        return node.op_type in ALWAYS_HALF or (
            node.op_type in HALF_BETWEEN_MAPS and self._maps.issuperset(data)
        )

    def _cast(self, name: str, to: int) -> str:
        if not name:  # an input that is left out
            return name
        if (name, to) not in self._casts:
            result = f'{name}/{TensorProto.DataType.Name(to).lower()}'
            self._casts[name, to] = result
            if name in self._constants:
                value = numpy_helper.to_array(self._constants[name])
                kind = helper.tensor_dtype_to_np_dtype(to)
                tensor = numpy_helper.from_array(value.astype(kind), result)
                self._graph.initializer.append(tensor)
            else:
                self._nodes.append(helper.make_node('Cast', [name], [result], result, to=to))
        return self._casts[name, to]


def _labels_through_floats(graph: GraphProto) -> None:
    """TensorRT makes uint8 of floats only."""
    integers = {
        output for node in graph.node if node.op_type == 'ArgMax' for output in node.output
    }
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type == 'Cast' and integers.issuperset(node.input):
            floats = f'{node.input[0]}/floats'
            nodes.append(
                helper.make_node('Cast', node.input, [floats], floats, to=TensorProto.FLOAT)
            )
            node.input[0] = floats
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _maps(graph: GraphProto) -> Iterator[str]:
    """Tensors with a height and a width, one of which is more than one."""
    values: Iterable[onnx.ValueInfoProto] = (*graph.value_info, *graph.output)
    for value in values:
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        if len(shape) == 4 and shape[2] * shape[3] > 1:
            yield value.name
