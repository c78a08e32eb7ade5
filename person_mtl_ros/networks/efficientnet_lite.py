"""
EfficientNet-Lite, for small computers.

EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6 for swish: nothing
that a runtime is slow at. Built so that the weights of ImageNet load, see ``training.pretrained``.

Axes: B crops, C channels, H and W of a feature map.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from person_mtl_ros.networks.depthwise import DepthwiseConv2d
from person_mtl_ros.networks.layers import NormLayer, initialise_convolutions

EFFICIENTNETS = {'efficientnet_lite0': 32}  # channels of the first convolution
# Of the last map, in place of the 1280 that the classifier of ImageNet reads.
LAST_CHANNELS = 512


@dataclass(frozen=True)
class _Blocks:
    """A row of inverted residual blocks; the first has the stride."""

    channels: int
    count: int
    stride: int
    kernel_size: int
    expansion: int = 6


# What gives each map. The last row but one has stride 2 in the original.
_STAGES = (
    (_Blocks(16, 1, 1, 3, expansion=1), _Blocks(24, 2, 2, 3)),
    (_Blocks(40, 2, 2, 5),),
    (_Blocks(80, 3, 2, 3), _Blocks(112, 3, 1, 5)),
    (_Blocks(192, 4, 1, 5), _Blocks(320, 1, 1, 3)),
)
# Of the four maps.
CHANNELS = (*(rows[-1].channels for rows in _STAGES[:-1]), LAST_CHANNELS)


class InvertedResidual(nn.Module):
    """
    Widen, convolve every channel by itself, and narrow without ReLU (Sandler et al. 2018).

    :param inputs: channels.
    :param outputs: channels.
    :param kernel_size: of the depthwise convolution.
    :param stride: of the depthwise convolution.
    :param expansion: how far to widen.
    :param norm: constructor of the normalisation layers.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        stride: int,
        expansion: int,
        norm: NormLayer,
    ) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _convolution(inputs, wide, norm) if expansion > 1 else nn.Identity()
        self.depthwise = nn.Sequential(
            DepthwiseConv2d(wide, kernel_size, stride), norm(wide), nn.ReLU6(inplace=True)
        )
        self.project = nn.Sequential(nn.Conv2d(wide, outputs, 1, bias=False), norm(outputs))
        self._is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        result = self.project(self.depthwise(self.expand(x)))
        return x + result if self._is_residual else result


class EfficientNetLite(nn.Module):
    """
    EfficientNet-Lite without classifier whose last stage has stride 1.

    :param name: key of ``EFFICIENTNETS``.
    :param width: that of the original; others have no weights to start from.
    :param norm: constructor of the normalisation layers.
    :param stages: 4, or 3 where tasks have a last stage of their own.
    :raises ValueError: for another width.
    """

    def __init__(self, name: str, width: int, norm: NormLayer, stages: int = 4) -> None:
        super().__init__()
        if width != EFFICIENTNETS[name]:
            raise ValueError(f'width {width}; {name} has {EFFICIENTNETS[name]}')
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
            norm(width),
            nn.ReLU6(inplace=True),
        )
        self.stages = nn.ModuleList(_stage(index, width, norm) for index in range(stages))
        initialise_convolutions(self)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """
        Feature maps of the stages.

        :param images: (B, 3, H, W), normalised.
        :returns: maps of ``CHANNELS`` channels at 1/4, 1/8, 1/16 and, of the fourth stage, again
            1/16 of the resolution.
        """
        x = self.stem(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def last_stage(width: int, norm: NormLayer) -> nn.Module:
    """Build the fourth stage alone, from the third map to the fourth."""
    stage = _stage(3, width, norm)
    initialise_convolutions(stage)
    return stage


def _stage(index: int, width: int, norm: NormLayer) -> nn.Sequential:
    inputs = _STAGES[index - 1][-1].channels if index else width
    blocks = list(_blocks(index, inputs, norm))
    if index == len(_STAGES) - 1:
        # ReLU, for what heads pool by maximum must not end at 6.
        last = _convolution(_STAGES[index][-1].channels, LAST_CHANNELS, norm, nn.ReLU)
        blocks.append(last)
    return nn.Sequential(*blocks)


def _blocks(index: int, inputs: int, norm: NormLayer) -> Iterator[nn.Module]:
    for row in _STAGES[index]:
        for number in range(row.count):
            stride = row.stride if number == 0 else 1
            yield InvertedResidual(
                inputs, row.channels, row.kernel_size, stride, row.expansion, norm
            )
            inputs = row.channels


def _convolution(
    inputs: int, outputs: int, norm: NormLayer, activation: type[nn.Module] = nn.ReLU6
) -> nn.Sequential:
    """Widen by a 1x1 convolution."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False), norm(outputs), activation(inplace=True)
    )
