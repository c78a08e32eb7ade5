"""A small checkpoint with random weights, for tests of what surrounds the network."""

from dataclasses import asdict, replace
from pathlib import Path

import torch

from person_mtl_ros.checkpoint import CheckpointInfo, save_checkpoint
from person_mtl_ros.crops import CropParams
from person_mtl_ros.networks.multi_task_net import (
    MultiTaskNetParams,
    build_multi_task_net,
    embedding_dim,
)
from person_mtl_ros.structures import AttributeSpec

ATTRIBUTES = (
    AttributeSpec('hat', ('no', 'yes')),
    AttributeSpec('upper_color', ('black', 'white', 'red')),
)
PARAMS = MultiTaskNetParams(
    backbone='resnet18',
    width=16,
    norm_groups=4,
    fpn_width=16,
    part_width=16,
    class_counts=(2, 3),
    joints=4,
    parts=5,
)
INFO = CheckpointInfo(
    network='multi_task_net',
    network_params=PARAMS.__dict__,
    crop=CropParams(height=64, width=32),
    embedding_dim=128,
    attributes=ATTRIBUTES,
    keypoint_names=('head', 'neck', 'left_hand', 'right_hand'),
    keypoint_edges=((0, 1), (1, 2), (1, 3)),
    part_names=('background', 'head', 'upper_body', 'lower_body', 'shoes'),
    part_colors=((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)),
    same_person_threshold=0.25,
    false_accept_rate=0.01,
    false_reject_rate=0.1,
)


def write_fake_checkpoint(
    path: Path, half: bool = False, params: MultiTaskNetParams = PARAMS
) -> Path:
    """Write it; the same weights every time."""
    torch.manual_seed(0)
    network = build_multi_task_net(params)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    info = replace(INFO, network_params=asdict(params), embedding_dim=embedding_dim(params))
    save_checkpoint(path, info, tensors, half)
    return path
