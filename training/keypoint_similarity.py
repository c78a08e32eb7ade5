"""Average precision of poses by object keypoint similarity (OKS), computed by pycocotools."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

from training.labels import COCO_KEYPOINTS

_NAMES = tuple(
    f'{average}{suffix}'
    for average in ('AP', 'AR')
    for suffix in ('', '50', '75', '_medium', '_large')
)


def evaluate_keypoint_similarity(
    ground_truth: dict[str, Any],
    predictions: Sequence[dict[str, Any]],
    names: Sequence[str] = COCO_KEYPOINTS,
) -> dict[str, float]:
    """
    Measure predicted people: ``AP``, ``AP50``, ``AR`` and so on; NaN where there is nobody.

    :param ground_truth: images, annotations and categories in COCO's format.
    :param predictions: image_id, category_id, keypoints and score of each.
    :param names: of the joints of both, of ``COCO_KEYPOINTS``.
    """
    with redirect_stdout(io.StringIO()):  # it reports its progress
        truth = COCO()
        truth.dataset = ground_truth
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(list(predictions)), 'keypoints')
        evaluation.params.kpt_oks_sigmas = _sigmas(names)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {
        name: float(value) if value >= 0 else float('nan')
        for name, value in zip(_NAMES, evaluation.stats, strict=True)
    }


def keypoints_as_coco(
    keypoints: Sequence[NDArray[np.floating]],
    boxes_xyxy: Sequence[NDArray[np.floating]],
    areas: Sequence[float],
    images: Sequence[str],
    names: Sequence[str],
) -> dict[str, Any]:
    """
    Write labelled people in COCO's format.

    :param keypoints: of each (J, 3) in continuous pixels of its image; see
        ``training.datasets.sample``.
    :param boxes_xyxy: of each (4,).
    :param areas: of each, square pixels.
    :param images: of each, any name.
    :param names: of the joints.
    """
    annotations = []
    for index, (joints, box) in enumerate(zip(keypoints, boxes_xyxy, strict=True)):
        is_labelled = joints[:, 2] >= 0
        values = np.column_stack((joints[:, :2], np.where(is_labelled, joints[:, 2] + 1, 0)))
        x0, y0, x1, y1 = (float(side) for side in box)
        annotations.append(
            {
                'id': index + 1,
                'image_id': images[index],
                'category_id': 1,
                'iscrowd': 0,
                'bbox': [x0, y0, x1 - x0, y1 - y0],
                'area': float(areas[index]),
                'num_keypoints': int(is_labelled.sum()),
                'keypoints': values.ravel().tolist(),
            }
        )
    return {
        'images': [{'id': image} for image in dict.fromkeys(images)],
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'person', 'keypoints': list(names)}],
    }


def _sigmas(names: Sequence[str]) -> NDArray[np.floating]:
    of_coco = dict(zip(COCO_KEYPOINTS, Params('keypoints').kpt_oks_sigmas, strict=True))
    return np.array([of_coco[name] for name in names])
