"""The detections of one image as arrays, in an order that is their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, PersonEstimate
from person_mtl_ros.tracking.kalman_filter import cxcywh_from_xyxy
from person_mtl_ros.tracking.occlusion import covered_fraction

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sightings:
    """M persons seen in one image, best score first."""

    persons: Sequence[PersonEstimate]
    boxes_cxcywh: FloatArray  # (M, 4)
    scores: FloatArray  # (M,)
    has_look: NDArray[np.bool_]  # (M,) there is an embedding
    shows_look: NDArray[np.bool_]  # (M,) and it is of this person alone
    embeddings: Float32Array  # (M, D); zeros where has_look is False
    coverage: FloatArray  # (M,) share of the box that somebody nearer hides


def sightings_from(
    persons: Sequence[PersonEstimate], min_score: float, max_coverage: float
) -> Sightings:
    """
    Sort and stack the persons of one image.

    Sorting by score and box makes every later step, sums and new ids included, independent of
    the order in which the detector lists people.

    :param persons: as they came.
    :param min_score: detections below it are dropped.
    :param max_coverage: a box covered by more than this fraction shows somebody else as well, so
        its embedding is not kept.
    :raises ValueError: when the embeddings of one image differ in length.
    """
    kept = sorted(
        (person for person in persons if person.detection.score >= min_score),
        key=lambda person: (-person.detection.score, *person.detection.box_xyxy.tolist()),
    )
    boxes = np.array([person.detection.box_xyxy for person in kept], np.float64).reshape(-1, 4)
    lengths = {person.embedding.size for person in kept} - {0}
    if len(lengths) > 1:
        raise ValueError(f'embeddings of lengths {sorted(lengths)} in one image; expected one')
    has_look = np.array([person.embedding.size > 0 for person in kept], bool)
    coverage = covered_fraction(boxes, boxes)
    shows_look = has_look & (coverage <= max_coverage)
    embeddings = np.zeros((len(kept), lengths.pop() if lengths else 0), np.float32)
    for row in np.flatnonzero(has_look):
        embeddings[row] = kept[row].embedding
    scores = np.array([person.detection.score for person in kept], np.float64)
    return Sightings(
        kept, cxcywh_from_xyxy(boxes), scores, has_look, shows_look, embeddings, coverage
    )
