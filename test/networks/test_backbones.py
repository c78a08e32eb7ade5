import pytest
import torch
from torch import nn

from person_mtl_ros.networks.backbones import (
    build_backbone,
    channels_of,
    last_stage,
)
from person_mtl_ros.networks.layers import norm_layer
from person_mtl_ros.networks.resnet import ResNet
from person_mtl_ros.networks.torchvision_import import torchvision

TIMM_LAYERS = ('conv_stem', 'bn1', 'blocks')


@pytest.mark.parametrize(
    ('name', 'width', 'channels'),
    [
        ('resnet18', 64, (64, 128, 256, 512)),
        ('resnet50', 64, (256, 512, 1024, 2048)),
        ('efficientnet_lite0', 32, (24, 40, 112, 512)),
    ],
)
def test_last_stage_keeps_the_resolution(name: str, width: int, channels: tuple[int, ...]) -> None:
    maps = build_backbone(name, width, norm_layer('batch'))(torch.zeros(2, 3, 256, 128))
    sizes = [(64, 32), (32, 16), (16, 8), (16, 8)]
    assert [tuple(m.shape[1:]) for m in maps] == [
        (c, *size) for c, size in zip(channels, sizes, strict=True)
    ]
    assert channels_of(name, width) == channels


@pytest.mark.parametrize(('name', 'width'), [('resnet18', 16), ('efficientnet_lite0', 32)])
def test_a_last_stage_of_its_own_is_that_of_the_whole_backbone(name: str, width: int) -> None:
    norm = norm_layer('batch')
    whole = build_backbone(name, width, norm).eval()
    shared = build_backbone(name, width, norm, stages=3).eval()
    own = last_stage(name, width, norm).eval()
    shared.load_state_dict(whole.state_dict(), strict=False)
    prefix = 'layer4.' if name == 'resnet18' else 'stages.3.'
    own.load_state_dict(
        {
            key.removeprefix(prefix): value
            for key, value in whole.state_dict().items()
            if key.startswith(prefix)
        }
    )
    images = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        torch.testing.assert_close(own(shared(images)[-1]), whole(images)[-1])


def test_efficientnet_gives_the_maps_of_timm() -> None:
    timm = pytest.importorskip('timm')
    torch.manual_seed(0)
    theirs = timm.create_model('efficientnet_lite0', pretrained=False).eval()
    theirs.blocks[5][0].conv_dw.stride = (1, 1)
    ours = build_backbone('efficientnet_lite0', 32, norm_layer('batch')).eval()
    # Both list their layers in the order of computation; the last layer is ours alone.
    names = [name for name in ours.state_dict() if not name.startswith('stages.3.5.')]
    tensors = [t for name, t in theirs.state_dict().items() if name.split('.')[0] in TIMM_LAYERS]
    ours.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    images = torch.randn(2, 3, 64, 32)
    seen: list[torch.Tensor] = []
    theirs.blocks.register_forward_hook(lambda module, inputs, output: seen.append(output))
    ours.stages[3][4].register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.no_grad():
        theirs(images)
        ours(images)
    torch.testing.assert_close(seen[1], seen[0])


def test_efficientnet_comes_in_one_width() -> None:
    with pytest.raises(ValueError, match='width 64; efficientnet_lite0 has 32'):
        build_backbone('efficientnet_lite0', 64, norm_layer('batch'))


@pytest.mark.parametrize('name', ['resnet18', 'resnet50'])
def test_weights_of_torchvision_give_the_maps_of_torchvision(name: str) -> None:
    torch.manual_seed(0)
    reference = getattr(torchvision.models, name)(weights=None).eval()
    backbone = ResNet(name, 64, norm_layer('batch')).eval()
    missing, unexpected = backbone.load_state_dict(reference.state_dict(), strict=False)
    assert missing == []
    assert unexpected == ['fc.weight', 'fc.bias']
    first = reference.layer4[0]
    for convolution in (first.conv1, first.conv2, first.downsample[0]):
        convolution.stride = (1, 1)
    seen = []
    reference.layer4.register_forward_hook(lambda module, inputs, output: seen.append(output))
    images = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        reference(images)
        maps = backbone(images)
    torch.testing.assert_close(maps[-1], seen[0])


def test_width_scales_every_stage() -> None:
    backbone = ResNet('resnet18', 32, norm_layer('group', 8))
    assert channels_of('resnet18', 32) == (32, 64, 128, 256)
    assert [m.shape[1] for m in backbone(torch.zeros(1, 3, 32, 32))] == [32, 64, 128, 256]
    assert backbone.conv1.out_channels == 32


def test_group_norm_does_not_mix_the_crops_of_a_batch() -> None:
    torch.manual_seed(0)
    backbone = ResNet('resnet18', 16, norm_layer('group', 4)).train()
    images = torch.randn(4, 3, 64, 32)
    with torch.no_grad():
        together = backbone(images)[-1][:1]
        alone = backbone(images[:1])[-1]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(('name', 'kind'), [('group', nn.GroupNorm), ('batch', nn.BatchNorm2d)])
def test_norm_is_an_argument(name: str, kind: type[nn.Module]) -> None:
    norms = {
        type(m)
        for m in ResNet('resnet18', 32, norm_layer(name)).modules()
        if isinstance(m, (nn.GroupNorm, nn.BatchNorm2d))
    }
    assert norms == {kind}
