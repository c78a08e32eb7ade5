"""Writes a network that looks like YOLOX from outside and takes blue for people."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FIELDS = 7  # x, y, width, height, objectness, person, something else
PERSON_CELLS = (2.0, 4.0)  # width and height of a person, cells


def save_yolox(path: Path, strides: tuple[int, ...] = (8, 16, 32)) -> Path:
    """
    Save it. The score of a cell of 8 pixels is its mean blue, of 255; other cells have none.

    Red is something else. Everybody is ``PERSON_CELLS`` large and in the middle of a cell.

    :param strides: of the cells; others than YOLOX's make another network.
    """
    bias = np.array([0.5, 0.5, *np.log(PERSON_CELLS), 1.0, 0.0, 0.0], np.float32)
    colors = np.zeros((FIELDS, 3, 1, 1), np.float32)
    colors[5, 0] = colors[6, 2] = 1 / 255
    constants = {'bias': bias, 'shape': np.array([1, FIELDS, -1], np.int64)}
    nodes = []
    for stride in strides:
        constants[f'colors{stride}'] = colors if stride == 8 else 0 * colors
        square = {'kernel_shape': [stride, stride], 'strides': [stride, stride]}
        nodes += [
            helper.make_node('AveragePool', ['images'], [f'mean{stride}'], **square),
            helper.make_node(
                'Conv', [f'mean{stride}', f'colors{stride}', 'bias'], [f'map{stride}']
            ),
            helper.make_node('Reshape', [f'map{stride}', 'shape'], [f'row{stride}']),
        ]
    nodes += [
        helper.make_node('Concat', [f'row{stride}' for stride in strides], ['rows'], axis=2),
        helper.make_node('Transpose', ['rows'], ['output'], perm=[0, 2, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        'yolox',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info('output', TensorProto.FLOAT, [1, None, FIELDS])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 11)], ir_version=6)
    onnx.save(model, str(path))
    return path
