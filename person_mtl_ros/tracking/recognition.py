"""
Who of the gallery a young track is, if anybody.

Looks tell, and place: who appears where somebody unseen is expected is rather this person than
one who went away. Place only speaks for an identity, never against it.

Shapes: V young tracks, G identities.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.tracking.appearance import AppearanceModel
from person_mtl_ros.tracking.association import motion_log_ratio
from person_mtl_ros.tracking.gallery import Gallery
from person_mtl_ros.tracking.kalman_filter import KalmanFilter
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams
from person_mtl_ros.tracking.track import Track
from person_mtl_ros.tracking.track_table import TrackTable

FloatArray = NDArray[np.float64]


class Recognition(NamedTuple):
    """What the gallery says of the young tracks of one image."""

    agreed: list[tuple[Track, int]]  # and the identities their sightings agree on, surest first
    unclear: set[Track]  # may still turn out to be somebody of the gallery


def recognise(
    young: Sequence[Track],
    gallery: Gallery,
    appearance: AppearanceModel,
    near: Mapping[int, FloatArray],
    params: ReidTrackerParams,
    now_sec: float,
) -> Recognition:
    """
    Compare the mean look of young tracks with the gallery, and count the votes.

    :param young: tracks just seen that nobody is sure who they are.
    :param near: by identity, what the place of each young track (V,) says for it, nats.
    """
    rows = [row for row, track in enumerate(young) if track.look_weight]
    shown = [young[row] for row in rows]
    if not shown or not len(gallery):
        return Recognition([], set())
    looks = np.array([track.look_sum for track in shown])
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    ids, distances = gallery.distances(looks)
    hidden = np.array([track.hidden_share for track in shown])
    ratio = appearance.log_ratio(distances.T, params.max_appearance, hidden).T
    for column, track_id in enumerate(ids):
        if track_id in near:
            ratio[:, column] += near[track_id][rows]
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


def nearness(
    table: TrackTable,
    young: Sequence[Track],
    gallery: Gallery,
    motion_filter: KalmanFilter,
    params: ReidTrackerParams,
) -> dict[int, FloatArray]:
    """
    Judge from their places how much young tracks are people of the gallery who are expected there.

    :param young: V tracks of the table.
    :returns: see :func:`recognise`; never negative, since a prediction may be wrong.
    """
    unseen = [t for t in table.tracks if not t.is_matched and t.track_id in gallery]
    if not young or not unseen:
        return {}
    row_of = {track: row for row, track in enumerate(table.tracks)}
    rows = [row_of[track] for track in unseen]
    expected, variance = motion_filter.project(table.mean[rows], table.covariance[rows])
    places = table.mean[[row_of[track] for track in young], :4]
    ratio = motion_log_ratio(expected, variance, places, params.unexpected_density)
    said = ratio.clip(0.0, params.max_nearness)
    return dict(zip((track.track_id for track in unseen), said, strict=True))


def identity_probabilities(log_ratio: FloatArray, return_probability: float) -> FloatArray:
    """
    Posterior of each identity; what is left to one is that of a stranger.

    Somebody new in sight is one of the gallery with ``return_probability``, each equally likely:
    the more people are remembered, the more alike one of them must be. Two identities that look
    alike share the probability, so neither gets enough.

    :param log_ratio: (V, G) of each track, "this identity" : "somebody else".
    :param return_probability: in [0, 1).
    :returns: (V, G) rows that sum to less than 1.
    """
    each = return_probability / max(log_ratio.shape[1], 1)
    odds = each * np.exp(log_ratio)
    return odds / (1 - return_probability + odds.sum(axis=1, keepdims=True))
