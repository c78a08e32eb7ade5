"""
Networks for GPUs: half precision, channels innermost, statistics in single precision.

Axes: B crops, C channels in G groups, H and W of a map.
"""

import torch
from torch import Tensor, nn


class ChannelsLastGroupNorm(nn.Module):
    """
    Group normalisation that leaves the layout of a map as it is.

    On GPUs torch's own first turns a map with the channels innermost round, and the convolution
    after it back. Here statistics come from a mean and a length per channel, each read from the
    map as it lies and summed in single precision; one multiply-add over the map remains, rounded
    once. For inference only.

    :param norm: whose groups, weights and epsilon it takes.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.groups = norm.num_groups
        self.eps = norm.eps
        per_group = (1, norm.num_groups, -1)
        self.register_buffer('weight', norm.weight.detach().float().view(per_group))
        self.register_buffer('bias', norm.bias.detach().float().view(per_group))

    def forward(self, maps: Tensor) -> Tensor:
        """
        Normalise maps.

        :param maps: (B, C, H, W).
        :returns: of the same shape, type and layout.
        """
        members = maps[0].numel() / self.groups
        mean = maps.mean(dim=(2, 3), dtype=torch.float32)
        length = torch.linalg.vector_norm(maps, dim=(2, 3), dtype=torch.float32)
        mean = mean.unflatten(1, (self.groups, -1)).mean(dim=2, keepdim=True)
        squares = length.square().unflatten(1, (self.groups, -1)).sum(dim=2, keepdim=True)
        variance = (squares / members - mean.square()).clamp(min=0)
        factor = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * factor
        per_channel = (*maps.shape[:2], 1, 1)
        return torch.addcmul(
            shift.view(per_channel),
            maps,
            factor.view(per_channel),
            out=torch.empty_like(maps),
        )


def prepare_for_gpu(network: nn.Module, precision: str) -> nn.Module:
    """
    Change a network in place so that a GPU runs it fast; for inference only.

    :param network: in single precision.
    :param precision: ``fp16`` or ``fp32``.
    """
    norms = {
        name: ChannelsLastGroupNorm(module)
        for name, module in network.named_modules()
        if isinstance(module, nn.GroupNorm)
    }
    if precision == 'fp16':
        network.half()
    for name, norm in norms.items():
        network.set_submodule(name, norm)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
