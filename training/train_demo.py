"""
Train the demo network from scratch on rendered people; two CPU cores are enough.

    python -m training.synthetic.crops --identities 1400 --views 12 --size 192x96 --out CROPS
    python -m training.train_demo CROPS --out RUN

The four losses are summed with the weights below; every crop has all labels. A first phase on
small crops is cheap, a second one on crops of the final size finishes. RUN/state.pt is written
every few minutes and a started training goes on from there; RUN/demo.safetensors beside it holds
the average of the latest weights and can be used at any time.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.checkpoint import CheckpointInfo, save_checkpoint
from person_mtl_ros.crops import CropParams
from person_mtl_ros.networks.decode import soft_argmax
from person_mtl_ros.networks.multi_task_net import (
    MultiTaskNet,
    MultiTaskNetParams,
    build_multi_task_net,
)
from training.labels import MARKET_ATTRIBUTES, MPII_EDGES, MPII_KEYPOINTS
from training.losses import (
    attribute_loss,
    batch_hard_triplet_loss,
    bootstrapped_cross_entropy,
    joint_distance_loss,
)
from training.rendered_people import (
    FIVE_PART_COLORS,
    FIVE_PARTS,
    RenderedPeople,
    single_threaded_worker,
)
from training.samplers import IdentitySampler
from training.transforms import AugmentationParams

CLASS_COUNTS = tuple(len(spec.classes) for spec in MARKET_ATTRIBUTES)

# A ResNet-18 of half the width: 10 ms a crop on one core, 6 MB.
NETWORK = MultiTaskNetParams(
    backbone='resnet18',
    width=32,
    norm_groups=8,
    fpn_width=64,
    part_width=32,
    reid_norm=True,
    class_counts=CLASS_COUNTS,
    joints=len(MPII_KEYPOINTS),
    parts=len(FIVE_PARTS),
)


@dataclass(frozen=True)
class Phase:
    """A stretch of the training on crops of one size."""

    size_hw: tuple[int, int]
    steps: int


@dataclass(frozen=True)
class DemoTrainingParams:
    """Everything that decides the result, beside the rendered people."""

    phases: tuple[Phase, ...] = (Phase((128, 64), 2000), Phase((192, 96), 700))
    people: int = 16  # per batch
    crops: int = 4  # of each of them
    train_share: float = 0.9  # of the people; the others are for measuring
    learning_rate: float = 1e-3  # of Adam, at the start of the cosine
    warmup_steps: int = 200
    triplet_margin: float = 0.3  # on embeddings of length 1
    average_decay: float = 0.998  # of the weights that are exported, per step
    save_every: int = 200  # steps
    seed: int = 0
    augmentation: AugmentationParams = field(default_factory=AugmentationParams)
    # Joint distances are in crop heights, so they are small.
    weights: tuple[tuple[str, float], ...] = (
        ('triplet', 0.5),
        ('identity', 0.5),
        ('attributes', 1.0),
        ('pose', 20.0),
        ('parts', 1.0),
    )

    @property
    def total_steps(self) -> int:
        """Length of the training."""
        return sum(phase.steps for phase in self.phases)

    @property
    def final_size_hw(self) -> tuple[int, int]:
        """Size of the crops the network is made for."""
        return self.phases[-1].size_hw


class DemoTraining:
    """
    State of a training: weights, their average, optimizer and step.

    :param folder: rendered crops.
    :param out: where the state and the checkpoint are kept.
    :param params: the recipe.
    """

    def __init__(self, folder: Path, out: Path, params: DemoTrainingParams) -> None:
        torch.manual_seed(params.seed)
        self._folder, self._out, self._params = folder, out, params
        people = len(set(self._data(params.phases[0].size_hw).identities.tolist()))
        self.network: MultiTaskNet = build_multi_task_net(NETWORK)
        channels = 8 * NETWORK.width
        self._classifier = nn.Linear(channels, people, bias=False)
        self._network_and_classifier = nn.ModuleList((self.network, self._classifier))
        self._network_and_classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = torch.optim.Adam(
            self._network_and_classifier.parameters(), params.learning_rate
        )
        self._average = AveragedModel(
            self.network,
            multi_avg_fn=get_ema_multi_avg_fn(params.average_decay),
            use_buffers=True,
        )
        self._step = 0
        if (out / 'state.pt').exists():
            self._resume()

    def run(self) -> None:
        """Train to the end of the last phase."""
        first = 0
        for phase in self._params.phases:
            last = first + phase.steps
            if self._step < last:
                self._run_phase(phase, range(self._step, last))
            first = last
        self.save()

    def _run_phase(self, phase: Phase, steps: range) -> None:
        begin = time.monotonic()
        sums: dict[str, float] = {}
        for batch in self._batches(phase.size_hw, steps):
            losses = self._train_step(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            self._step += 1
            if self._step % 50 == 0:
                seconds = time.monotonic() - begin
                begin = time.monotonic()
                means = {name: round(value / 50, 4) for name, value in sums.items()}
                line = {'step': self._step, 'seconds': round(seconds, 1), **means}
                print(json.dumps(line), flush=True)
                sums.clear()
            if self._step % self._params.save_every == 0:
                self.save()

    def _train_step(self, batch: dict[str, Tensor]) -> dict[str, float]:
        for group in self._optimizer.param_groups:
            group['lr'] = self._learning_rate()
        losses = self._losses(batch)
        total = torch.stack([weight * losses[name] for name, weight in self._params.weights]).sum()
        self._optimizer.zero_grad()
        total.backward()
        # The triplet loss is steep in the first steps.
        nn.utils.clip_grad_norm_(self._network_and_classifier.parameters(), 5.0)
        self._optimizer.step()
        self._average.update_parameters(self.network)
        return {name: value.item() for name, value in losses.items()}

    def _losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images = batch['image'].contiguous(memory_format=torch.channels_last)
        height, width = images.shape[2:]
        outputs = self.network(images)
        joints = soft_argmax(outputs['pose'], (height, width))[..., :2]
        keypoints = batch['keypoints']
        embeddings = outputs['reid']
        return {
            'triplet': batch_hard_triplet_loss(
                F.normalize(embeddings, dim=1), batch['identity'], self._params.triplet_margin
            ),
            'identity': F.cross_entropy(self._classifier(embeddings), batch['identity']),
            'attributes': attribute_loss(outputs['attributes'], batch['attributes'], CLASS_COUNTS),
            'pose': joint_distance_loss(
                joints / height, keypoints[..., :2] / height, keypoints[..., 2] >= 0
            ),
            'parts': bootstrapped_cross_entropy(outputs['parts'], batch['parts']),
        }

    def _learning_rate(self) -> float:
        params = self._params
        warmup = min(1.0, (self._step + 1) / params.warmup_steps)
        cosine = 0.5 + 0.5 * math.cos(math.pi * self._step / params.total_steps)
        return params.learning_rate * warmup * cosine

    def _data(self, size_hw: tuple[int, int]) -> RenderedPeople:
        params = self._params
        return RenderedPeople(self._folder, size_hw, (0, params.train_share), params.augmentation)

    def _batches(self, size_hw: tuple[int, int], steps: range) -> Iterator[dict[str, Tensor]]:
        data, params = self._data(size_hw), self._params
        sampler = IdentitySampler(data.identities, params.people, params.crops, params.seed, steps)
        loader = DataLoader(
            data, batch_sampler=sampler, num_workers=1, worker_init_fn=single_threaded_worker
        )
        return iter(loader)

    def save(self) -> None:
        """Write the state, to go on from, and the checkpoint, to be used."""
        state = {
            'step': self._step,
            'network_and_classifier': self._network_and_classifier.state_dict(),
            'average': self._average.state_dict(),
            'optimizer': self._optimizer.state_dict(),
        }
        with atomic_path(self._out / 'state.pt') as temporary:
            torch.save(state, temporary)
        tensors = {
            name: tensor.contiguous().numpy()
            for name, tensor in self._average.module.state_dict().items()
        }
        save_checkpoint(self._out / 'demo.safetensors', self._info(), tensors, half=True)

    def _resume(self) -> None:
        state = torch.load(self._out / 'state.pt', weights_only=True)
        self._step = state['step']
        self._network_and_classifier.load_state_dict(state['network_and_classifier'])
        self._average.load_state_dict(state['average'])
        self._optimizer.load_state_dict(state['optimizer'])

    def _info(self) -> CheckpointInfo:
        height, width = self._params.final_size_hw
        return CheckpointInfo(
            network='multi_task_net',
            network_params=asdict(NETWORK),
            crop=CropParams(height, width),
            embedding_dim=8 * NETWORK.width,
            attributes=MARKET_ATTRIBUTES,
            keypoint_names=MPII_KEYPOINTS,
            keypoint_edges=MPII_EDGES,
            part_names=FIVE_PARTS,
            part_colors=FIVE_PART_COLORS,
            training={
                'command': 'python -m training.train_demo',
                'data': 'rendered people only, no real image',
                'steps_done': self._step,
                **asdict(self._params),
            },
        )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Train the demo network on rendered people.')
    parser.add_argument('crops', type=Path, help='folder of training.synthetic.crops')
    parser.add_argument('--out', type=Path, required=True, help='folder for state and checkpoint')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    DemoTraining(args.crops, args.out, DemoTrainingParams()).run()


if __name__ == '__main__':
    main()
