"""Measures of the four tasks, as the benchmarks define them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

import person_mtl_ros.networks.torchvision_import  # noqa: F401, torchmetrics imports torchvision
from training.datasets.sample import IGNORED_PART, UNKNOWN, DatasetError

# isort: split
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
)

# MPII's head_top and upper_neck are the ends of 0.8 of the diagonal of the head box.
_HEAD_SIZE_OF_HEAD_LENGTH = 0.6 / 0.8


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

    Gallery images of the query's person taken by the query's camera do not count, nor do junk
    images, whose identity is UNKNOWN; a query without any match left is left out.

    :param distances: (Q, G), small is alike.
    :param query_identities: (Q,).
    :param gallery_identities: (G,).
    :param query_cameras: (Q,).
    :param gallery_cameras: (G,).
    :raises DatasetError: when no query has a match.
    """
    is_usable = np.asarray(gallery_identities) != UNKNOWN
    distances = np.asarray(distances)[:, is_usable]
    gallery_identities = np.asarray(gallery_identities)[is_usable]
    gallery_cameras = np.asarray(gallery_cameras)[is_usable]
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
    if not precisions:
        raise DatasetError(
            f'none of {len(query_identities)} queries has a match by another camera among '
            f'{len(gallery_identities)} gallery images; expected at least one'
        )
    return RetrievalScores(float(np.mean(precisions)), np.mean(matches, axis=0))


def head_sizes(head_boxes_xyxy: NDArray[np.floating]) -> NDArray[np.floating]:
    """
    Head sizes of MPII: 0.6 of the diagonal of the head box.

    :param head_boxes_xyxy: (N, 4).
    :returns: (N,).
    """
    sides = head_boxes_xyxy[:, 2:] - head_boxes_xyxy[:, :2]
    return 0.6 * np.linalg.norm(sides, axis=1)


def head_sizes_of_joints(
    head_top: NDArray[np.floating], upper_neck: NDArray[np.floating]
) -> NDArray[np.floating]:
    """
    Head sizes of MPII from the two joints that its annotators' head boxes gave.

    :param head_top: (..., 2).
    :param upper_neck: (..., 2).
    :returns: (...).
    """
    return np.asarray(_HEAD_SIZE_OF_HEAD_LENGTH * np.linalg.norm(head_top - upper_neck, axis=-1))


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


def accuracy(
    predictions: NDArray[np.integer],
    classes: NDArray[np.integer],
    class_count: int,
    is_balanced: bool = False,
) -> float:
    """
    Share of right classes; NaN when nothing is labelled.

    :param predictions: (N,).
    :param classes: (N,), UNKNOWN where not labelled.
    :param class_count: number of classes.
    :param is_balanced: average the shares of each class that is there. With two classes this is
        the term of one attribute in the mean accuracy mA of PA-100K (Liu et al. 2017).
    """
    is_known = classes != UNKNOWN
    if not is_known.any():
        return float('nan')
    value = multiclass_accuracy(
        torch.as_tensor(predictions[is_known].astype(np.int64)),
        torch.as_tensor(classes[is_known].astype(np.int64)),
        class_count,
        average='none' if is_balanced else 'micro',
    )
    present = np.unique(classes[is_known])
    return float(value[torch.as_tensor(present.astype(np.int64))].mean() if is_balanced else value)


def confusion_matrix(
    predictions: NDArray[np.integer], labels: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """
    Count pixels by true and predicted class, without those labelled IGNORED_PART.

    :param predictions: (N, ...).
    :param labels: same shape.
    :param classes: number of classes.
    :returns: (classes, classes), rows are true classes.
    """
    confusion = np.zeros((classes, classes), np.int64)
    # One at a time: torchmetrics needs 8 bytes a pixel several times over.
    for found, truth in zip(predictions, labels, strict=True):
        confusion += multiclass_confusion_matrix(
            torch.as_tensor(np.asarray(found, np.int64)),
            torch.as_tensor(np.asarray(truth, np.int64)),
            classes,
            ignore_index=IGNORED_PART,
            validate_args=False,
        ).numpy()
    return confusion


def intersections_over_union(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """
    Overlap of each class; NaN for a class that is neither there nor predicted.

    :param confusion: result of ``confusion_matrix``.
    """
    both = np.diag(confusion).astype(np.float64)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return np.divide(both, either, out=np.full_like(both, np.nan), where=either > 0)
