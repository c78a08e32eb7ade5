"""What every backend offers."""

from typing import Any, Protocol

from numpy.typing import NDArray

from person_mtl_ros.structures import UInt8Array


class BackendError(ValueError):
    """A backend, device or head that was asked for and is not there."""


class DeviceError(RuntimeError):
    """The device failed while it ran: out of memory, lost."""


class Backend(Protocol):
    """A network ready to run on one device."""

    name: str  # key of BACKENDS
    device: str
    precision: str  # of most of the computation: fp32, bf16

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """
        Run the network and decode its outputs.

        :param crops: (N, 3, H, W) uint8 RGB, N >= 1.
        :returns: of the tasks that are on: ``reid`` (N, D) float32 of length 1, ``attributes``
            (N, sum of classes) float32 probabilities, ``pose`` (N, J, 3) float32 x, y in pixels of
            the crop and score, ``parts`` (N, H, W) uint8 labels.
        :raises DeviceError: when the device fails.
        """
