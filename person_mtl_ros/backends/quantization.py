"""From an exported network to one that convolves in eight bits."""

import contextlib
import logging
import os
import sys
from itertools import takewhile

import onnx

from person_mtl_ros.structures import UInt8Array

# nncf tells its makers that it is used, unless this is set.
os.environ.setdefault('NNCF_CI', '1')

import nncf
from nncf.quantization.range_estimator import RangeEstimatorParametersSet

# Where nearly all the time goes. All else stays in floating point: it would gain nothing, and a
# position that is computed in eight bits has 256 places to be.
QUANTIZED = ('Conv', 'Gemm', 'MatMul')
TRANSPARENT = ('Relu', 'Clip')  # between two convolutions they need not leave eight bits


def quantize(model: onnx.ModelProto, crops: UInt8Array) -> onnx.ModelProto:
    """
    Let the convolutions of a network compute in int8.

    Depthwise ones and the first stay as they are: little of the time, most of the loss. The scales
    are those of the least and greatest values on the given crops: embeddings are taken by maximum,
    so that outliers are what counts.

    :param model: of ``export.onnx_from_checkpoint``.
    :param crops: (N, 3, H, W) uint8 RGB of people such as the network will see.
    """
    kinds = {node.op_type for node in model.graph.node}
    logging.getLogger('nncf').setLevel(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr):  # progress
        return nncf.quantize(
            model,
            nncf.Dataset([{'crops': crop[None]} for crop in crops]),
            subset_size=len(crops),
            preset=nncf.QuantizationPreset.MIXED,  # maps in front of which is no ReLU have signs
            ignored_scope=nncf.IgnoredScope(
                names=_kept_in_floats(model),
                types=sorted(kinds.difference(QUANTIZED, TRANSPARENT)),
                validate=False,
            ),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
            ),
        )


def _kept_in_floats(model: onnx.ModelProto) -> list[str]:
    """
    Name the convolutions that are depthwise, and the first ones.

    The first are those on maps of half the crop's height; beside depthwise ones, whose narrow
    layers lose more, of a quarter.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    heights = {
        value.name: value.type.tensor_type.shape.dim[2].dim_value
        for value in (*graph.input, *graph.value_info)
        if len(value.type.tensor_type.shape.dim) == 4
    }
    convolutions = [node for node in graph.node if node.op_type == 'Conv']
    depthwise = [
        node.name
        for node in convolutions
        if any(attribute.name == 'group' and attribute.i > 1 for attribute in node.attribute)
    ]
    fine = heights[graph.input[0].name] // (4 if depthwise else 2)
    first = takewhile(lambda node: heights[node.output[0]] >= fine, convolutions)
    return sorted({*depthwise, *(node.name for node in first)})
