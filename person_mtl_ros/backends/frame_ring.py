"""Which buffer of a device an image lies in, so that the next can come while one is worked on."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from person_mtl_ros.structures import UInt8Array


class FrameBuffer(Protocol):
    """Memory of a device for one image."""

    def write(self, image_bgr: UInt8Array) -> None:
        """Begin to bring an image there, as soon as nobody reads the one before."""


Buffer = TypeVar('Buffer', bound=FrameBuffer)


class FrameRing(Generic[Buffer]):
    """
    Fill buffers in turns.

    :param buffers: two are enough: one is read while the other is written.
    """

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self._buffers = tuple(buffers)
        self._images: list[UInt8Array | None] = [None] * len(buffers)
        self._next = 0

    def prefetch(self, image_bgr: UInt8Array) -> None:
        """
        Begin to bring an image to the device.

        An array that is announced again holds another image, whether the one before was taken or
        not.

        :param image_bgr: (h, w, 3) uint8; not to be changed before it is taken or announced again.
        """
        self._bring(image_bgr)

    def take(self, image_bgr: UInt8Array) -> Buffer:
        """
        Find the buffer of an image, which is brought now if it was not before.

        An image is taken once: the next time the same array may hold another one.
        """
        place = self._find(image_bgr)
        if place is None:
            place = self._bring(image_bgr)
        self._images[place] = None
        return self._buffers[place]

    def _bring(self, image_bgr: UInt8Array) -> int:
        before = self._find(image_bgr)
        if before is not None:
            self._images[before] = None
        place = self._next
        self._images[place] = None  # should writing fail, what was there is gone too
        self._buffers[place].write(image_bgr)
        self._images[place] = image_bgr
        self._next = (place + 1) % len(self._buffers)
        return place

    def _find(self, image_bgr: UInt8Array) -> int | None:
        return next((i for i, image in enumerate(self._images) if image is image_bgr), None)
