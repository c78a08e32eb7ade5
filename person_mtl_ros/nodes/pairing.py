"""
Images and what belongs to them, by stamp, through ``message_filters``.

Adds what it lacks: refused stamps and unpaired messages are counted with their reason, a
callback that raises does not kill the synchronizer, and time that jumps back starts afresh.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from message_filters import ApproximateTimeSynchronizer, SimpleFilter, TimeSynchronizer
from rclpy.node import Node

from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.diagnostics import Diagnostics
from person_mtl_ros.parameters import check_parameters, parameter


@dataclass(frozen=True)
class PairingParams:
    """How images and detections are brought together."""

    sync: str = parameter(
        'exact',
        'detectors should copy the stamp of the image; approximate is for those that do not',
        choices=('exact', 'approximate'),
        read_only=True,
    )
    sync_slop: float = parameter(
        0.05,
        'largest difference of stamps that approximate accepts',
        's',
        0.001,
        10.0,
        read_only=True,
    )
    sync_queue: int = parameter(
        15,
        'images kept while their detections are on the way: detector latency x frame rate',
        'messages',
        1,
        200,
        read_only=True,
    )
    time_jump: float = parameter(
        1.0,
        'a stamp this much older than the newest means that time starts again, as a looped bag '
        'does; less is a late message, which is dropped',
        's',
        0.01,
        3600.0,
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


class Pairing:
    """
    Feeds a ``message_filters`` synchronizer and keeps the books.

    :param partner: name of the topic whose messages belong to the images.
    :param on_pair: called with (image, partner).
    """

    def __init__(
        self,
        node: Node,
        params: PairingParams,
        diagnostics: Diagnostics,
        partner: str,
        on_pair: Callable[[Any, Any], None],
    ) -> None:
        self._node = node
        self._params = params
        self._diagnostics = diagnostics
        self._on_pair = on_pair
        self._partner = partner
        self._newest = {'image': 0, partner: 0}
        self._arrived = {'image': 0.0, partner: 0.0}  # time.monotonic of the newest
        self._refused = {'image': '', partner: ''}  # why, until a message is taken again
        self.pairs = 0
        self._restart()

    def add_image(self, message: Any) -> None:
        """Take an image (raw or compressed)."""
        self._add('image', message)

    def add_partner(self, message: Any) -> None:
        """Take what belongs to an image."""
        self._add(self._partner, message)

    @property
    def waiting_images(self) -> int:
        """Images whose partner has not come yet."""
        return len(self._waiting['image'])

    def explain_silence(self, silent_sec: float) -> str:
        """
        Why there are no pairs, from what has arrived so far.

        :param silent_sec: since the last pair.
        """
        refused = [f'{name} refused: {why}' for name, why in self._refused.items() if why]
        if refused:
            return ', '.join(refused)
        image_ns, partner_ns = self._newest['image'], self._newest[self._partner]
        if not image_ns or not partner_ns:
            return f'no {self._partner if image_ns else "image"} received'
        latest = time.monotonic() - silent_sec / 2
        stopped = [name for name, arrived in self._arrived.items() if arrived < latest]
        if stopped:
            return f'no {" and no ".join(stopped)} received any more'
        if not self._waiting[self._partner]:
            missing = self._partner if self._waiting['image'] else 'image'
            return f'no {missing} received any more'
        return (
            f'image and {self._partner} arrive but their stamps do not match: newest image '
            f'{image_ns / 1e9:.3f} s, newest {self._partner} {partner_ns / 1e9:.3f} s, sync '
            f"'{self._params.sync}'; copy the stamp of the image, or use sync: approximate"
        )

    def _restart(self) -> None:
        self._inputs = {name: SimpleFilter() for name in self._newest}
        # Stamp -> time.monotonic of the arrival.
        self._waiting: dict[str, OrderedDict[int, float]] = {
            name: OrderedDict() for name in self._inputs
        }
        filters = list(self._inputs.values())
        if self._params.sync == 'exact':
            synchronizer = TimeSynchronizer(filters, self._params.sync_queue)
        else:
            synchronizer = ApproximateTimeSynchronizer(
                filters, self._params.sync_queue, self._params.sync_slop
            )
        synchronizer.registerCallback(self._paired)

    def _add(self, name: str, message: Any) -> None:
        self._diagnostics.tick(f'{name} received')
        stamp = stamp_ns(message.header)
        self._refused[name] = self._refusal(name, stamp)
        if self._refused[name]:
            self._diagnostics.count(f'{name} refused: {self._refused[name]}')
            return
        self._newest[name] = max(self._newest[name], stamp)
        self._arrived[name] = time.monotonic()
        waiting = self._waiting[name]
        waiting[stamp] = self._arrived[name]
        if len(waiting) > self._params.sync_queue:
            waiting.popitem(last=False)
            other = self._partner if name == 'image' else 'image'
            self._diagnostics.count(f'{name} dropped: no {other} with its stamp')
        self._inputs[name].signalMessage(message)

    def _refusal(self, name: str, stamp: int) -> str:
        if stamp <= 0:
            return 'zero stamp'
        newest = self._newest[name]
        if newest - stamp >= self._params.time_jump * 1e9:
            self._jump_back(newest, stamp)
            return ''
        if stamp == newest:
            return 'repeated stamp'
        return 'late' if stamp < newest else ''

    def _jump_back(self, newest: int, stamp: int) -> None:
        self._node.get_logger().warning(
            f'time went back from {newest / 1e9:.3f} s to {stamp / 1e9:.3f} s: starting afresh',
            throttle_duration_sec=5.0,  # two cameras on one topic do this with every image
        )
        self._diagnostics.count('time jumps back')
        for name, waiting in self._waiting.items():
            self._diagnostics.count(f'{name} dropped: time jumped back', len(waiting))
        self._newest = dict.fromkeys(self._newest, 0)
        self._restart()

    def _paired(self, image: Any, partner: Any) -> None:
        # Runs inside the synchronizer's lock, which an exception would leave locked for good.
        try:
            arrived = self._waiting['image'].pop(stamp_ns(image.header), None)
            self._waiting[self._partner].pop(stamp_ns(partner.header), None)
            self.pairs += 1
            self._diagnostics.tick('pairs')
            if arrived is not None:
                self._diagnostics.latency('pairing', time.monotonic() - arrived)
            self._on_pair(image, partner)
        except Exception as error:
            self._diagnostics.count('pairs dropped: error')
            self._node.get_logger().error(f'pair of image and {self._partner}: {error}')
