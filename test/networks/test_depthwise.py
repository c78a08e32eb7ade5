import pytest
import torch
from torch import Tensor, nn

from person_mtl_ros.networks.depthwise import DepthwiseConv2d


def _pair(kernel_size: int, stride: int) -> tuple[DepthwiseConv2d, nn.Conv2d]:
    torch.manual_seed(0)
    fast = DepthwiseConv2d(6, kernel_size, stride)
    plain = nn.Conv2d(6, 6, kernel_size, stride, kernel_size // 2, groups=6, bias=False)
    plain.load_state_dict(fast.state_dict())
    return fast, plain


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('kernel_size', [3, 5])
@pytest.mark.parametrize('size', [(8, 4), (7, 9), (1, 1)])
def test_gradients_are_those_of_a_plain_convolution(
    kernel_size: int, stride: int, size: tuple[int, int]
) -> None:
    fast, plain = _pair(kernel_size, stride)
    images = torch.randn(3, 6, *size)
    inputs: list[Tensor] = []
    outputs = []
    for layer in (fast, plain):
        x = images.clone().requires_grad_()
        y = layer(x)
        (y * torch.arange(y.numel()).view_as(y) / y.numel()).sum().backward()
        inputs.append(x)
        outputs.append(y)
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad)


def test_autocast_computes_in_its_precision_and_keeps_that_of_the_weights() -> None:
    fast, _ = _pair(5, 2)
    with torch.autocast('cpu', torch.bfloat16):
        y = fast(torch.randn(2, 6, 8, 4))
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert fast.weight.grad is not None
    assert fast.weight.grad.dtype == torch.float32


def test_weights_that_are_not_trained_pass_the_gradient_on() -> None:
    fast, plain = _pair(5, 1)
    fast.weight.requires_grad_(False)
    x = torch.randn(2, 6, 8, 4)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    fast(a).square().sum().backward()
    plain(b).square().sum().backward()
    assert fast.weight.grad is None
    torch.testing.assert_close(a.grad, b.grad)


def test_exporters_see_a_plain_convolution() -> None:
    fast, _ = _pair(3, 1)
    with torch.no_grad():
        program = torch.export.export(fast, (torch.randn(1, 6, 8, 4),))
    called = [str(node.target) for node in program.graph.nodes if node.op == 'call_function']
    assert called == ['aten.conv2d.default']


def test_a_training_on_a_cpu_takes_the_fast_gradients() -> None:
    fast, _ = _pair(5, 1)
    y = fast(torch.randn(1, 6, 8, 4))
    assert type(y.grad_fn).__name__ == '_DepthwiseBackward'
