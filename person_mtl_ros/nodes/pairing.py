"""
Images and what belongs to them, by stamp, through ``message_filters``.

Adds what it lacks: refused stamps and unpaired messages are counted with their reason, a
callback that raises does not kill the synchronizer, and time that jumps back starts afresh.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from message_filters import ApproximateTimeSynchronizer, SimpleFilter, TimeSynchronizer
from rclpy.node import Node

from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.diagnostics import Diagnostics
from person_mtl_ros.parameters import check_parameters, parameter

MAX_QUEUE = 200  # images
MAX_GONE = 1000  # images dropped whose stamps are kept, half a minute at 30 Hz


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
        30,
        'images kept while their detections are on the way, detector latency x frame rate: 1 s at '
        '30 Hz; 30 of 1280x720 are 83 MB, filled only where detections are late or missing',
        'messages',
        1,
        MAX_QUEUE,
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


class _Arrival(NamedTuple):
    when: float  # time.monotonic
    number: int  # of the message among those of its topic, the first is 1


class _Delay(NamedTuple):
    images: int  # that arrived from the image to its partner, both ends counted
    seconds: float


class Pairing:
    """
    Feeds a ``message_filters`` synchronizer and keeps the books.

    :param partner: name of the topic whose messages belong to the images.
    :param on_pair: called with (image, partner).
    :param queue_parameter: what users know ``sync_queue`` as.
    """

    def __init__(
        self,
        node: Node,
        params: PairingParams,
        diagnostics: Diagnostics,
        partner: str,
        on_pair: Callable[[Any, Any], None],
        queue_parameter: str = 'sync_queue',
    ) -> None:
        self._node = node
        self._params = params
        self._diagnostics = diagnostics
        self._on_pair = on_pair
        self._partner = partner
        self._queue_parameter = queue_parameter
        self._newest = {'image': 0, partner: 0}
        self._arrived = {'image': _Arrival(0.0, 0), partner: _Arrival(0.0, 0)}  # the newest
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
        stopped = [name for name, arrived in self._arrived.items() if arrived.when < latest]
        if stopped:
            return f'no {" and no ".join(stopped)} received any more'
        if not self._waiting[self._partner]:
            missing = self._partner if self._waiting['image'] else 'image'
            return f'no {missing} received any more'
        if self._delay is not None:
            return self._explain_delay(self._delay)
        return (
            f'image and {self._partner} arrive but their stamps do not match: newest image '
            f'{image_ns / 1e9:.3f} s, newest {self._partner} {partner_ns / 1e9:.3f} s, sync '
            f"'{self._params.sync}'; copy the stamp of the image, or use sync: approximate"
        )

    def _explain_delay(self, delay: _Delay) -> str:
        late = f'{self._partner} arrive {delay.seconds:.2f} s after their image'
        kept = self._params.sync_queue
        if delay.images > MAX_QUEUE:
            return (
                f'{late} and {delay.images} images later, more than {self._queue_parameter} can '
                'keep: what makes them falls behind; let it take the newest image only'
            )
        return (
            f'{late}, which is no longer kept: {self._queue_parameter} is {kept}, set it to at '
            f'least {delay.images}'
        )

    def _restart(self) -> None:
        self._inputs = {name: SimpleFilter() for name in self._newest}
        self._waiting: dict[str, OrderedDict[int, _Arrival]] = {  # by stamp
            name: OrderedDict() for name in self._inputs
        }
        self._gone: OrderedDict[int, _Arrival] = OrderedDict()  # images dropped, by stamp
        # Longest of the partners that came too late, None since one that did not.
        self._delay: _Delay | None = None
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
        self._arrived[name] = _Arrival(time.monotonic(), self._arrived[name].number + 1)
        self._waiting[name][stamp] = self._arrived[name]
        if len(self._waiting[name]) > self._params.sync_queue:
            self._drop_oldest(name)
        self._inputs[name].signalMessage(message)
        if name == self._partner:
            self._note_delay(stamp)

    def _drop_oldest(self, name: str) -> None:
        stamp, arrival = self._waiting[name].popitem(last=False)
        if name == 'image':
            self._gone[stamp] = arrival
            if len(self._gone) > MAX_GONE:
                self._gone.popitem(last=False)
        reason = f'no {self._partner if name == "image" else "image"} with its stamp'
        if self._delay is not None:
            reason = f'{self._partner} too late for {self._queue_parameter}'
        self._diagnostics.count(f'{name} dropped: {reason}')

    def _note_delay(self, partner_stamp: int) -> None:
        """See whether the image of a partner that stays alone has been dropped already."""
        gone = None
        if self._gone and partner_stamp in self._waiting[self._partner]:
            nearest = min(self._gone, key=lambda stamp: abs(stamp - partner_stamp))
            slop = self._params.sync_slop if self._params.sync == 'approximate' else 0.0
            if abs(nearest - partner_stamp) <= slop * 1e9:
                gone = self._gone[nearest]
        if gone is None:
            self._delay = None
            return
        images = self._arrived['image'].number - gone.number + 1
        delay = _Delay(images, time.monotonic() - gone.when)
        self._diagnostics.latency(f'{self._partner} too late', delay.seconds)
        self._delay = max(delay, self._delay or delay)

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
                self._diagnostics.latency('pairing', time.monotonic() - arrived.when)
            self._on_pair(image, partner)
        except Exception as error:
            self._diagnostics.count('pairs dropped: error')
            self._node.get_logger().error(f'pair of image and {self._partner}: {error}')
