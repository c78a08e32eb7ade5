"""
ResNet backbones with the normalisation and the width as arguments.

Axes: B crops, C channels, H and W of a feature map.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from person_mtl_ros.networks.torchvision_import import BasicBlock, Bottleneck

NormLayer = Callable[[int], nn.Module]

# Residual block and number of blocks per stage (He et al. 2016).
RESNETS: dict[str, tuple[type[BasicBlock | Bottleneck], tuple[int, ...]]] = {
    'resnet18': (BasicBlock, (2, 2, 2, 2)),
    'resnet50': (Bottleneck, (3, 4, 6, 3)),
}


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


class ResNet(nn.Module):
    """
    ResNet without classifier whose last stage has stride 1 (Pfeiffer et al., section 3).

    The stride is dropped, not replaced by dilation, which torchvision's own ``ResNet`` cannot do;
    neither can it change its width. Blocks and parameter names are torchvision's, so weights
    trained with it load.

    :param name: key of ``RESNETS``.
    :param width: channels of the first stage before expansion; 64 in the original.
    :param norm: constructor of the normalisation layers.
    """

    def __init__(self, name: str, width: int, norm: NormLayer) -> None:
        super().__init__()
        block, depths = RESNETS[name]
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        planes = [width * 2**stage for stage in range(4)]
        inputs = [width, *(p * block.expansion for p in planes[:-1])]
        self.layer1 = _stage(block, inputs[0], planes[0], depths[0], 1, norm)
        self.layer2 = _stage(block, inputs[1], planes[1], depths[1], 2, norm)
        self.layer3 = _stage(block, inputs[2], planes[2], depths[2], 2, norm)
        self.layer4 = _stage(block, inputs[3], planes[3], depths[3], 1, norm)
        self.channels = tuple(p * block.expansion for p in planes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """
        Feature maps of the four stages.

        :param images: (B, 3, H, W), normalised.
        :returns: maps of ``channels`` channels at 1/4, 1/8, 1/16 and 1/16 of the resolution.
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return tuple(maps)


def _stage(
    block: type[BasicBlock | Bottleneck],
    inputs: int,
    planes: int,
    depth: int,
    stride: int,
    norm: NormLayer,
) -> nn.Sequential:
    outputs = planes * block.expansion
    downsample = None
    if stride != 1 or inputs != outputs:
        projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
        downsample = nn.Sequential(projection, norm(outputs))
    blocks = [block(inputs, planes, stride, downsample, norm_layer=norm)]
    blocks += [block(outputs, planes, norm_layer=norm) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
