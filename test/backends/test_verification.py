import numpy as np
import pytest

from person_mtl_ros.backends import BackendError
from person_mtl_ros.backends.verification import (
    answers_to_batches,
    fastest_precision,
    verified_agreement,
)

CROPS = np.zeros((16, 3, 256, 128), np.uint8)


class Network:
    """Puts a joint into the middle of every crop, or beside it."""

    def __init__(self, error_px: float = 0) -> None:
        self.error_px = error_px
        self.sizes: list[int] = []

    def infer(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        self.sizes.append(len(crops))
        return {'pose': np.tile([64 + self.error_px, 128, 1], (len(crops), 1, 1))}


def _choose(errors_px: dict[str, float | None]) -> tuple[str, Network]:
    """None stands for a network that cannot be prepared."""

    def prepare(precision: str) -> Network:
        error_px = errors_px[precision]
        if error_px is None:
            raise RuntimeError('out of memory\ndetails')
        network = Network(error_px)
        verified_agreement(network, answers_to_batches(Network(), CROPS), CROPS)
        return network

    return fastest_precision('x on gpu', tuple(errors_px), prepare)


def test_the_fastest_is_taken_when_it_agrees(caplog: pytest.LogCaptureFixture) -> None:
    precision, network = _choose({'fp16': 0.1, 'fp32': 0})
    assert (precision, network.error_px, network.sizes) == ('fp16', 0.1, [1, 3, 16])
    assert not caplog.records


@pytest.mark.parametrize(
    ('error_px', 'reason'),
    [
        (0.7, 'does not agree with fp32: keypoint_error_px 0.7000, expected at most 0.5'),
        (None, 'cannot be prepared: out of memory'),
    ],
)
def test_one_that_fails_is_left_out_with_the_reason(
    caplog: pytest.LogCaptureFixture, error_px: float | None, reason: str
) -> None:
    precision, _ = _choose({'fp16': error_px, 'fp32': 0.01})
    assert precision == 'fp32'
    assert [record.getMessage() for record in caplog.records] == [f'x on gpu in fp16 {reason}']


def test_none_is_taken_when_all_fail() -> None:
    expected = r'^x on gpu in fp16 cannot .* out of memory; in fp32 does not agree.*0\.6.*0\.5$'
    with pytest.raises(BackendError, match=expected):
        _choose({'fp16': None, 'fp32': 0.6})


def test_the_numbers_are_those_of_the_worst_batch() -> None:
    expected = answers_to_batches(Network(0.0), CROPS)
    expected[1]['pose'][0, 0, 0] += 0.3
    assert verified_agreement(Network(0.1), expected, CROPS) == {
        'keypoint_error_px': pytest.approx(0.2)
    }
