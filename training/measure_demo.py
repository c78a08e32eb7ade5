"""
Measure a checkpoint of ``train_demo`` and write the results into it.

    python -m training.measure_demo RUN/demo.safetensors --crops CROPS --real SAMPLES --write

The rendered people that training left out give all measures and the same-person threshold. Real
samples, if there are any, give them zero-shot: 32 queries of Market-1501 and a handful of people
of MPII, COCO-like sets and CIHP. That tells a network that works from one that does not; it is
too few to compare two that do. Beside each figure stands that of an answer that ignores the
picture, or of colour histograms.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.backends import Backend, create_backend
from person_mtl_ros.checkpoint import load_checkpoint, save_checkpoint
from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops, points_to_crop
from person_mtl_ros.structures import UInt8Array
from training.labels import MARKET_ATTRIBUTES, MPII_KEYPOINTS
from training.metrics import (
    confusion_matrix,
    correct_keypoints,
    intersections_over_union,
    retrieval_scores,
    same_person_threshold,
)
from training.real_samples import (
    LIMBS,
    PartSample,
    PoseSample,
    RetrievalSample,
    cihp_samples,
    coco_samples,
    market_sample,
    mpii_samples,
)
from training.rendered_people import FIVE_PARTS, RenderedPeople
from training.train_demo import DemoTrainingParams

TASKS = ('reid', 'attributes', 'pose', 'parts')
FALSE_ACCEPT_RATE = 0.01  # at the threshold: a wrong identity costs more than a new one
HEAD_TOP, UPPER_NECK = MPII_KEYPOINTS.index('head_top'), MPII_KEYPOINTS.index('upper_neck')

Results = dict[str, Any]


class DemoMeasurement:
    """
    Measures of one network.

    :param backend: the network, with all heads.
    :param crop: what it expects to see.
    :param mean_pose: (16, 2) mean of rendered poses in crop pixels, to compare with.
    """

    def __init__(self, backend: Backend, crop: CropParams, mean_pose: NDArray) -> None:
        self._backend, self._crop, self._mean_pose = backend, crop, mean_pose

    def rendered(self, data: RenderedPeople) -> Results:
        """Measure all tasks on rendered people and choose the same-person threshold."""
        samples = [data[row, 0] for row in range(len(data))]
        labels = {name: np.stack([s[name].numpy() for s in samples]) for name in samples[0]}
        outputs = self._infer(labels['image'])
        distances = _cosine_distances(outputs['reid'], outputs['reid'])
        first, second = np.triu_indices(len(distances), 1)
        is_same = labels['identity'][first] == labels['identity'][second]
        threshold, false_rejects = same_person_threshold(
            distances[first, second], is_same, FALSE_ACCEPT_RATE
        )
        # Every crop asks for the others; with a camera of its own it does not find itself.
        cameras = np.arange(len(distances))
        scores = retrieval_scores(
            distances, labels['identity'], labels['identity'], cameras, cameras
        )
        targets = labels['keypoints'][..., :2]
        heads = np.linalg.norm(targets[:, HEAD_TOP] - targets[:, UPPER_NECK], axis=1)
        return {
            'people': len(set(labels['identity'].tolist())),
            'crops': len(samples),
            'reid': {
                'mAP': scores.mean_average_precision,
                'rank1': scores.cumulative_matches[0],
                'same_person_threshold': threshold,
                'false_accept_rate': FALSE_ACCEPT_RATE,
                'false_reject_rate': false_rejects,
            },
            'attributes': _attribute_accuracy(outputs['attributes'], labels['attributes']),
            'pose': {
                'measure': 'PCKh@0.5 of visible joints, head from top to upper neck',
                **self._pose_scores(
                    outputs['pose'], targets, heads, 0.5, labels['keypoints'][..., 2] == 1
                ),
            },
            'parts': _overlap(
                confusion_matrix(outputs['parts'], labels['parts'], len(FIVE_PARTS))
            ),
        }

    def market(self, sample: RetrievalSample, threshold: float) -> Results:
        """Measure ReID and attributes on crops, which are whole images."""
        areas = [np.array([[0, 0, *i.shape[1::-1]]], np.float32) for i in sample.images_bgr]
        crops = [
            cut_crops(image, area, self._crop)
            for image, area in zip(sample.images_bgr, areas, strict=True)
        ]
        outputs = self._infer(np.concatenate(crops))
        query, gallery = slice(None, sample.queries), slice(sample.queries, None)
        distances = _cosine_distances(outputs['reid'][query], outputs['reid'][gallery])
        is_same = sample.identities[query, None] == sample.identities[None, gallery]

        def scores(values: NDArray) -> tuple[float, float]:
            result = retrieval_scores(
                values,
                sample.identities[query],
                sample.identities[gallery],
                sample.cameras[query],
                sample.cameras[gallery],
            )
            return result.mean_average_precision, result.cumulative_matches[0]

        precision, rank1 = scores(distances)
        histogram_precision, histogram_rank1 = scores(sample.histogram_distances)
        return {
            'queries': sample.queries,
            'reid': {
                'mAP': precision,
                'rank1': rank1,
                'mAP of colour histograms': histogram_precision,
                'rank1 of colour histograms': histogram_rank1,
                'false_accept_rate': (distances[~is_same] < threshold).mean(),
                'false_reject_rate': (distances[is_same] >= threshold).mean(),
            },
            'attributes': _attribute_accuracy(outputs['attributes'], sample.attributes),
        }

    def pose(self, samples: Iterable[PoseSample], names: Sequence[str]) -> Results:
        """
        Measure joints; MPII has heads to measure with, for others the box has to do.

        :param samples: people.
        :param names: of their joints.
        """
        people = list(samples)
        areas = crop_boxes([person.box_xyxy for person in people], self._crop)
        crops = [
            cut_crops(person.image_bgr, areas[i : i + 1], self._crop)
            for i, person in enumerate(people)
        ]
        keypoints = np.stack([person.keypoints for person in people])
        targets = points_to_crop(keypoints[..., :2], areas, self._crop)
        if tuple(names) == MPII_KEYPOINTS:
            measure, threshold = 'PCKh@0.5, head from top to upper neck', 0.5
            sizes = np.linalg.norm(targets[:, HEAD_TOP] - targets[:, UPPER_NECK], axis=1)
        else:
            measure, threshold = 'PCK@0.1 of the height of the crop', 0.1
            sizes = np.full(len(people), self._crop.height)
        predictions = self._infer(np.concatenate(crops))['pose']
        joints = [MPII_KEYPOINTS.index(name) for name in names]
        scores = self._pose_scores(
            predictions, targets, sizes, threshold, keypoints[..., 2] > 0, joints
        )
        return {'people': len(people), 'measure': measure, **scores}

    def parts(self, samples: Iterable[PartSample]) -> Results:
        """Measure parts on the pixels of the image that lie in the box of a person."""
        confusion = np.zeros((len(FIVE_PARTS), len(FIVE_PARTS)), np.int64)
        people = list(samples)
        for person in people:
            areas = crop_boxes(person.box_xyxy, self._crop)
            mask = self._infer(cut_crops(person.image_bgr, areas, self._crop))['parts'][0]
            x0, y0, x1, y1 = person.box_xyxy
            pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1) + 0.5
            cells = points_to_crop(pixels.reshape(1, -1, 2), areas, self._crop)[0].astype(int)
            found = mask[cells[:, 1], cells[:, 0]].reshape(person.labels.shape)
            confusion += confusion_matrix(found, person.labels, len(FIVE_PARTS))
        return {'people': len(people), **_overlap(confusion)}

    def _pose_scores(
        self,
        predictions: NDArray,
        targets: NDArray,
        sizes: NDArray,
        threshold: float,
        is_counted: NDArray[np.bool_],
        joints: Sequence[int] = range(len(MPII_KEYPOINTS)),
    ) -> Results:
        mean_pose = np.broadcast_to(self._mean_pose[list(joints)], targets.shape)
        found = correct_keypoints(predictions[:, list(joints), :2], targets, sizes, threshold)
        guessed = correct_keypoints(mean_pose, targets, sizes, threshold)
        return {
            'correct': found[is_counted].mean(),
            'correct of the mean pose': guessed[is_counted].mean(),
        }

    def _infer(self, crops: UInt8Array) -> dict[str, NDArray[Any]]:
        batches = [self._backend.infer(crops[i : i + 64]) for i in range(0, len(crops), 64)]
        return {task: np.concatenate([batch[task] for batch in batches]) for task in batches[0]}


def mean_pose_of(data: RenderedPeople) -> NDArray[np.float32]:
    """Average every joint where it is visible: (16, 2) in crop pixels."""
    keypoints = np.stack([data[row, 0]['keypoints'].numpy() for row in range(len(data))])
    visible = keypoints[..., 2:] == 1
    return np.asarray((keypoints[..., :2] * visible).sum(axis=0) / visible.sum(axis=0))


def _cosine_distances(one: NDArray, other: NDArray) -> NDArray[np.float32]:
    """(N, D), (M, D) of length 1 -> (N, M)."""
    return np.asarray(1 - one @ other.T, np.float32)


def _attribute_accuracy(probabilities: NDArray, classes: NDArray) -> Results:
    """Accuracies of the network and of always the commonest class of these very people."""
    results: Results = {}
    begin = 0
    for index, spec in enumerate(MARKET_ATTRIBUTES):
        end = begin + len(spec.classes)
        known = classes[:, index] >= 0
        truth = classes[known, index]
        found = probabilities[known, begin:end].argmax(axis=1)
        results[spec.name] = {
            'accuracy': (found == truth).mean(),
            'of the commonest class': np.bincount(truth).max() / len(truth),
        }
        begin = end
    mean = {
        key: np.mean([result[key] for result in results.values()])
        for key in ('accuracy', 'of the commonest class')
    }
    return {'mean': mean, **results}


def _overlap(confusion: NDArray[np.int64]) -> Results:
    all_background = np.zeros_like(confusion)
    all_background[:, 0] = confusion.sum(axis=1)
    overlaps = intersections_over_union(confusion)
    return {
        'mIoU': np.nanmean(overlaps),
        'mIoU of all background': np.nanmean(intersections_over_union(all_background)),
        **dict(zip(FIVE_PARTS, overlaps.tolist(), strict=True)),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(float(value), 4) if isinstance(value, float | np.floating) else value


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Measure the demo network.')
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('--crops', type=Path, required=True, help='the rendered crops of training')
    parser.add_argument('--real', type=Path, help='folder of real samples')
    parser.add_argument('--device', default='auto')
    parser.add_argument('--write', action='store_true', help='put the results into the checkpoint')
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    crop = checkpoint.info.crop
    held_out = RenderedPeople(
        args.crops, (crop.height, crop.width), (DemoTrainingParams().train_share, 1), None
    )
    backend = create_backend('torch', checkpoint, args.device, TASKS)
    measurement = DemoMeasurement(backend, crop, mean_pose_of(held_out))
    results: Results = {'rendered people not seen in training': measurement.rendered(held_out)}
    reid = results['rendered people not seen in training']['reid']
    if args.real:
        results['real people, zero-shot'] = {
            'Market-1501': measurement.market(
                market_sample(args.real), reid['same_person_threshold']
            ),
            'MPII': measurement.pose(mpii_samples(args.real), MPII_KEYPOINTS),
            'COCO, OCHuman, PoseTrack18': measurement.pose(coco_samples(args.real), LIMBS),
            'CIHP': measurement.parts(cihp_samples(args.real)),
        }
    results = _rounded(results)
    print(json.dumps(results, indent=2))
    if args.write:
        info = replace(
            checkpoint.info,
            results=results,
            same_person_threshold=reid['same_person_threshold'],
            false_accept_rate=reid['false_accept_rate'],
            false_reject_rate=reid['false_reject_rate'],
        )
        save_checkpoint(args.checkpoint, info, checkpoint.tensors, half=True)


if __name__ == '__main__':
    main()
