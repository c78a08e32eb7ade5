"""
Network outputs to the quantities users want, in torch, so that an exported graph can hold it.

Axes: B crops, J joints, K part classes, H and W of a map or of the crop.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def soft_argmax(heatmaps: Tensor, crop_size: tuple[int, int]) -> Tensor:
    """
    Joint positions as expectations over softmax heatmaps (Sun et al. 2018, equation 4).

    :param heatmaps: (B, J, H, W), before softmax.
    :param crop_size: height and width of the crop in pixels.
    :returns: (B, J, 3): x and y in pixels of the crop, and a score in [0, 1]: the share of the
        softmax mass in a window of about 3 x 3 cells around the position. It is near 1 for one
        sharp peak and falls as the mass spreads or splits; it is no calibrated probability.
    """
    height, width = heatmaps.shape[2:]
    mass = heatmaps.flatten(2).softmax(dim=2).unflatten(2, (height, width))
    over_x, over_y = mass.sum(dim=2), mass.sum(dim=3)  # (B, J, W), (B, J, H)
    # Centres of the cells, in cells.
    cells_x = torch.arange(width, device=mass.device, dtype=mass.dtype) + 0.5
    cells_y = torch.arange(height, device=mass.device, dtype=mass.dtype) + 0.5
    x = (over_x * cells_x).sum(dim=2)
    y = (over_y * cells_y).sum(dim=2)
    # Weight 1 up to one cell away, falling to 0 at two cells, so that the score has no jumps.
    window_x = (2 - (cells_x - x[..., None]).abs()).clamp(0, 1)
    window_y = (2 - (cells_y - y[..., None]).abs()).clamp(0, 1)
    score = (mass * window_y[..., :, None] * window_x[..., None, :]).sum(dim=(2, 3))
    scale_y, scale_x = crop_size[0] / height, crop_size[1] / width
    return torch.stack((x * scale_x, y * scale_y, score), dim=2)


def split_attributes(values: Tensor, class_counts: Sequence[int]) -> tuple[Tensor, ...]:
    """
    Cut the joined classes of all attributes.

    :param values: (B, sum of class_counts).
    :returns: one (B, classes) per attribute.
    """
    return values.split(list(class_counts), dim=1)


class Decoder(nn.Module):
    """
    Turn ``{task: raw output}`` into ``{task: answer}``.

    :param crop_size: height and width of the crops in pixels.
    :param class_counts: number of classes of each attribute.
    """

    def __init__(self, crop_size: tuple[int, int], class_counts: Sequence[int]) -> None:
        super().__init__()
        self.crop_size = crop_size
        self.class_counts = tuple(class_counts)

    def forward(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """
        Decode the tasks that are there.

        :returns: ``reid`` (B, D) of length 1, ``attributes`` (B, sum of class_counts)
            probabilities, ``pose`` (B, J, 3) x, y in crop pixels and score, ``parts`` (B, H, W)
            uint8 labels.
        """
        decoded = {}
        if 'reid' in outputs:
            decoded['reid'] = F.normalize(outputs['reid'].float(), dim=1)
        if 'attributes' in outputs:
            logits = split_attributes(outputs['attributes'].float(), self.class_counts)
            decoded['attributes'] = torch.cat([part.softmax(dim=1) for part in logits], dim=1)
        if 'pose' in outputs:
            decoded['pose'] = soft_argmax(outputs['pose'].float(), self.crop_size)
        if 'parts' in outputs:
            decoded['parts'] = outputs['parts'].argmax(dim=1).to(torch.uint8)
        return decoded
