"""The distance of embeddings below which two views are taken for one person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it does to the pairs it was chosen with."""

    same_person_threshold: float  # cosine distance; below it two views are taken for one person
    false_accept_rate: float  # share of pairs of strangers below it
    false_reject_rate: float  # share of pairs of one person not below it


def choose_threshold(
    positive: NDArray[np.floating], negative: NDArray[np.floating], false_accept_rate: float
) -> OperatingPoint:
    """
    Choose the distance below which a given share of the pairs of strangers lies.

    :param positive: (P,) distances of pairs of one person.
    :param negative: (N,) distances of pairs of strangers, at least one.
    :param false_accept_rate: in (0, 1), share of ``negative`` to accept; with few pairs the share
        that is accepted differs from it.
    """
    threshold = float(np.quantile(negative, false_accept_rate))
    return OperatingPoint(
        same_person_threshold=threshold,
        false_accept_rate=float((negative < threshold).mean()),
        false_reject_rate=float((positive >= threshold).mean()),
    )
