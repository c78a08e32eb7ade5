import pytest
import torch
from torch import nn

from person_mtl_ros.networks.backbones import ResNet, norm_layer
from person_mtl_ros.networks.torchvision_import import torchvision


@pytest.mark.parametrize(
    ('name', 'channels'),
    [('resnet18', (64, 128, 256, 512)), ('resnet50', (256, 512, 1024, 2048))],
)
def test_last_stage_keeps_the_resolution(name: str, channels: tuple[int, ...]) -> None:
    backbone = ResNet(name, 64, norm_layer('group'))
    maps = backbone(torch.zeros(1, 3, 256, 128))
    sizes = [(64, 32), (32, 16), (16, 8), (16, 8)]
    assert [tuple(m.shape[1:]) for m in maps] == [
        (c, *size) for c, size in zip(channels, sizes, strict=True)
    ]
    assert backbone.channels == channels


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
    assert backbone.channels == (32, 64, 128, 256)
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
