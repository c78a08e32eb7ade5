"""The precision of a backend: the fastest whose answers are those of the network in fp32."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from person_mtl_ros.backends.agreement import disagreements, measure_agreement, worst
from person_mtl_ros.backends.backend import BackendError
from person_mtl_ros.structures import UInt8Array

BATCHES = (1, 3, 16)  # sizes that are compared

logger = logging.getLogger(__name__)


class Network(Protocol):
    """What is compared."""

    def infer(self, crops: UInt8Array) -> Mapping[str, NDArray[Any]]:
        """See ``Backend.infer``."""


Candidate = TypeVar('Candidate', bound=Network)


def fastest_that_agrees(
    subject: str,
    precisions: Sequence[str],
    prepare: Callable[[str], Candidate],
    reference: Network,
    crops: UInt8Array,
) -> tuple[str, Candidate]:
    """
    Try precisions until one agrees with the reference, and say with which numbers.

    :param subject: begins the messages.
    :param precisions: fastest first.
    :param prepare: makes the network ready in a precision.
    :param reference: the same network in fp32.
    :param crops: (16 or more, 3, H, W) uint8 RGB to compare on.
    :returns: the precision, and the network in it.
    :raises BackendError: with the numbers, when none agrees.
    """
    expected = [reference.infer(crops[:size]) for size in BATCHES]
    faults = []
    for precision in precisions:
        candidate = prepare(precision)
        agreement = agreement_of(candidate, expected, crops)
        wrong = disagreements(agreement)
        if not wrong:
            numbers = ', '.join(f'{name} {value:.5f}' for name, value in agreement.items())
            logger.info('%s in %s agrees with fp32: %s', subject, precision, numbers)
            return precision, candidate
        faults.append(f'{subject} in {precision} does not agree with fp32: {"; ".join(wrong)}')
        logger.warning('%s', faults[-1])
    raise BackendError('; '.join(faults))


def agreement_of(
    network: Network, expected: Sequence[Mapping[str, NDArray[Any]]], crops: UInt8Array
) -> dict[str, float]:
    """
    Compare a network with a reference; see ``agreement.measure_agreement``.

    :param expected: answers of the reference to batches of ``BATCHES`` crops.
    :param crops: (16 or more, 3, H, W) uint8 RGB.
    :returns: the worst over the batches.
    """
    return worst(
        [
            measure_agreement(answers, network.infer(crops[:size]), crops.shape[2])
            for size, answers in zip(BATCHES, expected, strict=True)
        ]
    )
