"""How long an image takes by the number of people the network looks at, learnt while it runs."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

WINDOW = 32  # images: the machine may become busy or hot within seconds
WITHIN = 0.9  # share of the images that are to stay within a budget
PROBE_AFTER = 8  # images of the same number of people, which tell nothing of the time per person
MOST_PROBES = 2  # images of the window with more people; of a single one the time may be odd
NOBODY_WEIGHT = 0.2  # of a pair with nobody, against one of images
MOST_GROWTH = 2  # times the people of any image in the window: beyond nothing is known


class CostModel:
    """
    A line through the latest images: time = fixed part + people x time per person.

    The slope is the weighted median of those of all pairs of images (Theil 1950, Sen 1968; weights
    of Jaeckel 1972: the difference in people), so that an image that had to wait for something
    else does not count. Every image is paired with nobody in no time as well, at a lower weight:
    while all images have the same number of people, their time is taken as proportional to it,
    and one person more is tried once in a while.
    """

    def __init__(self) -> None:
        self._images: deque[tuple[int, float]] = deque(maxlen=WINDOW)

    def add(self, people: int, seconds: float) -> None:
        """
        Take in an image.

        :param people: whom the network looked at; an image without teaches nothing.
        :param seconds: of the work on it.
        """
        if people:
            self._images.append((people, seconds))

    def people_within(self, budget_sec: float) -> int:
        """
        How many people fit into a time, one at least: nine of ten images are to stay within.

        The first images take few people and then, within some images, as many as fit.
        """
        if not self._images:
            return 1
        people, seconds = np.array(self._images).T
        slope = _slope(people, seconds)
        rest = np.sort(seconds - slope * people)
        fixed_sec = float(rest[int(WITHIN * (len(rest) - 1))])
        most = MOST_GROWTH * int(people.max())
        fits = most if slope <= 0 else int((budget_sec - fixed_sec) / slope)
        latest = people[-PROBE_AFTER:]
        is_settled = len(latest) == PROBE_AFTER and latest.min() == latest.max()
        if is_settled and np.sum(people > latest[-1]) < MOST_PROBES:
            fits += 1
        return max(1, min(fits, most))


def _slope(people: FloatArray, seconds: FloatArray) -> float:
    """Time per person of images (N,)."""
    run = people[:, None] - people
    row, column = (run > 0).nonzero()
    run = run[row, column]
    slopes = np.append((seconds[row] - seconds[column]) / run, seconds / people)
    weights = np.append(run, NOBODY_WEIGHT * people)
    order = np.argsort(slopes, kind='stable')
    weight = np.cumsum(weights[order])
    return float(slopes[order][np.searchsorted(weight, weight[-1] / 2)])
