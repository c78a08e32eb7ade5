import logging

import numpy as np
import pytest

from person_mtl_ros.backends import BackendError
from person_mtl_ros.backends.verification import fastest_that_agrees

CROPS = np.zeros((16, 3, 256, 128), np.uint8)


class Network:
    """Puts a joint into the middle of every crop, or beside it."""

    def __init__(self, error_px: float = 0) -> None:
        self.error_px = error_px
        self.sizes: list[int] = []

    def infer(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        self.sizes.append(len(crops))
        return {'pose': np.tile([64 + self.error_px, 128, 1], (len(crops), 1, 1))}


def _choose(errors_px: dict[str, float]) -> tuple[str, Network]:
    networks = {precision: Network(error) for precision, error in errors_px.items()}
    return fastest_that_agrees('x on gpu', tuple(networks), networks.__getitem__, Network(), CROPS)


def test_the_fastest_is_taken_when_it_agrees(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    precision, network = _choose({'fp16': 0.1, 'fp32': 0})
    assert (precision, network.error_px, network.sizes) == ('fp16', 0.1, [1, 3, 16])
    assert 'x on gpu in fp16 agrees with fp32: keypoint_error_px 0.10000' in caplog.text


def test_one_that_does_not_agree_is_left_out_with_its_numbers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    precision, _ = _choose({'fp16': 0.7, 'fp32': 0.01})
    assert precision == 'fp32'
    assert 'in fp16 does not agree with fp32: keypoint_error_px 0.7000, expected' in caplog.text


def test_none_is_taken_when_none_agrees() -> None:
    with pytest.raises(BackendError, match=r'fp16 does not agree.*0\.7.*fp32 does not.*0\.6'):
        _choose({'fp16': 0.7, 'fp32': 0.6})
