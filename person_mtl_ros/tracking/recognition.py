"""
Who of the gallery a young track is, if anybody.

Shapes: V young tracks, G identities.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.gallery import Gallery
from person_mtl_ros.tracking.track import Track

FloatArray = NDArray[np.float64]


class Resemblance(NamedTuple):
    """Whom of the gallery a young track resembles most."""

    track: Track
    best_id: int
    best: float  # probability to be that identity
    stranger: float  # probability to be nobody of the gallery


def recognise(
    young: Sequence[Track],
    gallery: Gallery,
    appearance: AppearanceModel,
    return_probability: float,
    max_appearance: float,
) -> list[Resemblance]:
    """
    Compare the mean look of young tracks with the gallery.

    :param young: tracks that nobody is sure who they are.
    :param return_probability: see :func:`identity_probabilities`.
    :param max_appearance: bound of what looks say, nats.
    :returns: of the tracks with a look, the surest first; empty if nobody is remembered.
    """
    shown = [track for track in young if track.looks]
    if not shown or not len(gallery):
        return []
    looks = np.stack([track.look_sum for track in shown])
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    ids, distances = gallery.distances(looks)
    ratio = appearance.log_ratio(distances, max_appearance)
    probability = identity_probabilities(ratio, return_probability)
    best = probability.argmax(axis=1)
    return [
        Resemblance(
            shown[row],
            ids[best[row]],
            float(probability[row, best[row]]),
            float(1 - probability[row].sum()),
        )
        for row in np.argsort(-probability.max(axis=1), kind='stable')
    ]


def identity_probabilities(log_ratio: FloatArray, return_probability: float) -> FloatArray:
    """
    Posterior of each identity; what is left to one is that of a stranger.

    Somebody new in sight is one of the gallery with ``return_probability``, each equally likely:
    the more people are remembered, the more alike one of them must be. Two identities that look
    alike share the probability, so neither gets enough.

    :param log_ratio: (V, G) of the mean look of each track, "this identity" : "somebody else".
    :param return_probability: in [0, 1).
    :returns: (V, G) rows that sum to less than 1.
    """
    each = return_probability / max(log_ratio.shape[1], 1)
    odds = each * np.exp(log_ratio)
    return odds / (1 - return_probability + odds.sum(axis=1, keepdims=True))
