import pytest
import torch
from torch import nn

from person_mtl_ros.backends.torch_gpu.half_precision import (
    ChannelsLastGroupNorm,
    prepare_for_gpu,
)


def _norm() -> nn.GroupNorm:
    torch.manual_seed(0)
    norm = nn.GroupNorm(4, 12, eps=1e-3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.float32, 1e-5), (torch.half, 5e-3)])
@torch.inference_mode()
def test_group_norm_is_that_of_torch(dtype: torch.dtype, tolerance: float) -> None:
    # A mean far from zero, as behind convolutions.
    maps = (torch.randn(3, 12, 8, 5) + 4).contiguous(memory_format=torch.channels_last)
    expected = _norm()(maps.to(dtype).float())
    actual = ChannelsLastGroupNorm(_norm())(maps.to(dtype))
    assert actual.dtype == dtype
    assert actual.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(actual.float(), expected, atol=tolerance, rtol=tolerance)


@torch.inference_mode()
def test_great_values_in_half_precision_do_not_overflow_the_statistics() -> None:
    maps = torch.full((1, 12, 16, 8), 3e4, dtype=torch.half)
    maps[..., ::2] *= -1
    assert ChannelsLastGroupNorm(_norm())(maps).isfinite().all()


def test_only_norms_stay_in_single_precision() -> None:
    network = nn.Sequential(nn.Conv2d(3, 12, 3), nn.Sequential(_norm(), nn.ReLU()))
    weight = network[1][0].weight.detach().clone()
    prepare_for_gpu(network, 'fp16')
    assert network[0].weight.dtype == torch.half
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network[1][0].weight.flatten(), weight)


def test_single_precision_stays() -> None:
    network = prepare_for_gpu(nn.Sequential(nn.Conv2d(3, 12, 3), _norm()), 'fp32')
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}
    assert isinstance(network[1], ChannelsLastGroupNorm)
