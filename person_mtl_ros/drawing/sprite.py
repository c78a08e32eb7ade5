"""Small pictures with soft edges, made once and painted into many images."""

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.drawing.colors import Color
from person_mtl_ros.structures import UInt8Array


class Sprite:
    """
    A picture that covers what is below it more or less.

    :param color: (h, w, 3) in [0, 255], times coverage.
    :param coverage: (h, w) in [0, 1].
    """

    def __init__(self, color: NDArray[np.float32], coverage: NDArray[np.float32]) -> None:
        # In 1/256, so that painting is one multiplication, one sum and one shift; of each channel,
        # since numpy is slow at repeating the last axis.
        keep = (256 - np.round(256 * coverage)).astype(np.uint16)
        self._keep = np.repeat(keep[..., None], 3, axis=2)
        self._color = np.round(256 * color).astype(np.uint16)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._color.shape[1], self._color.shape[0]

    def paint(self, image_bgr: UInt8Array, x: int, y: int) -> None:
        """Blend into an image, in place, from column x and row y on; what sticks out is cut."""
        width, height = self.size
        pixels = image_bgr[y : y + height, x : x + width]
        inside = np.s_[: pixels.shape[0], : pixels.shape[1]]
        pixels[:] = (pixels * self._keep[inside] + self._color[inside]) >> 8


class SpriteLayers:
    """
    A sprite in the making: shapes on top of each other.

    :param width: in pixels.
    :param height: in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self._color = np.zeros((height, width, 3), np.float32)
        self._coverage = np.zeros((height, width), np.float32)

    def lay(
        self, coverage: UInt8Array, color: Color, x: int = 0, y: int = 0, opacity: float = 1.0
    ) -> None:
        """
        Put a shape on top.

        :param coverage: (h, w) 0 to 255, inside the sprite.
        :param x: column of its left edge.
        :param y: row of its top edge.
        :param opacity: of the shape where it covers all.
        """
        area = np.s_[y : y + coverage.shape[0], x : x + coverage.shape[1]]
        alpha = coverage * np.float32(opacity / 255)
        self._color[area] += alpha[..., None] * (np.array(color, np.float32) - self._color[area])
        self._coverage[area] += alpha * (1 - self._coverage[area])

    def merged(self) -> Sprite:
        """All of them in one."""
        return Sprite(self._color, self._coverage)
