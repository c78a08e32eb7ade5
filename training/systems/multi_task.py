"""
Multi-task and multi-dataset person network (Pfeiffer et al. 2019): what is trained, and on what.

The losses of a batch are those of the tasks its data set has labels for.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from person_mtl_ros.checkpoint import CheckpointInfo
from person_mtl_ros.networks.decode import Decoder, soft_argmax
from person_mtl_ros.networks.multi_task_net import (
    MultiTaskNetParams,
    build_multi_task_net,
    embedding_dim,
)
from training.config import ConfigError, ExperimentConfig
from training.datasets.sample import FIELDS_OF_TASK, UNLABELLED, LabelSet
from training.losses import (
    FixedWeights,
    IdentityClassifier,
    UncertaintyWeights,
    attribute_loss,
    batch_hard_triplet_loss,
    bootstrapped_cross_entropy,
    joint_distance_loss,
)

CELL = 16  # pixels of the crop in a cell of a heatmap, the unit of the loss of the joints
WEIGHTINGS = {'fixed': FixedWeights, 'uncertainty': UncertaintyWeights}


class MultiTaskSystem(nn.Module):
    """
    The network with what only training needs: identity classifiers and loss weights.

    :param config: the experiment.
    :param labels: what the labels of each data set mean, those of training and validation.
    :param people: number of training identities of each data set with ReID labels.
    :raises ConfigError: when the data sets do not fit together.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        labels: Mapping[str, LabelSet],
        people: Mapping[str, int],
    ) -> None:
        super().__init__()
        self._config = config
        self.label_set = _common_labels(labels, config.tasks)
        self.params = MultiTaskNetParams(
            **config.network,
            tasks=config.tasks,
            class_counts=tuple(len(spec.classes) for spec in self.label_set.attributes),
            joints=len(self.label_set.keypoint_names),
            parts=len(self.label_set.part_names),
        )
        self.network = build_multi_task_net(self.params)
        self._frozen: list[nn.Module] = []
        self.decoder = Decoder((config.crop.height, config.crop.width), self.params.class_counts)
        weights = {str(name): weight for name, weight in config.losses.weights.items()}
        self.weighting = WEIGHTINGS[config.losses.weighting](weights)
        self.identity_classifiers = nn.ModuleDict()
        if 'identity' in weights:
            channels = embedding_dim(self.params)
            for name, count in people.items():
                self.identity_classifiers[name] = IdentityClassifier(
                    channels, count, batch_norm=not self.params.reid_norm
                )

    def freeze_statistics(self, names: Collection[str]) -> None:
        """
        Keep the statistics of the BatchNorm of the backbone, in training too.

        :param names: of the tensors of the network that have been filled; others are trained.
        :raises ConfigError: when none of them are such statistics.
        """
        self._frozen = [
            module
            for name, module in self.network.named_modules()
            if name.startswith(('backbone.', 'branches.')) and f'{name}.running_mean' in names
        ]
        if not self._frozen:
            raise ConfigError(
                'optimization.frozen_statistics: the weights of pretrained have no statistics for '
                'the backbone; both need norm: batch'
            )

    def train(self, mode: bool = True) -> 'MultiTaskSystem':
        """Switch to training, or back; statistics that are frozen stay."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(
        self, batch: Mapping[str, Tensor], dataset: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """
        Sum the losses of a batch.

        :param batch: tensors of ``training.transforms``, stacked.
        :param dataset: which it is of.
        :returns: the weighted sum and each loss.
        """
        tasks = self._config.train[dataset].tasks
        height, width = batch['image'].shape[2:]
        outputs = self.network(batch['image'], tasks)
        losses: dict[str, Tensor] = {}
        if 'reid' in tasks:
            losses |= self._reid_losses(outputs['reid'], batch['identity'], dataset)
        if 'attributes' in tasks:
            losses['attributes'] = attribute_loss(
                outputs['attributes'], batch['attributes'], self.params.class_counts
            )
        if 'pose' in tasks:
            positions = soft_argmax(outputs['pose'].float(), (height, width))[..., :2]
            keypoints = batch['keypoints']
            losses['pose'] = joint_distance_loss(
                positions / CELL, keypoints[..., :2] / CELL, keypoints[..., 2] != UNLABELLED
            )
        if 'parts' in tasks:
            losses['parts'] = bootstrapped_cross_entropy(
                outputs['parts'], batch['parts'], self._config.losses.bootstrapped_share
            )
        losses = {name: losses[name] for name in losses if name in self._config.losses.weights}
        return self.weighting(losses), losses

    def checkpoint_info(self, training: Mapping[str, Any]) -> CheckpointInfo:
        """Describe the network for whoever runs it."""
        labels = self.label_set
        return CheckpointInfo(
            network='multi_task_net',
            network_params=asdict(self.params),
            crop=self._config.crop,
            embedding_dim=embedding_dim(self.params) if 'reid' in self.params.tasks else 0,
            attributes=labels.attributes,
            keypoint_names=labels.keypoint_names,
            keypoint_edges=labels.keypoint_edges,
            part_names=labels.part_names,
            part_colors=labels.part_colors,
            training=training,
        )

    def _reid_losses(
        self, embeddings: Tensor, identities: Tensor, dataset: str
    ) -> dict[str, Tensor]:
        losses = self._config.losses
        embeddings = embeddings.float()
        compared = F.normalize(embeddings, dim=1) if losses.triplet_on_unit_sphere else embeddings
        result = {'triplet': batch_hard_triplet_loss(compared, identities, losses.triplet_margin)}
        if dataset in self.identity_classifiers:
            result['identity'] = self.identity_classifiers[dataset](embeddings, identities)
        return result


def _common_labels(labels: Mapping[str, LabelSet], tasks: Collection[str]) -> LabelSet:
    """
    Join the label sets of data sets, which may lack some but must agree on the others.

    Only those of the tasks of the network: a checkpoint names no joints that it does not find.
    """
    common: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for dataset, label_set in labels.items():
        for name in (field for task in tasks for field in FIELDS_OF_TASK.get(task, ())):
            value = getattr(label_set, name)
            if not value:
                continue
            if common.setdefault(name, value) != value:
                raise ConfigError(
                    f"data sets '{origin[name]}' and '{dataset}' have different {name}; "
                    'choose the same joints, parts and attributes for both in their options'
                )
            origin.setdefault(name, dataset)
    return LabelSet(**common)
