import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from person_mtl_ros.networks.decode import Decoder, soft_argmax


@given(st.integers(0, 15), st.integers(0, 7))
def test_one_sharp_peak_is_the_centre_of_its_cell(row: int, column: int) -> None:
    heatmaps = torch.zeros(1, 1, 16, 8)
    heatmaps[0, 0, row, column] = 50
    x, y, score = soft_argmax(heatmaps, (256, 128))[0, 0].tolist()
    assert (x, y) == pytest.approx((16 * column + 8, 16 * row + 8))
    assert score == pytest.approx(1)


def test_equal_neighbours_meet_half_way() -> None:
    heatmaps = torch.zeros(1, 1, 16, 8)
    heatmaps[0, 0, 4, 2:4] = 50
    x, y, score = soft_argmax(heatmaps, (256, 128))[0, 0].tolist()
    assert (x, y) == pytest.approx((48, 72))
    assert score == pytest.approx(1)


def test_a_flat_map_is_the_centre_with_a_low_score() -> None:
    x, y, score = soft_argmax(torch.zeros(1, 1, 16, 8), (256, 128))[0, 0].tolist()
    assert (x, y) == pytest.approx((64, 128))
    # On each axis two cells weigh 1 and their two neighbours 0.5: 3 x 3 of 128 cells.
    assert score == pytest.approx(9 / 128)


def test_two_distant_peaks_have_no_score() -> None:
    heatmaps = torch.zeros(1, 1, 16, 8)
    heatmaps[0, 0, 0, 0] = heatmaps[0, 0, 15, 7] = 50
    assert soft_argmax(heatmaps, (256, 128))[0, 0, 2] == pytest.approx(0, abs=1e-6)


def test_answers_of_all_tasks_are_in_range() -> None:
    torch.manual_seed(0)
    outputs = {
        'reid': torch.randn(3, 10),
        'attributes': torch.randn(3, 6),
        'pose': torch.randn(3, 4, 8, 4),
        'parts': torch.randn(3, 5, 128, 64),
    }
    decoded = Decoder((128, 64), (2, 4))(outputs)
    torch.testing.assert_close(decoded['reid'].norm(dim=1), torch.ones(3))
    torch.testing.assert_close(decoded['attributes'][:, :2].sum(dim=1), torch.ones(3))
    torch.testing.assert_close(decoded['attributes'][:, 2:].sum(dim=1), torch.ones(3))
    assert (decoded['pose'] >= 0).all()
    assert (decoded['pose'] <= torch.tensor([64, 128, 1])).all()
    assert decoded['parts'].dtype == torch.uint8
    assert (decoded['parts'] == outputs['parts'].argmax(dim=1)).all()


def test_a_task_that_is_off_stays_off() -> None:
    assert list(Decoder((128, 64), ())({'reid': torch.ones(1, 4)})) == ['reid']
