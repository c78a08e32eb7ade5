"""From an exported network to one that convolves in eight bits."""

import contextlib
import logging
import os
import sys

import onnx

from person_mtl_ros.structures import UInt8Array

# nncf tells its makers that it is used, unless this is set.
os.environ.setdefault('NNCF_CI', '1')

import nncf
from nncf.quantization.range_estimator import RangeEstimatorParametersSet

# Where nearly all the time goes. All else stays in floating point: it would gain nothing, and a
# position that is computed in eight bits has 256 places to be.
QUANTIZED = ('Conv', 'Gemm', 'MatMul')
TRANSPARENT = ('Relu',)  # between two convolutions it need not leave eight bits


def quantize(model: onnx.ModelProto, crops: UInt8Array) -> onnx.ModelProto:
    """
    Let the convolutions of a network compute in int8; the first stays as it is.

    The scales are those of the least and greatest values on the given crops: embeddings are taken
    by maximum, so that outliers are what counts.

    :param model: of ``export.onnx_from_checkpoint``.
    :param crops: (N, 3, H, W) uint8 RGB of people such as the network will see.
    """
    first = next(node.name for node in model.graph.node if node.op_type == 'Conv')
    kinds = {node.op_type for node in model.graph.node}
    logging.getLogger('nncf').setLevel(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr):  # progress
        return nncf.quantize(
            model,
            nncf.Dataset([{'crops': crop[None]} for crop in crops]),
            subset_size=len(crops),
            ignored_scope=nncf.IgnoredScope(
                names=[first],
                types=sorted(kinds.difference(QUANTIZED, TRANSPARENT)),
                validate=False,
            ),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
            ),
        )
