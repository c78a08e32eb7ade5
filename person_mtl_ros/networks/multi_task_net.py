"""The shared network: one backbone, one head per task (Pfeiffer et al., section 3)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from person_mtl_ros.networks.backbones import build_backbone, channels_of, last_stage
from person_mtl_ros.networks.heads import AttributeHead, PartHead, PoseHead, ReidHead
from person_mtl_ros.networks.layers import norm_layer
from person_mtl_ros.tasks import TASKS

# How the tasks share the backbone (figures 2 and 4): all of it; all but the last stage, "block 5",
# which each has for itself; all of it, but pose reads other channels of the last map than others.
SHARINGS = ('single', 'multi', 'split')

# Of ImageNet in RGB, on the scale 0 to 255.
PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class MultiTaskNetParams:
    """All that decides the shape of a ``MultiTaskNet``; the checkpoint carries it."""

    backbone: str = 'resnet50'  # that of the paper; others run on small computers
    width: int = 64  # channels of the first convolution; 64 of a ResNet, 32 of an EfficientNet
    norm: str = 'group'  # or batch, for comparison (table 7)
    norm_groups: int = 32  # of the paper; fewer for networks narrower than 64
    # Channels of the pyramid and of the semantic branch behind it. Half of those of Panoptic FPN,
    # with which the part head alone costs three quarters of a ResNet-50.
    fpn_width: int = 128
    part_width: int = 64
    sharing: str = 'single'  # or multi or split: how far the tasks share the last stage
    pose_share: float = 0.5  # of the channels of the last map; where sharing is split
    reid_norm: bool = False  # BatchNorm behind the embedding; for cosine distances, see ReidHead
    tasks: tuple[str, ...] = TASKS
    class_counts: tuple[int, ...] = ()  # classes of each attribute
    joints: int = 0
    parts: int = 0  # classes of the part mask, with background

    def __post_init__(self) -> None:
        # JSON knows lists only.
        object.__setattr__(self, 'tasks', tuple(self.tasks))
        object.__setattr__(self, 'class_counts', tuple(self.class_counts))
        if self.sharing not in SHARINGS:
            raise ValueError(f"sharing '{self.sharing}'; expected one of {', '.join(SHARINGS)}")


class MultiTaskNet(nn.Module):
    """
    Backbone and heads; the normalisation of pixels belongs to the network.

    :param backbone: from normalised images to a sequence of maps.
    :param heads: from these maps to one tensor, by task.
    :param branches: last stage of each task, where they do not share one.
    :param pose_channels: how many channels of the last map only pose reads, and no other task
        does; with 0 all read all.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        heads: Mapping[str, nn.Module],
        branches: Mapping[str, nn.Module] = MappingProxyType({}),
        pose_channels: int = 0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.branches = nn.ModuleDict(branches)
        self.heads = nn.ModuleDict(heads)
        self._pose_channels = pose_channels
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
            task: head(self._maps_of(task, maps))
            for task, head in self.heads.items()
            if tasks is None or task in tasks
        }

    def keep_only(self, tasks: Collection[str]) -> None:
        """Remove what only other tasks need."""
        for task in set(self.heads) - set(tasks):
            del self.heads[task]
            if task in self.branches:
                del self.branches[task]

    def _maps_of(self, task: str, maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if task in self.branches:
            return (*maps, self.branches[task](maps[-1]))
        if self._pose_channels:
            own = (
                slice(self._pose_channels) if task == 'pose' else slice(self._pose_channels, None)
            )
            return (*maps[:-1], maps[-1][:, own])
        return maps


def build_multi_task_net(params: MultiTaskNetParams) -> MultiTaskNet:
    """Build the network that ``params`` describe, with random weights."""
    norm = norm_layer(params.norm, params.norm_groups)
    has_branches = params.sharing == 'multi'
    backbone = build_backbone(params.backbone, params.width, norm, 3 if has_branches else 4)
    maps = channels_of(params.backbone, params.width)
    channels = pooled = maps[-1]
    pose_channels = 0
    if params.sharing == 'split':
        pose_channels = round(params.pose_share * channels)
        pooled = channels - pose_channels
    build_head: dict[str, Callable[[], nn.Module]] = {
        'reid': lambda: ReidHead(pooled, params.reid_norm),
        'attributes': lambda: AttributeHead(pooled, params.class_counts),
        'pose': lambda: PoseHead(pose_channels or channels, params.joints),
        'parts': lambda: PartHead(
            (*maps[:-1], pooled),
            params.parts,
            params.fpn_width,
            params.part_width,
            norm,
        ),
    }
    heads = {task: build_head[task]() for task in params.tasks}
    branches = {
        task: last_stage(params.backbone, params.width, norm)
        for task in (params.tasks if has_branches else ())
    }
    return MultiTaskNet(backbone, heads, branches, pose_channels)


def embedding_dim(params: MultiTaskNetParams) -> int:
    """Length of the embedding of the network that ``params`` describe."""
    channels = channels_of(params.backbone, params.width)[-1]
    return channels - round(params.pose_share * channels) * (params.sharing == 'split')
