"""Measures a network on labelled real people, beside answers that take no network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.backends import Backend
from person_mtl_ros.checkpoint import CheckpointInfo
from person_mtl_ros.crops import points_to_crop, points_to_image
from person_mtl_ros.structures import UInt8Array
from training.blind_answers import BlindAnswers
from training.color_histograms import histogram_distances
from training.datasets.label_sets import merge_parts
from training.datasets.market1501 import Market1501
from training.datasets.person_view import PersonView, read_image
from training.evaluation import (
    Scores,
    cosine_distances,
    evaluate_attributes,
    evaluate_pose,
    overlap_results,
    retrieval_results,
)
from training.keypoint_similarity import evaluate_keypoint_similarity, keypoints_as_coco
from training.labels import FIVE_PARTS, LIP_PARTS, MPII_KEYPOINTS
from training.metrics import confusion_matrix, retrieval_scores
from training.real_samples import LIMBS, PartPerson, PosePerson

BATCH = 64
PCK_SHARE = 0.1  # of the height of the crop

Result = dict[str, Any]  # people, network: Scores, baselines: {name: Scores}


class ZeroShotMeasurement:
    """
    Measures of one network.

    :param backend: the network, with the heads that it has.
    :param info: what its checkpoint says.
    :param blind: answers to compare with.
    """

    def __init__(self, backend: Backend, info: CheckpointInfo, blind: BlindAnswers) -> None:
        self._backend, self._info, self._blind = backend, info, blind
        self._size_hw = (info.crop.height, info.crop.width)

    def reid(self, data: Market1501, stored: NDArray[np.floating] | None) -> Result:
        """
        Measure retrieval, and the same-person threshold on the same pairs.

        :param data: queries and gallery.
        :param stored: (Q, G) distances of colour histograms; None to compute them.
        """
        samples = [data[index] for index in range(len(data))]
        images = [sample.image_rgb for sample in samples]
        cameras = np.array([sample.camera for sample in samples])
        query = np.asarray(data.is_query)
        embeddings = self._answers(images)['reid']
        distances = cosine_distances(embeddings[query], embeddings[~query])
        if stored is None:
            shown = np.array(images)
            stored = histogram_distances(shown[query], shown[~query])

        def scores(values: NDArray[np.floating]) -> Scores:
            sides = [(part[query], part[~query]) for part in (data.identities, cameras)]
            result = retrieval_scores(values, *sides[0], *sides[1])
            return retrieval_results(result.mean_average_precision, result.cumulative_matches)

        is_same = data.identities[query][:, None] == data.identities[~query]
        is_near = distances < self._info.same_person_threshold
        return {
            'people': int(query.sum()),
            'network': {
                **scores(distances),
                'false_accept_rate': float(is_near[~is_same].mean()),
                'false_reject_rate': float((~is_near)[is_same].mean()),
            },
            'baselines': {'colour histograms': scores(stored)},
        }

    def attributes(self, data: Market1501) -> Result:
        """Measure attributes of crops."""
        samples = [data[index] for index in range(len(data))]
        classes = np.stack(
            [sample.attributes for sample in samples if sample.attributes is not None]
        )
        specs = data.labels.attributes
        commonest = [
            np.eye(len(spec.classes))[
                np.bincount(known, minlength=1).argmax() if len(known) else 0
            ]
            for spec, column in zip(specs, classes.T, strict=True)
            for known in [column[column >= 0]]
        ]
        answers = self._answers([sample.image_rgb for sample in samples])['attributes']
        guesses = np.tile(np.concatenate(commonest), (len(samples), 1))
        return {
            'people': len(samples),
            'network': evaluate_attributes(answers, classes, specs),
            'baselines': {'commonest class': evaluate_attributes(guesses, classes, specs)},
        }

    def pose(self, people: Sequence[PosePerson], names: tuple[str, ...]) -> Result:
        """
        Measure joints.

        :param people: of one or more sets.
        :param names: of their joints; the network must have them.
        """
        views = [PersonView.around(person.box_xyxy, self._info.crop) for person in people]
        crops = [
            view.image(read_image(person.image))
            for view, person in zip(views, people, strict=True)
        ]
        joints = [self._info.keypoint_names.index(name) for name in names]
        answers = self._answers(crops)['pose'][:, joints]
        mean_pose = np.tile(self._blind.pose(names, self._size_hw), (len(people), 1, 1))
        guesses = np.dstack((mean_pose, np.ones((len(people), len(names), 1), np.float32)))

        def scores(predictions: NDArray[np.floating]) -> Scores:
            keypoints = np.stack(
                [
                    view.keypoints(person.keypoints)
                    for view, person in zip(views, people, strict=True)
                ]
            )
            sizes = np.array(
                [person.head_size * view.scale for view, person in zip(views, people, strict=True)]
            )
            if names == MPII_KEYPOINTS:
                return evaluate_pose(predictions, keypoints, sizes, names)
            height = np.full(len(people), float(self._size_hw[0]))
            shares = evaluate_pose(predictions, keypoints, height, names, PCK_SHARE, 'PCK')
            return {**shares, 'OKS-AP': _average_precision(predictions, views, people)}

        return {
            'people': len(people),
            'network': scores(answers),
            'baselines': {'mean pose': scores(guesses)},
        }

    def parts(self, people: Sequence[PartPerson]) -> Result:
        """Measure parts on the pixels of the images that lie in the boxes of people."""
        names = self._info.part_names
        is_lip = names == LIP_PARTS
        own = np.zeros((len(names), len(names)), np.int64)
        background, template = np.zeros_like(own), np.zeros((len(FIVE_PARTS),) * 2, np.int64)
        fixed = self._blind.parts(self._size_hw)
        for person in people:
            view = PersonView.around(person.box_xyxy, self._info.crop)
            mask = self._answers([view.image(person.image_bgr)])['parts'][0]
            five = merge_parts(person.labels, 'five')
            truth = person.labels if is_lip else five
            own += _confusion(_in_box(mask, view, person), truth, len(names))
            background += _confusion(np.zeros_like(truth), truth, len(names))
            template += _confusion(_in_box(fixed, view, person), five, len(FIVE_PARTS))
        return {
            'people': len(people),
            'network': _overlaps(own, names),
            'baselines': {
                'all background': _overlaps(background, names),
                'template': _overlaps(template, FIVE_PARTS),
            },
        }

    def _answers(self, crops_rgb: Sequence[UInt8Array]) -> dict[str, NDArray[Any]]:
        """Run the network on (H, W, 3) crops."""
        batch = np.stack([crop.transpose(2, 0, 1) for crop in crops_rgb])
        answers = [self._backend.infer(batch[i : i + BATCH]) for i in range(0, len(batch), BATCH)]
        return {task: np.concatenate([a[task] for a in answers]) for task in answers[0]}


def _average_precision(
    predictions: NDArray[np.floating], views: Sequence[PersonView], people: Sequence[PosePerson]
) -> float:
    """AP by OKS of (N, J, 3) in pixels of the crops; every box is taken for a detection."""
    images = [str(person.image) for person in people]
    truth = keypoints_as_coco(
        [person.keypoints for person in people],
        [person.box_xyxy for person in people],
        [person.area for person in people],
        images,
        LIMBS,
    )
    found = []
    for joints, view, image in zip(predictions, views, images, strict=True):
        points = points_to_image(joints[None, :, :2], view.area_xyxy, view.params)[0]
        values = np.column_stack((points, joints[:, 2])).astype(float)
        score = float(joints[:, 2].mean())
        row = {'image_id': image, 'category_id': 1, 'score': score}
        found.append({**row, 'keypoints': values.ravel().tolist()})
    return evaluate_keypoint_similarity(truth, found, LIMBS)['AP']


def _in_box(mask: UInt8Array, view: PersonView, person: PartPerson) -> UInt8Array:
    """Look up (H, W) classes of the crop at each pixel of the image in the person's box."""
    x0, y0, x1, y1 = person.box_xyxy
    pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1) + 0.5
    cells = points_to_crop(pixels.reshape(1, -1, 2), view.area_xyxy, view.params)[0].astype(int)
    return np.asarray(mask[cells[:, 1], cells[:, 0]].reshape(person.labels.shape))


def _confusion(found: UInt8Array, truth: UInt8Array, classes: int) -> NDArray[np.int64]:
    return confusion_matrix(found[None], truth[None], classes)


def _overlaps(confusion: NDArray[np.int64], names: Sequence[str]) -> Scores:
    """Name the overlaps; ``mIoU`` stays for the 20 classes of LIP."""
    scores = overlap_results(confusion, names)
    if tuple(names) == FIVE_PARTS:
        del scores['mIoU']
    return scores
