"""Measures of the four tasks, as the benchmarks define them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RetrievalScores:
    """Result of a ReID query set."""

    mean_average_precision: float
    cumulative_matches: NDArray[np.float64]  # share of queries with a match among the first k + 1


def retrieval_scores(
    distances: NDArray[np.floating],
    query_identities: NDArray[np.integer],
    gallery_identities: NDArray[np.integer],
    query_cameras: NDArray[np.integer],
    gallery_cameras: NDArray[np.integer],
) -> RetrievalScores:
    """
    Mean average precision and cumulative matching characteristic of Market-1501.

    Gallery images of the query's person taken by the query's camera do not count; a query without
    any match left is left out.

    :param distances: (Q, G), small is alike.
    :param query_identities: (Q,).
    :param gallery_identities: (G,).
    :param query_cameras: (Q,).
    :param gallery_cameras: (G,).
    """
    precisions, matches = [], []
    for row, identity, camera in zip(distances, query_identities, query_cameras, strict=True):
        order = np.argsort(row, kind='stable')
        same = gallery_identities[order] == identity
        hits = same[~(same & (gallery_cameras[order] == camera))]
        if not hits.any():
            continue
        ranks = np.flatnonzero(hits)
        precisions.append(np.mean(np.arange(1, len(ranks) + 1) / (ranks + 1)))
        matches.append(np.arange(len(gallery_identities)) >= ranks[0])
    return RetrievalScores(float(np.mean(precisions)), np.mean(matches, axis=0))


def same_person_threshold(
    distances: NDArray[np.floating], is_same: NDArray[np.bool_], false_accept_rate: float
) -> tuple[float, float]:
    """
    Distance below which a given share of the pairs of strangers lies.

    :param distances: (P,) of pairs.
    :param is_same: (P,) whether a pair is one person.
    :param false_accept_rate: share of pairs of strangers to accept.
    :returns: the threshold and the share of pairs of one person that it rejects.
    """
    threshold = float(np.quantile(distances[~is_same], false_accept_rate))
    return threshold, float((distances[is_same] >= threshold).mean())


def head_sizes(head_boxes_xyxy: NDArray[np.floating]) -> NDArray[np.floating]:
    """
    Head sizes of MPII: 0.6 of the diagonal of the head box.

    :param head_boxes_xyxy: (N, 4).
    :returns: (N,).
    """
    sides = head_boxes_xyxy[:, 2:] - head_boxes_xyxy[:, :2]
    return 0.6 * np.linalg.norm(sides, axis=1)


def correct_keypoints(
    predictions: NDArray[np.floating],
    targets: NDArray[np.floating],
    sizes: NDArray[np.floating],
    threshold: float = 0.5,
) -> NDArray[np.bool_]:
    """
    Which keypoints are near enough: PCKh with head sizes, PCK with other ones.

    :param predictions: (N, J, 2).
    :param targets: (N, J, 2).
    :param sizes: (N,) of the heads.
    :param threshold: largest distance, in sizes.
    :returns: (N, J).
    """
    distances = np.linalg.norm(predictions - targets, axis=2)
    return distances <= threshold * sizes[:, None]


def confusion_matrix(
    predictions: NDArray[np.integer], labels: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """
    Count pixels by true and predicted class.

    :param predictions: any shape.
    :param labels: same shape.
    :param classes: number of classes.
    :returns: (classes, classes), rows are true classes.
    """
    pairs = labels.astype(np.int64).ravel() * classes + predictions.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def intersections_over_union(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """
    Overlap of each class; NaN for a class that is neither there nor predicted.

    :param confusion: result of ``confusion_matrix``.
    """
    both = np.diag(confusion).astype(np.float64)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return np.divide(both, either, out=np.full_like(both, np.nan), where=either > 0)
