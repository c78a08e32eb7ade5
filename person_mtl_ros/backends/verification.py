"""Whether a network answers as its reference does, and the fastest precision in which it does."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from person_mtl_ros.backends.agreement import (
    EXACT,
    Bounds,
    disagreements,
    measure_agreement,
    worst,
)
from person_mtl_ros.backends.backend import BackendError, first_line
from person_mtl_ros.structures import UInt8Array

BATCHES = (1, 3, 16)  # sizes that are compared

logger = logging.getLogger(__name__)

Answers = Mapping[str, NDArray[Any]]
Prepared = TypeVar('Prepared')


class DisagreementError(BackendError):
    """A network whose answers are not those of its reference."""


class Network(Protocol):
    """What is compared."""

    def infer(self, crops: UInt8Array) -> Answers:
        """See ``Backend.infer``."""


def answers_to_batches(network: Network, crops: UInt8Array) -> list[Answers]:
    """
    Let a reference answer to batches of ``BATCHES`` crops.

    :param crops: (16 or more, 3, H, W) uint8 RGB.
    """
    return [network.infer(crops[:size]) for size in BATCHES]


def verified_agreement(
    network: Network, expected: Sequence[Answers], crops: UInt8Array, bounds: Bounds = EXACT
) -> dict[str, float]:
    """
    Compare a network with a reference; see ``agreement.measure_agreement``.

    :param expected: what ``answers_to_batches`` gives for the reference.
    :param crops: the same crops.
    :param bounds: that the answers are to keep.
    :returns: the worst over the batches.
    :raises DisagreementError: with the numbers, when the answers differ by more.
    """
    agreement = worst(
        [
            measure_agreement(reference, answers, crops.shape[2])
            for reference, answers in zip(
                expected, answers_to_batches(network, crops), strict=True
            )
        ]
    )
    if faults := disagreements(agreement, bounds):
        raise DisagreementError('; '.join(faults))
    return agreement


def fastest_precision(
    subject: str, precisions: Sequence[str], prepare: Callable[[str], Prepared]
) -> tuple[str, Prepared]:
    """
    Try precisions until a network can be prepared in one, and say why not in a faster one.

    :param subject: begins the messages.
    :param precisions: fastest first.
    :param prepare: makes the network ready in a precision and verifies its answers.
    :returns: the precision, and the network in it.
    :raises BackendError: with all reasons, when no precision is left.
    """
    faults = []
    for precision in precisions:
        try:
            return precision, prepare(precision)
        except DisagreementError as error:
            faults.append(f'in {precision} does not agree with fp32: {error}')
        except RuntimeError as error:  # what torch, TensorRT and CUDA raise has no other base
            faults.append(f'in {precision} cannot be prepared: {first_line(error)}')
        logger.warning('%s %s', subject, faults[-1])
    raise BackendError(f'{subject} {"; ".join(faults)}')


def log_agreement(subject: str, agreement: Mapping[str, float]) -> None:
    """Say with which numbers a network agrees with its reference in fp32."""
    numbers = ', '.join(f'{name} {value:.5f}' for name, value in agreement.items())
    logger.info('%s agrees with fp32: %s', subject, numbers)
