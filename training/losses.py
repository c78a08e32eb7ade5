"""
One loss per task (Pfeiffer et al., section 3): functions of tensors that return a scalar.

Axes: B crops, D embedding, J joints, K part classes, H and W of the crop.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def batch_hard_triplet_loss(embeddings: Tensor, identities: Tensor, margin: float) -> Tensor:
    """
    Compare each crop's farthest positive with its nearest negative (Hermans et al. 2017, eq. 5).

    :param embeddings: (B, D); the Euclidean distance between them counts, so embeddings that will
        be compared by cosine are given with length 1.
    :param identities: (B,) with at least two crops of each person and two people.
    :param margin: by how much the negative should be farther.
    :returns: mean over the batch.
    """
    distances = torch.cdist(embeddings, embeddings, compute_mode='donot_use_mm_for_euclid_dist')
    same = identities[:, None] == identities[None, :]
    farthest_positive = distances.masked_fill(~same, 0).amax(dim=1)
    nearest_negative = distances.masked_fill(same, torch.inf).amin(dim=1)
    return F.relu(farthest_positive - nearest_negative + margin).mean()


def attribute_loss(logits: Tensor, classes: Tensor, class_counts: Sequence[int]) -> Tensor:
    """
    Average the cross-entropies of all attributes.

    :param logits: (B, sum of class_counts).
    :param classes: (B, attributes), -1 where unknown.
    :param class_counts: number of classes of each attribute.
    """
    per_attribute = [
        F.cross_entropy(part, classes[:, index], ignore_index=-1)
        for index, part in enumerate(logits.split(list(class_counts), dim=1))
    ]
    return torch.stack(per_attribute).mean()


def joint_distance_loss(positions: Tensor, targets: Tensor, is_labelled: Tensor) -> Tensor:
    """
    Average the Euclidean distance between joints and their labels.

    :param positions: (B, J, 2).
    :param targets: (B, J, 2) in the same unit, which is that of the loss.
    :param is_labelled: (B, J) bool; the other joints do not count.
    """
    # The gradient of a norm is not defined at 0; adding 1e-12 avoids it.
    distances = ((positions - targets).square().sum(dim=2) + 1e-12).sqrt()
    return (distances * is_labelled).sum() / is_labelled.sum().clamp(min=1)


def bootstrapped_cross_entropy(
    logits: Tensor, labels: Tensor, share: float = 0.25, ignore: int = 255
) -> Tensor:
    """
    Average the cross-entropy over the hardest pixels of the batch (Wu et al. 2016).

    :param logits: (B, K, H, W).
    :param labels: (B, H, W) class per pixel.
    :param share: of the pixels, the hardest of which count.
    :param ignore: label of pixels that do not count.
    """
    losses = F.cross_entropy(logits, labels, ignore_index=ignore, reduction='none')
    losses = losses[labels != ignore]
    return losses.topk(max(int(share * losses.numel()), 1)).values.mean()
