"""What every backend offers."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, UInt8Array

AUTO = 'auto'  # a backend, device or precision that is to be chosen


class BackendError(ValueError):
    """A backend, device or head that was asked for and is not there."""


class DeviceError(RuntimeError):
    """The device failed while it ran: out of memory, lost."""


def first_line(error: Exception) -> str:
    """Of what an error says, without the hints and traces that runtimes add; never empty."""
    return str(error).strip().partition('\n')[0] or type(error).__name__


class Backend(Protocol):
    """A network ready to run on one device."""

    name: str  # key of BACKENDS
    device: str
    precision: str  # of most of the computation: fp32, bf16, fp16, int8
    remark: str  # why in no faster precision; may be empty

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """
        Run the network and decode its outputs.

        :param crops: (N, 3, H, W) uint8 RGB, N >= 1.
        :returns: of the tasks that are on: ``reid`` (N, D) float32 of length 1, ``attributes``
            (N, sum of classes) float32 probabilities, ``pose`` (N, J, 3) float32 x, y in pixels of
            the crop and score, ``parts`` (N, H, W) uint8 labels.
        :raises DeviceError: when the device fails.
        """


class ImageAnswers(NamedTuple):
    """What a backend that cuts crops itself says about the people of an image."""

    outputs: dict[str, NDArray[Any]]  # as ``Backend.infer`` returns them
    sharpness: Float32Array  # (N,) of the crops, see ``crops.crop_sharpness``


@runtime_checkable
class ImageBackend(Backend, Protocol):
    """A backend that takes images and cuts the crops where the network runs."""

    def prefetch(self, image_bgr: UInt8Array) -> None:
        """
        Begin to bring an image to the device while it works on another; returns at once.

        :param image_bgr: (h, w, 3) uint8; not to be changed before ``infer_image`` has it, or
            before it is announced here again.
        :raises DeviceError: when the device fails.
        """

    def infer_image(
        self, image_bgr: UInt8Array, areas_xyxy: Float32Array, max_batch: int
    ) -> ImageAnswers:
        """
        Cut crops as ``crops.cut_crops`` does, run the network and decode its outputs.

        :param image_bgr: (h, w, 3) uint8.
        :param areas_xyxy: (N, 4) result of ``crop_boxes``, N >= 1.
        :param max_batch: people per run of the network.
        :raises DeviceError: when the device fails.
        """
