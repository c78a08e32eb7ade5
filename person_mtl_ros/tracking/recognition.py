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
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams
from person_mtl_ros.tracking.track import Track

FloatArray = NDArray[np.float64]


class Recognition(NamedTuple):
    """What the gallery says of the young tracks of one image."""

    agreed: list[tuple[Track, int]]  # and the identities their sightings agree on, surest first
    unclear: set[Track]  # may still turn out to be somebody of the gallery


def recognise(
    young: Sequence[Track],
    gallery: Gallery,
    appearance: AppearanceModel,
    params: ReidTrackerParams,
    now_sec: float,
) -> Recognition:
    """
    Compare the mean look of young tracks with the gallery, and count the votes.

    :param young: tracks just seen that nobody is sure who they are.
    """
    shown = [track for track in young if track.look_weight]
    if not shown or not len(gallery):
        return Recognition([], set())
    looks = np.array([track.look_sum for track in shown])
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    ids, distances = gallery.distances(looks)
    hidden = np.array([track.hidden_share for track in shown])
    ratio = appearance.log_ratio(distances.T, params.max_appearance, hidden).T
    probability = identity_probabilities(ratio, params.return_probability)
    recognition = Recognition([], set())
    for row in np.argsort(-probability.max(axis=1), kind='stable').tolist():
        track, best = shown[row], int(probability[row].argmax())
        sureness = probability[row, best]
        if track.estimate.is_evaluated:  # one look does not vote twice
            track.vote(ids[best] if sureness > 0.5 else None, now_sec)
        if (
            sureness >= params.recover_probability
            and track.votes >= params.recover_votes
            and now_sec - track.candidate_since_sec >= params.recover_vote_sec
        ):
            recognition.agreed.append((track, ids[best]))
        elif 1 - probability[row].sum() < params.stranger_probability:
            recognition.unclear.add(track)
    return recognition


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
