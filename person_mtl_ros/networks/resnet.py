"""
ResNet (He et al. 2016) with the normalisation and the width as arguments.

Axes: B crops, C channels, H and W of a feature map.
"""

from torch import Tensor, nn

from person_mtl_ros.networks.layers import NormLayer, initialise_convolutions
from person_mtl_ros.networks.torchvision_import import BasicBlock, Bottleneck

# Residual block and number of blocks per stage (He et al. 2016).
RESNETS: dict[str, tuple[type[BasicBlock | Bottleneck], tuple[int, ...]]] = {
    'resnet18': (BasicBlock, (2, 2, 2, 2)),
    'resnet50': (Bottleneck, (3, 4, 6, 3)),
}
STRIDES = (1, 2, 2, 1)  # of the stages; the last is 2 in the original


class ResNet(nn.Module):
    """
    ResNet without classifier whose last stage has stride 1 (Pfeiffer et al., section 3).

    The stride is dropped, not replaced by dilation, which torchvision's own ``ResNet`` cannot do;
    neither can it change its width. Blocks and parameter names are torchvision's, so weights
    trained with it load.

    :param name: key of ``RESNETS``.
    :param width: channels of the first stage before expansion; 64 in the original.
    :param norm: constructor of the normalisation layers.
    :param stages: 4, or 3 where tasks have a last stage of their own, see :func:`last_stage`.
    """

    def __init__(self, name: str, width: int, norm: NormLayer, stages: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stages = [f'layer{number}' for number in range(1, stages + 1)]
        for index, stage in enumerate(self.stages):
            self.add_module(stage, _stage(name, width, index, norm))
        initialise_convolutions(self)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """
        Feature maps of the stages.

        :param images: (B, 3, H, W), normalised.
        :returns: maps of the channels :func:`channels_of` at 1/4, 1/8, 1/16 and, of the fourth
            stage, again 1/16 of the resolution.
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for stage in self.stages:
            x = self.get_submodule(stage)(x)
            maps.append(x)
        return tuple(maps)


def last_stage(name: str, width: int, norm: NormLayer) -> nn.Module:
    """Build the fourth stage alone, from the third map to the fourth."""
    stage = _stage(name, width, 3, norm)
    initialise_convolutions(stage)
    return stage


def channels_of(name: str, width: int) -> tuple[int, ...]:
    """Give the channels of the four maps."""
    return tuple(_channels(name, width, index) for index in range(4))


def _channels(name: str, width: int, index: int) -> int:
    return int(RESNETS[name][0].expansion * width * 2**index)


def _stage(name: str, width: int, index: int, norm: NormLayer) -> nn.Sequential:
    block, depths = RESNETS[name]
    inputs = _channels(name, width, index - 1) if index else width
    outputs = _channels(name, width, index)
    planes, stride = width * 2**index, STRIDES[index]
    downsample = None
    if stride != 1 or inputs != outputs:
        projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
        downsample = nn.Sequential(projection, norm(outputs))
    blocks = [block(inputs, planes, stride, downsample, norm_layer=norm)]
    blocks += [block(outputs, planes, norm_layer=norm) for _ in range(depths[index] - 1)]
    return nn.Sequential(*blocks)
