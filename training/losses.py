"""
One loss per task (Pfeiffer et al., section 3), and how they are summed.

Axes: B crops, D embedding, J joints, K part classes, H and W of the crop.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.datasets.sample import IGNORED_PART, UNKNOWN


def batch_hard_triplet_loss(
    embeddings: Tensor, identities: Tensor, margin: float | None
) -> Tensor:
    """
    Compare each crop's farthest positive with its nearest negative (Hermans et al. 2017, eq. 5).

    :param embeddings: (B, D); the Euclidean distance between them counts, so embeddings that will
        be compared by cosine are given with length 1.
    :param identities: (B,) with at least two crops of each person and two people.
    :param margin: by how much the negative should be farther; None is the soft margin.
    :returns: mean over the batch.
    """
    distances = torch.cdist(embeddings, embeddings, compute_mode='donot_use_mm_for_euclid_dist')
    same = identities[:, None] == identities[None, :]
    farthest_positive = distances.masked_fill(~same, 0).amax(dim=1)
    nearest_negative = distances.masked_fill(same, torch.inf).amin(dim=1)
    violations = farthest_positive - nearest_negative
    if margin is None:
        return F.softplus(violations).mean()
    return F.relu(violations + margin).mean()


def attribute_loss(logits: Tensor, classes: Tensor, class_counts: Sequence[int]) -> Tensor:
    """
    Average the cross-entropies of all attributes.

    :param logits: (B, sum of class_counts).
    :param classes: (B, attributes), UNKNOWN where not labelled.
    :param class_counts: number of classes of each attribute.
    """
    per_attribute = [
        F.cross_entropy(part, classes[:, index], ignore_index=UNKNOWN)
        for index, part in enumerate(logits.split(list(class_counts), dim=1))
        if (classes[:, index] != UNKNOWN).any()
    ]
    return torch.stack(per_attribute).mean() if per_attribute else 0 * logits.sum()


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


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, share: float = 0.25) -> Tensor:
    """
    Average the cross-entropy over the hardest pixels of the batch (Wu et al. 2016).

    :param logits: (B, K, H, W).
    :param labels: (B, H, W) class per pixel, IGNORED_PART where it does not count.
    :param share: of the pixels that count, the hardest, over which the average is taken.
    """
    losses = F.cross_entropy(logits, labels, ignore_index=IGNORED_PART, reduction='none')
    losses = losses[labels != IGNORED_PART]
    if not losses.numel():
        return 0 * logits.sum()
    return losses.topk(max(int(share * losses.numel()), 1)).values.mean()


class IdentityClassifier(nn.Module):
    """
    Cross-entropy over the people of a data set, behind BatchNorm (figure 2d).

    :param channels: length of the embedding.
    :param people: to tell apart.
    :param batch_norm: False where the embedding itself is taken behind BatchNorm.
    """

    def __init__(self, channels: int, people: int, batch_norm: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels) if batch_norm else nn.Identity()
        self.classifier = nn.Linear(channels, people, bias=False)

    def forward(self, embeddings: Tensor, identities: Tensor) -> Tensor:
        """
        Mean over the batch.

        :param embeddings: (B, D).
        :param identities: (B,), 0 <= identity < people.
        """
        return F.cross_entropy(self.classifier(self.norm(embeddings)), identities)


class FixedWeights(nn.Module):
    """Sum of losses with weights that are given."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self._weights = dict(weights)

    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Sum the losses that a batch has."""
        return torch.stack([self._weights[name] * loss for name, loss in losses.items()]).sum()


class UncertaintyWeights(nn.Module):
    """
    Sum of losses with weights that are learned (Kendall et al. 2018, equations 7 and 10).

    With s = log(sigma^2) a regression counts exp(-s) / 2 * loss + s / 2 and a classification
    exp(-s) * loss + s / 2. Losses of tasks without labels in a batch leave their s as it is.

    :param weights: the first weights, exp(-s) or its half.
    """

    REGRESSIONS = frozenset({'triplet', 'pose'})

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.log_variances = nn.ParameterDict(
            {
                name: nn.Parameter(-torch.tensor(weight / self._factor(name)).log())
                for name, weight in weights.items()
            }
        )

    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Sum the losses that a batch has."""
        terms = []
        for name, loss in losses.items():
            log_variance = self.log_variances[name]
            terms.append(self._factor(name) * torch.exp(-log_variance) * loss + log_variance / 2)
        return torch.stack(terms).sum()

    def _factor(self, name: str) -> float:
        return 0.5 if name in self.REGRESSIONS else 1.0
