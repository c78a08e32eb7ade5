"""
All answers to one crop side by side in one row of bytes, so that they leave a device in one copy.

Axes: N crops, L bytes of a row.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from person_mtl_ros.structures import UInt8Array


class _Field(NamedTuple):
    name: str
    shape: tuple[int, ...]  # of one crop
    dtype: np.dtype[Any]
    begin: int  # bytes
    end: int


class RowLayout:
    """
    Which bytes of a row hold which answer.

    :param outputs: answers to any crops: (N, ...) by name, as those that are to be packed.
    """

    def __init__(self, outputs: Mapping[str, Tensor]) -> None:
        self._fields: list[_Field] = []
        begin = 0
        # Floats first: so all of them lie at multiples of their size.
        for name, output in sorted(outputs.items(), key=lambda item: -item[1].element_size()):
            length = output[0].numel() * output.element_size()
            dtype = np.dtype(str(output.dtype).removeprefix('torch.'))
            self._fields.append(
                _Field(name, tuple(output.shape[1:]), dtype, begin, begin + length)
            )
            begin += length
        self.row_bytes = begin

    def pack(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """
        Put answers into rows, on their device.

        :param outputs: (N, ...) by name.
        :returns: (N, L) uint8.
        """
        fields = [outputs[field.name] for field in self._fields]
        return torch.cat(
            [field.reshape(len(field), -1).contiguous().view(torch.uint8) for field in fields],
            dim=1,
        )

    def unpack(self, rows: UInt8Array) -> dict[str, NDArray[Any]]:
        """
        Find answers in rows.

        :param rows: (N, L) uint8.
        :returns: (N, ...) by name; they share the memory of the rows.
        """
        return {
            field.name: rows[:, field.begin : field.end]
            .view(field.dtype)
            .reshape(len(rows), *field.shape)
            for field in self._fields
        }
