"""
Measures of each task from stacked network outputs and labels.

Outputs are those of ``person_mtl_ros.networks.decode.Decoder``. Every function returns a flat dict
of numbers; ``PRIMARY`` names the one that decides. A part of it, such as one joint, is
``measure/part``; it is NaN where nothing is labelled.

Axes: N crops, D embedding, A attributes, J joints, H and W of the crop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.same_person import choose_threshold
from person_mtl_ros.structures import AttributeSpec
from training.datasets.sample import UNLABELLED, LabelSet
from training.labels import FIVE_PARTS, LIP_PARTS, LIP_TO_5_PARTS
from training.metrics import (
    accuracy,
    confusion_matrix,
    correct_keypoints,
    intersections_over_union,
    retrieval_scores,
)

Scores = dict[str, float]

PRIMARY = {'reid': 'mAP', 'attributes': 'accuracy', 'pose': 'PCKh', 'parts': 'mIoU'}
RANKS = (1, 5, 10)
# Without a detector's noise these two follow from the others; MPII's usual mean leaves them out.
_NOT_IN_MEAN = ('pelvis', 'thorax')
_MAX_PAIRED = 4000  # crops; their 8 million pairs take 0.2 GB


def evaluate(
    outputs: Mapping[str, NDArray[Any]],
    labels: Mapping[str, NDArray[Any]],
    label_set: LabelSet,
    is_query: NDArray[np.bool_] | None = None,
) -> dict[str, Scores]:
    """
    Measure every task that has outputs and labels.

    :param outputs: task -> stacked outputs.
    :param labels: stacked labels with the keys of ``training.transforms``: ``identity``,
        ``camera``, ``attributes``, ``keypoints``, ``head_size``, ``parts``.
    :param label_set: what the labels mean.
    :param is_query: (N,) queries of ReID; None when every crop asks for the others.
    :returns: task -> measures.
    """
    results = {}
    if 'reid' in outputs and 'identity' in labels:
        cameras = labels.get('camera')
        results['reid'] = evaluate_reid(outputs['reid'], labels['identity'], cameras, is_query)
    if 'attributes' in outputs and 'attributes' in labels:
        results['attributes'] = evaluate_attributes(
            outputs['attributes'], labels['attributes'], label_set.attributes
        )
    if 'pose' in outputs and 'keypoints' in labels:
        results['pose'] = evaluate_pose(
            outputs['pose'], labels['keypoints'], labels['head_size'], label_set.keypoint_names
        )
    if 'parts' in outputs and 'parts' in labels:
        results['parts'] = evaluate_parts(outputs['parts'], labels['parts'], label_set.part_names)
    return results


def evaluate_reid(
    embeddings: NDArray[np.floating],
    identities: NDArray[np.integer],
    cameras: NDArray[np.integer] | None = None,
    is_query: NDArray[np.bool_] | None = None,
) -> Scores:
    """
    Measure retrieval by cosine distance: ``mAP``, ``rank1``, ``rank5``, ``rank10``.

    :param embeddings: (N, D) of length 1.
    :param identities: (N,), UNKNOWN for junk.
    :param cameras: (N,); needed with ``is_query``.
    :param is_query: (N,), the others are the gallery and the rule of the same camera holds; None
        when every crop asks for all others, of any camera.
    """
    if is_query is None:
        query = gallery = np.ones(len(embeddings), bool)
        cameras = np.arange(len(embeddings))  # with a camera of its own no crop finds itself
    elif cameras is None:
        raise ValueError('queries without cameras: expected the camera of every crop')
    else:
        query, gallery = is_query, ~is_query
    scores = retrieval_scores(
        cosine_distances(embeddings[query], embeddings[gallery]),
        identities[query],
        identities[gallery],
        cameras[query],
        cameras[gallery],
    )
    return retrieval_results(scores.mean_average_precision, scores.cumulative_matches)


def retrieval_results(
    mean_average_precision: float, cumulative_matches: NDArray[np.floating]
) -> Scores:
    """Name the numbers of a ``RetrievalScores``; a short gallery repeats its last rank."""
    last = len(cumulative_matches)
    return {
        'mAP': mean_average_precision,
        **{f'rank{rank}': float(cumulative_matches[min(rank, last) - 1]) for rank in RANKS},
    }


def evaluate_same_person(
    embeddings: NDArray[np.floating],
    identities: NDArray[np.integer],
    false_accept_rate: float = 0.01,
) -> Scores:
    """
    Choose the distance below which two crops are taken for one person, from all pairs.

    Of large sets the first people are taken, in the order of their numbers.

    :param embeddings: (N, D) of length 1.
    :param identities: (N,).
    :param false_accept_rate: share of pairs of strangers below it; low, since a wrong identity
        costs a tracker more than a new one.
    :returns: ``same_person_threshold``, ``false_accept_rate``, ``false_reject_rate``.
    """
    if len(embeddings) > _MAX_PAIRED:
        taken = np.argsort(identities, kind='stable')[:_MAX_PAIRED]
        embeddings, identities = embeddings[taken], identities[taken]
    first, second = np.triu_indices(len(embeddings), 1)
    distances = cosine_distances(embeddings, embeddings)[first, second]
    is_same = identities[first] == identities[second]
    return asdict(choose_threshold(distances[is_same], distances[~is_same], false_accept_rate))


def evaluate_attributes(
    probabilities: NDArray[np.floating],
    classes: NDArray[np.integer],
    specs: Sequence[AttributeSpec],
) -> Scores:
    """
    Measure attributes: ``accuracy`` and ``mA``, the same balanced over classes, and of each.

    :param probabilities: (N, sum of classes).
    :param classes: (N, A), UNKNOWN where not labelled.
    :param specs: of the attributes, in the order of both.
    """
    results: Scores = {}
    begin = 0
    for index, spec in enumerate(specs):
        count = len(spec.classes)
        found = probabilities[:, begin : begin + count].argmax(axis=1)
        for measure, is_balanced in (('accuracy', False), ('mA', True)):
            results[f'{measure}/{spec.name}'] = accuracy(
                found, classes[:, index], count, is_balanced
            )
        begin += count
    means = {
        measure: nanmean([results[f'{measure}/{spec.name}'] for spec in specs])
        for measure in ('accuracy', 'mA')
    }
    return {**means, **results}


def evaluate_pose(
    predictions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    sizes: NDArray[np.floating],
    names: Sequence[str],
    threshold: float = 0.5,
    measure: str = 'PCKh',
) -> Scores:
    """
    Measure joints: share of labelled ones, hidden ones too, within a distance.

    ``PCKh`` is the mean over labelled joints without pelvis and thorax, as MPII's results are
    usually given; ``PCKh_all`` is with them.

    :param predictions: (N, J, 2 or more) x, y in crop pixels.
    :param keypoints: (N, J, 3) labels; see ``training.datasets.sample``.
    :param sizes: (N,) head sizes in crop pixels; people without one (NaN) do not count.
    :param names: of the joints.
    :param threshold: largest distance, in sizes.
    :param measure: name of the result; PCKh when sizes are those of heads.
    """
    is_sized = np.isfinite(sizes)
    targets = keypoints[is_sized]
    found = correct_keypoints(
        predictions[is_sized, :, :2], targets[..., :2], sizes[is_sized], threshold
    )
    is_labelled = targets[..., 2] != UNLABELLED
    right, all_of = (found & is_labelled).sum(axis=0), is_labelled.sum(axis=0)
    in_mean = np.array([name not in _NOT_IN_MEAN for name in names])
    return {
        measure: _share(right[in_mean].sum(), all_of[in_mean].sum()),
        f'{measure}_all': _share(right.sum(), all_of.sum()),
        **{
            f'{measure}/{name}': _share(*counts)
            for name, *counts in zip(names, right, all_of, strict=True)
        },
    }


def evaluate_parts(
    predictions: NDArray[np.integer], labels: NDArray[np.integer], names: Sequence[str]
) -> Scores:
    """
    Measure parts: ``mIoU``, of each class ``IoU/class``, and ``mIoU_5`` for the classes of LIP.

    :param predictions: (N, H, W) classes.
    :param labels: (N, H, W), IGNORED_PART where not labelled.
    :param names: of the classes.
    """
    return overlap_results(confusion_matrix(predictions, labels, len(names)), names)


def overlap_results(confusion: NDArray[np.integer], names: Sequence[str]) -> Scores:
    """
    Name the overlaps of a confusion matrix; classes neither there nor predicted do not count.

    ``mIoU_5`` merges the classes of LIP to the five of Pfeiffer et al., section 4.1.
    """
    overlaps = intersections_over_union(confusion)
    results = {'mIoU': nanmean(overlaps)}
    if tuple(names) in (LIP_PARTS, FIVE_PARTS):
        results['mIoU_5'] = nanmean(intersections_over_union(merge_to_5_parts(confusion)))
    return {
        **results,
        **{f'IoU/{name}': float(value) for name, value in zip(names, overlaps, strict=True)},
    }


def merge_to_5_parts(confusion: NDArray[np.integer]) -> NDArray[np.int64]:
    """Sum the rows and columns of (20, 20) LIP classes to (5, 5); (5, 5) stays."""
    if len(confusion) == len(FIVE_PARTS):
        return confusion.astype(np.int64)
    merge = np.eye(len(FIVE_PARTS), dtype=np.int64)[list(LIP_TO_5_PARTS)]
    return np.asarray(merge.T @ confusion @ merge)


def cosine_distances(
    one: NDArray[np.floating], other: NDArray[np.floating]
) -> NDArray[np.float32]:
    """(N, D), (M, D) of length 1 -> (N, M) in [0, 2]."""
    return np.asarray(1 - one @ other.T, np.float32)


def nanmean(values: Sequence[float] | NDArray[np.floating]) -> float:
    """Mean of those that are numbers; NaN without any, and no warning."""
    numbers = np.asarray(values)[np.isfinite(values)]
    return float(numbers.mean()) if len(numbers) else float('nan')


def without_nan(value: Any) -> Any:
    """Make a nested result what JSON knows: round numbers, None for what is none."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def _share(right: int, all_of: int) -> float:
    return float(right / all_of) if all_of else float('nan')
