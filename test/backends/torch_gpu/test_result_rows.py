import pytest
import torch

from person_mtl_ros.backends.torch_gpu.result_rows import RowLayout


def _outputs(count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    return {
        'parts': torch.randint(0, 5, (count, 6, 5), generator=generator).to(torch.uint8),
        'reid': torch.rand((count, 7), generator=generator),
        'sharpness': torch.rand(count, generator=generator),
        'pose': torch.rand((count, 4, 3), generator=generator),
    }


@pytest.mark.parametrize('count', [1, 3])
def test_answers_survive_the_way_through_rows(count: int) -> None:
    layout = RowLayout(_outputs(1))
    rows = layout.pack(_outputs(count))
    assert rows.shape == (count, layout.row_bytes)
    assert layout.row_bytes == 4 * (7 + 1 + 12) + 30
    unpacked = layout.unpack(rows.numpy())
    for name, expected in _outputs(count).items():
        assert torch.equal(torch.from_numpy(unpacked[name].copy()), expected)
        assert unpacked[name].dtype == expected.numpy().dtype


def test_maps_with_the_channels_innermost_are_packed_in_the_usual_order() -> None:
    outputs = {'maps': torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)}
    layout = RowLayout(outputs)
    unpacked = layout.unpack(layout.pack(outputs).numpy())['maps']
    assert torch.equal(torch.from_numpy(unpacked.copy()), outputs['maps'])
