"""
From an image on a device to the answers about its people, without waiting in between.

All work is queued: crops are cut, batches run, rows with all answers copied back; the host waits
once, at the end. Nothing here needs a GPU; what does is in ``cuda_backend``.

Axes: N people, L bytes of a row with the answers to one crop.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from person_mtl_ros.backends.backend import ImageAnswers
from person_mtl_ros.backends.batches import MAX_BATCH, batches
from person_mtl_ros.backends.torch_gpu.device_crops import CropPlan, crop_sharpness, cut_crops
from person_mtl_ros.backends.torch_gpu.result_rows import RowLayout
from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import Float32Array, UInt8Array

SHARPNESS = 'sharpness'


class RowNetwork(nn.Module):
    """
    Network, decoder and sharpness: crops in, rows with all answers out.

    :param network: of a checkpoint.
    :param decoder: of its outputs.
    :param one_crop: (1, 3, H, W) uint8 on the device, to find out what there is to answer.
    """

    def __init__(self, network: nn.Module, decoder: nn.Module, one_crop: Tensor) -> None:
        super().__init__()
        self._network = network
        self._decoder = decoder
        self.layout = RowLayout(self._answers(one_crop))

    def forward(self, crops: Tensor) -> Tensor:
        """
        Answer and pack.

        :param crops: (N, 3, H, W) uint8 RGB.
        :returns: (N, L) uint8.
        """
        return self.layout.pack(self._answers(crops))

    def _answers(self, crops: Tensor) -> dict[str, Tensor]:
        batch = crops.contiguous(memory_format=torch.channels_last)
        answers: dict[str, Tensor] = self._decoder(self._network(batch))
        return {**answers, SHARPNESS: crop_sharpness(crops)}


class Replay(Protocol):
    """A network with a fixed place for its input."""

    crops: Tensor  # (MAX_BATCH, 3, H, W) uint8; the caller fills the first rows

    def run(self, size: int) -> Tensor:
        """
        Run the network on the first rows.

        :param size: one of ``batches.SIZES``.
        :returns: (size, L) uint8; valid until the next run.
        """


class EagerReplay:
    """Launches every operation anew."""

    def __init__(self, network: RowNetwork, crop: CropParams, device: torch.device) -> None:
        self.crops = torch.zeros(
            MAX_BATCH, 3, crop.height, crop.width, dtype=torch.uint8, device=device
        )
        self._network = network

    def run(self, size: int) -> Tensor:
        """See ``Replay``."""
        rows: Tensor = self._network(self.crops[:size])
        return rows


class FrameRunner:
    """
    Run a network on the people of an image, or on crops, in as many batches as it takes.

    :param replay: of a ``RowNetwork``.
    :param layout: of its rows.
    :param crop: size and context of the crops.
    :param synchronize: waits until the device has done all that was queued.
    :param pin: keep what is copied in memory that the device can reach while the host goes on.
    """

    def __init__(
        self,
        replay: Replay,
        layout: RowLayout,
        crop: CropParams,
        synchronize: Callable[[], None],
        pin: bool,
    ) -> None:
        self._replay = replay
        self._layout = layout
        self._crop = crop
        self._synchronize = synchronize
        self._pin = pin
        self._rows = self._host_rows(MAX_BATCH)

    def infer_image(
        self, planes: Tensor, areas_xyxy: Float32Array, max_batch: int
    ) -> ImageAnswers:
        """
        Answer for areas of an image.

        :param planes: the image as ``device_crops.planar_image`` gives it.
        :param areas_xyxy: (N, 4) result of ``crop_boxes``, N >= 1.
        :param max_batch: people at once.
        """
        plan = CropPlan.of(areas_xyxy, self._crop)
        places = self._to_device(torch.from_numpy(plan.places))

        def fill(begin: int, end: int) -> Tensor:
            return cut_crops(planes, places[begin:end], plan.samples[begin:end], self._crop)

        rows = self._run(fill, len(areas_xyxy), max_batch)
        return self._unpack(rows[np.argsort(plan.order)])

    def infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        """Answer for crops that were cut elsewhere, see ``Backend.infer``."""
        batch = self._to_device(torch.from_numpy(np.ascontiguousarray(crops)))
        rows = self._run(lambda begin, end: batch[begin:end], len(crops), MAX_BATCH)
        return self._unpack(rows.copy()).outputs

    def _run(self, fill: Callable[[int, int], Tensor], count: int, max_batch: int) -> UInt8Array:
        """Rows of all people; their memory is used again by the next run."""
        if count > len(self._rows):
            self._rows = self._host_rows(count)
        for begin, end, size in batches(count, max_batch):
            self._replay.crops[: end - begin] = fill(begin, end)
            rows = self._replay.run(size)[: end - begin]
            self._rows[begin:end].copy_(rows, non_blocking=True)
        self._synchronize()
        return self._rows[:count].numpy()

    def _unpack(self, rows: UInt8Array) -> ImageAnswers:
        outputs = self._layout.unpack(rows)
        return ImageAnswers(outputs, outputs.pop(SHARPNESS))

    def _to_device(self, tensor: Tensor) -> Tensor:
        host = tensor.pin_memory() if self._pin else tensor
        return host.to(self._replay.crops.device, non_blocking=True)

    def _host_rows(self, count: int) -> Tensor:
        return torch.empty(count, self._layout.row_bytes, dtype=torch.uint8, pin_memory=self._pin)
