"""The detections of one image as arrays, in an order that is their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, PersonEstimate
from person_mtl_ros.tracking.kalman_filter import cxcywh_from_xyxy
from person_mtl_ros.tracking.occlusion import covered_fraction
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sightings:
    """M persons seen in one image, best score first."""

    persons: Sequence[PersonEstimate]
    boxes_cxcywh: FloatArray  # (M, 4)
    scores: FloatArray  # (M,)
    has_look: NDArray[np.bool_]  # (M,) there is an embedding
    shows_look: NDArray[np.bool_]  # (M,) and it is of this person alone
    embeddings: Float32Array  # (M, D); NaN where has_look is False
    coverage: FloatArray  # (M,) share of the box that somebody nearer hides


def sightings_from(
    persons: Sequence[PersonEstimate], params: ReidTrackerParams, embedding_length: int = 0
) -> Sightings:
    """
    Sort and stack the persons of one image.

    Sorting by score and box makes every later step, sums and new ids included, independent of
    the order in which the detector lists people.

    :param persons: as they came.
    :param params: those below ``low_score`` are dropped; who is covered by more than
        ``clean_coverage`` shows somebody else as well, so the embedding is not kept.
    :param embedding_length: D of the images before; 0 if there was no embedding yet.
    :raises ValueError: when embeddings differ in length, from each other or from those before.
    """
    kept = [person for person in persons if person.detection.score >= params.low_score]
    scores = np.array([person.detection.score for person in kept], np.float64)
    boxes = np.array([person.detection.box_xyxy for person in kept], np.float64).reshape(-1, 4)
    order = np.lexsort((*boxes.T[::-1], -scores))
    kept, scores, boxes = [kept[index] for index in order.tolist()], scores[order], boxes[order]
    sizes = [person.embedding.size for person in kept]
    lengths = {embedding_length, *sizes} - {0}
    if len(lengths) > 1:
        raise ValueError(
            f'embeddings of lengths {sorted(lengths)}; expected one, as in the images before: '
            'reset the tracker when the network changes'
        )
    has_look = np.array(sizes, bool)
    embeddings = np.full((len(kept), max(lengths, default=0)), np.nan, np.float32)
    if any(sizes):
        embeddings[has_look] = np.concatenate([p.embedding for p in kept]).reshape(-1, *lengths)
    coverage = covered_fraction(boxes, boxes) if params.occlusion else np.zeros(len(kept))
    shows_look = has_look & (coverage <= params.clean_coverage)
    return Sightings(
        kept, cxcywh_from_xyxy(boxes), scores, has_look, shows_look, embeddings, coverage
    )
