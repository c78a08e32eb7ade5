"""What backbones and heads are made of: the choice of normalisation, first weights."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

NormLayer = Callable[[int], nn.Module]


def norm_layer(name: str, groups: int = 32) -> NormLayer:
    """
    Choose a normalisation layer.

    GroupNorm keeps no statistics of the training data, so crops of several datasets can share one
    network (Pfeiffer et al., section 4.6). A group of a single channel would lose its mean and
    with it absolute colour: networks narrower than 64 channels need fewer than 32 groups.

    :param name: ``group`` or ``batch``.
    :param groups: number of groups of GroupNorm.
    :returns: function from the number of channels to a layer.
    """
    layers: dict[str, NormLayer] = {
        'group': partial(nn.GroupNorm, groups),
        'batch': nn.BatchNorm2d,
    }
    return layers[name]


@torch.no_grad()
def initialise_convolutions(network: nn.Module) -> None:
    """Draw the weights of all convolutions as He et al. (2015) do."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
            # An input channel reaches the output channels of its group only.
            module.weight.mul_(math.sqrt(module.groups))
