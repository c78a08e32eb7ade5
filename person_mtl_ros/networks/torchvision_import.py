"""
The one place that imports torchvision.

Beside a CPU build of torch, the torchvision wheel of PyPI (a CUDA build) cannot load its compiled
operators, and ``import torchvision`` ends in ``operator torchvision::nms does not exist`` because
it attaches shape functions to two of them. Nothing here calls a compiled operator, so their
schemas are declared and the import is tried again.
"""

import torch

try:
    import torchvision
except RuntimeError as error:
    if 'torchvision::' not in str(error):
        raise
    for _name in ('nms', 'qnms'):
        torch.library.define(
            f'torchvision::{_name}', '(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'
        )
    import torchvision

from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FeaturePyramidNetwork

__all__ = ['BasicBlock', 'Bottleneck', 'FeaturePyramidNetwork', 'torchvision']
