"""Warns of images and detections out of which no people come, and says why."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.subscription import Subscription

from person_mtl_ros.detections import NOT_A_PERSON
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.pairing import Pairing
from person_mtl_ros.parameters import check_parameters, parameter

MAX_IDS_SHOWN = 5  # class ids in a warning


@dataclass(frozen=True)
class InputWatchParams:
    """When to warn."""

    silence_warning: float = parameter(
        5.0,
        'time without a pair of image and detections, or without a detection that is a person '
        'among others, before a warning says why',
        's',
        0.5,
        600.0,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


class InputWatch:
    """
    Warns of silence, and of detections of which none is a person.

    :param node: has :class:`InputWatchParams`.
    """

    def __init__(self, node: ManagedNode, pairing: Pairing) -> None:
        self._node = node
        self._pairing = pairing
        self._last_pair = time.monotonic()
        self._foreign_since = math.inf  # time.monotonic of the first of the images without people
        self._foreign_ids: list[str] = []  # class ids of the newest of them

    def note_pair(self) -> None:
        """Note that image and detections were paired."""
        self._last_pair = time.monotonic()

    def note_detections(self, message: Any, people: int, faults: Sequence[str]) -> None:
        """
        Note what a message of detections was good for.

        :param people: detections that can be used.
        :param faults: why the others cannot.
        """
        if people or set(faults) != {NOT_A_PERSON}:
            self._foreign_since = math.inf
            return
        hypotheses = [r.hypothesis for item in message.detections for r in item.results]
        self._foreign_ids = sorted({hypothesis.class_id for hypothesis in hypotheses})
        self._foreign_since = min(self._foreign_since, time.monotonic())

    def check(self, inputs: Sequence[Subscription], person_class_ids: Sequence[str]) -> None:
        """
        Warn, or take a warning back.

        :param inputs: those of image and detections.
        :param person_class_ids: class ids that mean a person.
        """
        limit = self._node.params(InputWatchParams).silence_warning
        silent = time.monotonic() - self._last_pair
        text = ''
        if silent > limit:
            text = (
                f'no pair for {silent:.0f} s: {self._pairing.explain_silence(silent)}; '
                f'publishers: {self._node.publishers_of(inputs)}'
            )
        self._node.warn('silence', text)
        foreign = time.monotonic() - self._foreign_since
        text = ''
        if foreign > limit:
            text = (
                f'no detection is a person for {foreign:.0f} s: their class ids are '
                f'{", ".join(map(repr, self._foreign_ids[:MAX_IDS_SHOWN]))}; person_class_ids is '
                f'{", ".join(map(repr, person_class_ids))}'
            )
        self._node.warn('classes', text)
