"""Puts the changes in order and samples into tensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from person_mtl_ros.crops import CropParams
from training.datasets.sample import UNKNOWN, UNLABELLED, LabelSet, Sample
from training.torchvision_v2 import tv_tensors, v2
from training.transforms.appearance import (
    ColorJitter,
    LowResolution,
    RandomErasing,
    SensorNoise,
)
from training.transforms.geometry import Geometry
from training.transforms.policy import POLICIES, AugmentationPolicy


class CropTransform:
    """
    Make tensors of samples; see the package for their names and shapes.

    :param policy: how far crops are changed; None leaves them as they are.
    :param size_hw: of the crops to give.
    :param labels: of the data set.
    :param context: of the crops, see ``CropParams``.
    """

    def __init__(
        self,
        policy: AugmentationPolicy | None,
        size_hw: tuple[int, int],
        labels: LabelSet,
        context: float = CropParams.context,
    ) -> None:
        self._policy, self._size_hw, self._labels = policy, size_hw, labels
        self._context = context
        self._appearance = [] if policy is None else _appearance(policy)
        self._pipelines: dict[float, v2.Compose] = {}

    def __call__(self, sample: Sample, seed: int = 0) -> dict[str, Tensor]:
        """
        Give the tensors of one sample.

        :param sample: of the data set.
        :param seed: decides all random changes, so the same one gives the same bits; the state
            of torch's generator is left as it was.
        """
        if sample.margin not in self._pipelines:
            geometry = Geometry(
                self._size_hw, sample.margin, self._policy, self._labels, self._context
            )
            self._pipelines[sample.margin] = v2.Compose([geometry, *self._appearance])
        with _seeded(seed):
            fields = self._pipelines[sample.margin](_fields(sample))
        tensors = {'image': fields['image'].as_subclass(Tensor).contiguous()}
        if sample.identity != UNKNOWN:
            tensors['identity'] = torch.tensor(sample.identity)
        if sample.camera != UNKNOWN:
            tensors['camera'] = torch.tensor(sample.camera)
        if sample.attributes is not None:
            tensors['attributes'] = torch.as_tensor(sample.attributes, dtype=torch.int64)
        if sample.keypoints is not None:
            tensors['keypoints'] = self._keypoints(fields['keypoints'], fields['states'])
            scale = self._size_hw[0] * sample.margin / sample.image_rgb.shape[0]
            tensors['head_size'] = torch.tensor(sample.head_size * scale, dtype=torch.float32)
        if sample.parts is not None:
            tensors['parts'] = fields['parts'].as_subclass(Tensor).long()
        return tensors

    def _keypoints(self, points: Tensor, states: Tensor) -> Tensor:
        """Join (J, 2) and (J,); when training, what is outside cannot be learned."""
        points = points.as_subclass(Tensor)
        if self._policy is not None:
            height, width = self._size_hw
            is_inside = ((points >= 0) & (points < torch.tensor([width, height]))).all(dim=1)
            states = states.masked_fill(~is_inside, UNLABELLED)
        return torch.cat((points, states[:, None]), dim=1)


def train_transform(
    policy: str | AugmentationPolicy,
    size_hw: tuple[int, int],
    labels: LabelSet,
    context: float = CropParams.context,
) -> CropTransform:
    """
    Change crops at random.

    Joints that leave the crop become UNLABELLED. ``head_size`` does not follow random scaling; it
    is for evaluation.

    :param policy: or a key of ``POLICIES``.
    :param size_hw: of the crops to give.
    :param labels: of the data set, for the mirror.
    :param context: of the crops, see ``CropParams``.
    """
    if isinstance(policy, str):
        policy = POLICIES[policy]
    return CropTransform(policy, size_hw, labels, context)


def margin_of(policy: str | AugmentationPolicy) -> float:
    """Margin a data set should cut for a policy, see ``Sample.margin``."""
    return (POLICIES[policy] if isinstance(policy, str) else policy).margin


def evaluation_transform(size_hw: tuple[int, int]) -> CropTransform:
    """
    Cut and resize to the network's crop, nothing more; a crop that is one already stays.

    Joints outside the crop keep their labels: not to see them is the network's failure.

    :param size_hw: of the crops to give.
    """
    return CropTransform(None, size_hw, LabelSet())


def _appearance(policy: AugmentationPolicy) -> list[nn.Module]:
    changes: list[nn.Module] = []
    if max(policy.gain, policy.white_balance, policy.contrast, policy.saturation) > 0:
        changes.append(ColorJitter(policy))
    if policy.low_resolution_probability:
        changes.append(v2.RandomApply([LowResolution()], policy.low_resolution_probability))
    if policy.noise:
        changes.append(SensorNoise(policy.noise))
    if policy.erasing_probability:
        changes.append(v2.RandomApply([RandomErasing()], policy.erasing_probability))
    return changes


def _fields(sample: Sample) -> dict[str, Any]:
    image = torch.from_numpy(np.ascontiguousarray(sample.image_rgb)).permute(2, 0, 1)
    fields: dict[str, Any] = {'image': tv_tensors.Image(image)}
    if sample.keypoints is not None:
        keypoints = torch.as_tensor(np.asarray(sample.keypoints, np.float32))
        size = sample.image_rgb.shape[:2]
        fields['keypoints'] = tv_tensors.KeyPoints(keypoints[:, :2], canvas_size=size)
        fields['states'] = keypoints[:, 2]
    if sample.parts is not None:
        fields['parts'] = tv_tensors.Mask(torch.from_numpy(np.asarray(sample.parts)))
    return fields


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the generator of the CPU, and that alone, for a while."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)
