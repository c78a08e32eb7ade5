"""The shared network: one backbone, one head per task (Pfeiffer et al., section 3)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from person_mtl_ros.networks.backbones import ResNet, norm_layer
from person_mtl_ros.networks.heads import AttributeHead, PartHead, PoseHead, ReidHead

TASKS = ('reid', 'attributes', 'pose', 'parts')

# Of ImageNet in RGB, on the scale 0 to 255.
PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class MultiTaskNetParams:
    """All that decides the shape of a ``MultiTaskNet``; the checkpoint carries it."""

    backbone: str = 'resnet50'  # that of the paper; resnet18 runs on small computers
    width: int = 64  # channels of the first stage; those of torchvision's weights
    norm: str = 'group'  # or batch, for comparison (table 7)
    norm_groups: int = 32  # of the paper; fewer for networks narrower than 64
    fpn_width: int = 256  # channels of the pyramid (Panoptic FPN)
    part_width: int = 128  # channels of the semantic branch (Panoptic FPN)
    reid_norm: bool = False  # BatchNorm behind the embedding; for cosine distances, see ReidHead
    tasks: tuple[str, ...] = TASKS
    class_counts: tuple[int, ...] = ()  # classes of each attribute
    joints: int = 0
    parts: int = 0  # classes of the part mask, with background

    def __post_init__(self) -> None:
        # JSON knows lists only.
        object.__setattr__(self, 'tasks', tuple(self.tasks))
        object.__setattr__(self, 'class_counts', tuple(self.class_counts))


class MultiTaskNet(nn.Module):
    """
    Backbone and heads; the normalisation of pixels belongs to the network.

    :param backbone: from normalised images to a sequence of maps.
    :param heads: from these maps to one tensor, by task.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(heads)
        self.register_buffer('mean', torch.tensor(PIXEL_MEAN).view(1, 3, 1, 1))
        self.register_buffer('std', torch.tensor(PIXEL_STD).view(1, 3, 1, 1))

    def forward(self, crops: Tensor, tasks: Collection[str] | None = None) -> dict[str, Tensor]:
        """
        Run the backbone once and the heads asked for.

        :param crops: (B, 3, H, W) RGB of any type with values 0 to 255; H and W are multiples
            of 16.
        :param tasks: heads to run; all when None.
        :returns: {task: tensor} as the heads give it; ``decode.Decoder`` reads it.
        """
        maps = self.backbone((crops.to(self.mean.dtype) - self.mean) / self.std)
        return {
            task: head(maps) for task, head in self.heads.items() if tasks is None or task in tasks
        }


def build_multi_task_net(params: MultiTaskNetParams) -> MultiTaskNet:
    """Build the network that ``params`` describe, with random weights."""
    norm = norm_layer(params.norm, params.norm_groups)
    backbone = ResNet(params.backbone, params.width, norm)
    channels = backbone.channels[-1]
    build_head: dict[str, Callable[[], nn.Module]] = {
        'reid': lambda: ReidHead(channels, params.reid_norm),
        'attributes': lambda: AttributeHead(channels, params.class_counts),
        'pose': lambda: PoseHead(channels, params.joints),
        'parts': lambda: PartHead(
            backbone.channels, params.parts, params.fpn_width, params.part_width, norm
        ),
    }
    return MultiTaskNet(backbone, {task: build_head[task]() for task in params.tasks})
