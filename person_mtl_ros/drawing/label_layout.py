"""Where labels go, so that they hide neither each other nor people."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BoxArray = NDArray[np.float64]

LABEL_WEIGHT = 20.0  # hiding another label is this much worse than hiding a person
OWNER_WEIGHT = 0.5  # hiding the person it belongs to is less bad than hiding another


class LabelLayout:
    """
    Takes places for labels one after another; earlier ones stay free of later ones.

    :param image_size: width and height in pixels; labels are moved inside.
    :param people_xyxy: (N, 4) boxes of everybody.
    """

    def __init__(self, image_size: tuple[int, int], people_xyxy: BoxArray) -> None:
        self._limit = np.array(image_size, float)
        self._taken = people_xyxy
        self._weights = np.ones(len(people_xyxy))

    def place(
        self,
        size: tuple[int, int],
        candidates: Sequence[tuple[float, float]],
        owner: int,
        max_cost: float = np.inf,
    ) -> tuple[int, int] | None:
        """
        Take the candidate that hides least; of equals the first.

        :param size: width and height of the label in pixels.
        :param candidates: upper left corners, best first.
        :param owner: index of the person it belongs to.
        :param max_cost: share of the label that may lie on others, weighted.
        :returns: upper left corner, None if every candidate hides too much.
        """
        room = np.maximum(self._limit - size, 0)
        corners = np.round(np.clip(np.array(candidates), 0, room))
        boxes = np.hstack([corners, corners + size])
        low = np.maximum(boxes[:, None, :2], self._taken[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], self._taken[None, :, 2:])
        weights = self._weights.copy()
        weights[owner] = OWNER_WEIGHT
        costs = (high - low).clip(0).prod(axis=2) @ weights / (size[0] * size[1])
        best = int(costs.argmin())
        if costs[best] > max_cost:
            return None
        self._taken = np.vstack([self._taken, boxes[best]])
        self._weights = np.append(self._weights, LABEL_WEIGHT)
        return int(corners[best, 0]), int(corners[best, 1])
