"""
A network for OpenVINO in bf16 that answers nearly as in fp32.

bf16 keeps 8 bits of a number, and two things lose most by it. One is the weights: behind a ReLU a
map is smooth and nowhere negative, so the rounding errors of a kernel do not cancel but add up to
that of its sum. Rounded to the nearest, the few weights of a depthwise kernel do most of the harm.
Here some are rounded the other way, those that lose least by it, until the sum is kept.

The other is the first layers, whose maps are of fine detail on a large common brightness, which
rounding takes for the whole. They stay in fp32, as does what enlarges the part masks at the end:
they have few channels, and cost nothing more.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13

CONVOLUTIONS = ('Convolution', 'GroupConvolution')
FINE = 4  # maps of more than a quarter of the crop's height are computed in fp32
_LOW_BITS = np.uint32(0xFFFF)  # that a float32 has and bf16 has not


def prepare_for_bf16(
    core: openvino.Core, network: openvino.Model, crop_height: int
) -> openvino.Model:
    """
    Make a network that loses little when OpenVINO runs it in bf16.

    :param core: that is to run it.
    :param network: in float32, of fixed shapes; its weights are rounded.
    :param crop_height: pixels.
    """
    _round_convolutions(network, crop_height)
    with TemporaryDirectory() as folder:
        path = Path(folder) / 'network.xml'
        openvino.save_model(network, path, compress_to_fp16=False)
        tree = ElementTree.parse(path)
        # Python cannot set the attribute that keeps an operation from being converted; a file can.
        for layer in tree.iter('layer'):
            shape = [int(dim.text or 0) for dim in layer.findall('output/port[1]/dim')]
            if len(shape) == 4 and FINE * shape[2] > crop_height:
                notes = layer.find('rt_info')
                if notes is None:
                    notes = ElementTree.Element('rt_info')
                    layer.insert(0, notes)
                ElementTree.SubElement(notes, 'attribute', name='precise', version='0')
        tree.write(path)
        return core.read_model(path, config={'ENABLE_MMAP': False})


def _round_convolutions(network: openvino.Model, crop_height: int) -> None:
    """
    Round the weights of convolutions to bf16, in place, but for those on fine maps.

    The sum is kept of each kernel of more than one pixel, and over all input channels where the
    kernels are of one.
    """
    for operation in network.get_ordered_ops():
        if operation.get_type_name() not in CONVOLUTIONS:
            continue
        if FINE * operation.get_output_shape(0)[2] > crop_height:
            continue
        source = operation.input_value(1).get_node()
        shape = source.get_output_shape(0)
        if source.get_type_name() == 'Reshape':
            source = source.input_value(0).get_node()
        if source.get_type_name() != 'Constant':
            continue
        weights = source.get_data().reshape(list(shape))
        pixels = shape[-1] * shape[-2]
        rows = weights.reshape(-1, pixels if pixels > 1 else weights.shape[-3])
        rounded = opset13.constant(round_keeping_sums(rows).reshape(weights.shape))
        operation.input(1).replace_source_output(rounded.output(0))


def round_keeping_sums(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Round to bf16, some up and some down, so that sums change little.

    Starts from the nearest numbers and goes once through each row, those first that are nearly as
    far from the other; a number is rounded the other way where that brings the sum nearer.

    :param rows: (N, K) float32.
    :returns: (N, K) float32, each one of the two bf16 numbers around the value; no sum is further
        off than with the nearest ones.
    """
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    exact = rows.astype(np.float64)
    inner = (bits & ~_LOW_BITS).view(np.float32).astype(np.float64)
    outer = ((bits & ~_LOW_BITS) + (_LOW_BITS + np.uint32(1))).view(np.float32).astype(np.float64)
    is_outer = np.abs(outer - exact) < np.abs(inner - exact)
    nearest = np.where(is_outer, outer, inner)
    turns = np.where(is_outer, inner, outer) - nearest
    turns[exact == inner] = 0
    order = np.argsort(np.abs(nearest + turns - exact), axis=1, kind='stable')
    error = (nearest - exact).sum(axis=1)
    every = np.arange(len(rows))
    for column in order.T:
        turn = turns[every, column]
        turn = np.where(np.abs(error + turn) < np.abs(error), turn, 0)
        nearest[every, column] += turn
        error += turn
    return nearest.astype(np.float32)
