"""
One small head per task on the maps of a backbone (Pfeiffer et al., section 3, figure 2).

A head takes the backbone's maps, finest first, and returns one tensor.
Axes: B crops, C channels, J joints, K part classes, H and W of a map or of the crop.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from person_mtl_ros.networks.layers import NormLayer
from person_mtl_ros.networks.torchvision_import import FeaturePyramidNetwork


class ReidHead(nn.Module):
    """
    Embedding by global max pooling (figure 2c).

    Pooled features are positive and share a large common part, which hides people from the cosine
    distance; BatchNorm takes it away (Luo et al. 2019, "BNNeck").

    :param channels: C.
    :param batch_norm: whether the embedding is taken behind BatchNorm.
    """

    def __init__(self, channels: int, batch_norm: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels) if batch_norm else nn.Identity()

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """
        Pool the last map.

        :returns: (B, C).
        """
        return self.norm(maps[-1].amax(dim=(2, 3)))


class AttributeHead(nn.Module):
    """
    Pooling as for the embedding, BatchNorm, ReLU and one classifier per attribute (figure 2f).

    The classifiers are the rows of one matrix; ``decode.split_attributes`` cuts their logits.
    """

    def __init__(self, channels: int, class_counts: Sequence[int]) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.classifiers = nn.Linear(channels, sum(class_counts))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """
        Score every class of every attribute.

        :returns: (B, sum of class_counts) logits, attribute after attribute.
        """
        pooled = maps[-1].amax(dim=(2, 3))
        return self.classifiers(F.relu(self.norm(pooled)))


class PoseHead(nn.Module):
    """One heatmap per joint by a 1x1 convolution (figure 2e); ``decode.soft_argmax`` reads it."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.heatmaps = nn.Conv2d(channels, joints, kernel_size=1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """
        Draw the heatmaps.

        :returns: (B, J, H/16, W/16), before softmax.
        """
        return self.heatmaps(maps[-1])


class PartHead(nn.Module):
    """
    FPN and the semantic branch of Panoptic FPN (Kirillov et al. 2019, section 3).

    Each level of the pyramid is brought to quarter resolution by blocks of 3x3 convolution, norm,
    ReLU and 2x upsampling; the last level needs one block less than there since the backbone's
    last stage has stride 1. The levels are summed and classified, then upsampled fourfold.
    """

    UPSAMPLINGS = (0, 1, 2, 2)  # from 1/4, 1/8, 1/16 and 1/16 to 1/4 of the resolution

    def __init__(
        self,
        channels: Sequence[int],
        classes: int,
        fpn_width: int,
        width: int,
        norm: NormLayer,
    ) -> None:
        super().__init__()
        self.fpn = FeaturePyramidNetwork(list(channels), fpn_width)
        self.levels = nn.ModuleList(
            _upsampling_blocks(fpn_width, width, count, norm) for count in self.UPSAMPLINGS
        )
        self.classifier = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """
        Classify every pixel.

        :returns: (B, K, H, W) logits at the resolution of the crop.
        """
        pyramid = self.fpn(OrderedDict((str(i), x) for i, x in enumerate(maps)))
        levels = [blocks(x) for blocks, x in zip(self.levels, pyramid.values(), strict=True)]
        logits = self.classifier(levels[0] + levels[1] + levels[2] + levels[3])
        return F.interpolate(logits, scale_factor=4, mode='bilinear', align_corners=False)


def _upsampling_blocks(inputs: int, width: int, upsamplings: int, norm: NormLayer) -> nn.Module:
    layers: list[nn.Module] = []
    for block in range(max(upsamplings, 1)):
        channels = inputs if block == 0 else width
        layers += [
            nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False),
            norm(width),
            nn.ReLU(inplace=True),
        ]
        if upsamplings:
            layers.append(nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False))
    return nn.Sequential(*layers)
