"""Notices a detector on another scale of scores than the tracker."""

import math
from collections.abc import Sequence

PATIENCE_SEC = 5.0


class ScoreWatch:
    """Until one score is high enough to start a track; from then on low ones are clutter."""

    def __init__(self) -> None:
        self._since_sec = math.inf
        self._highest = 0.0
        self._is_content = False

    def warning(self, stamp_sec: float, scores: Sequence[float], high_score: float) -> str:
        """
        Take in one image.

        :param scores: of all people in it.
        :param high_score: from which on tracks start.
        :returns: what is wrong and what to do; empty when all is well or nobody knows yet.
        """
        if scores:
            self._since_sec = min(self._since_sec, stamp_sec)
            self._highest = max(self._highest, *scores)
            self._is_content |= self._highest >= high_score
        if self._is_content or stamp_sec - self._since_sec < PATIENCE_SEC:
            return ''
        return (
            f'no track starts: the highest score so far is {self._highest:.2f}, below high_score '
            f'{high_score:g}; set high_score to the scale of your detector'
        )
