from dataclasses import replace
from urllib.error import URLError

import pytest
import torch
from fake_checkpoint import PARAMS, write_fake_checkpoint

from person_mtl_ros.checkpoint import load_checkpoint
from person_mtl_ros.networks.multi_task_net import MultiTaskNetParams, build_multi_task_net
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
    with pytest.raises(ConfigError, match=r'cannot be downloaded.*no route.*null') as error:
        load_pretrained(build_multi_task_net(BATCH_NORM), BATCH_NORM, 'imagenet')
    assert '\n' not in str(error.value)


def test_networks_without_official_weights_are_refused():
    params = replace(BATCH_NORM, width=32)
    with pytest.raises(ConfigError, match=r'resnet18 of width 32.*of width 64'):
        load_pretrained(build_multi_task_net(params), params, 'imagenet')


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
