"""
Backbones by name, with the normalisation and the width as arguments.

A backbone maps (B, 3, H, W) normalised images to four maps of the channels :func:`channels_of` at
1/4, 1/8, 1/16 and again 1/16 of the resolution: its last stage has stride 1 (Pfeiffer et al.,
section 3).
"""

from torch import nn

from person_mtl_ros.networks import efficientnet_lite, resnet
from person_mtl_ros.networks.efficientnet_lite import EFFICIENTNETS, EfficientNetLite
from person_mtl_ros.networks.layers import NormLayer
from person_mtl_ros.networks.resnet import RESNETS, ResNet

BACKBONES = (*RESNETS, *EFFICIENTNETS)


def build_backbone(name: str, width: int, norm: NormLayer, stages: int = 4) -> nn.Module:
    """
    Build a backbone with random weights.

    :param name: one of ``BACKBONES``.
    :param width: channels of the first convolution.
    :param norm: constructor of the normalisation layers.
    :param stages: 4, or 3 where tasks have a last stage of their own, see :func:`last_stage`.
    :raises ValueError: when the backbone does not come in this width, or the normalisation does
        not fit its channels.
    """
    if name in EFFICIENTNETS:
        return EfficientNetLite(name, width, norm, stages)
    return ResNet(name, width, norm, stages)


def last_stage(name: str, width: int, norm: NormLayer) -> nn.Module:
    """Build the fourth stage alone ("block 5" of the paper), from the third map to the fourth."""
    if name in EFFICIENTNETS:
        return efficientnet_lite.last_stage(width, norm)
    return resnet.last_stage(name, width, norm)


def channels_of(name: str, width: int) -> tuple[int, ...]:
    """Give the channels of the four maps."""
    if name in EFFICIENTNETS:
        return efficientnet_lite.CHANNELS
    return resnet.channels_of(name, width)
