"""Measures a network on labelled real people, beside answers that take no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.backends import Backend
from person_mtl_ros.checkpoint import CheckpointInfo
from person_mtl_ros.crops import points_to_crop, points_to_image
from person_mtl_ros.structures import AttributeSpec, UInt8Array
from training.blind_answers import BlindAnswers
from training.color_histograms import histogram_distances
from training.datasets.label_sets import merge_parts
from training.datasets.market1501 import Market1501
from training.datasets.person_view import PersonView, read_image
from training.datasets.sample import UNKNOWN, DatasetError
from training.evaluation import (
    Scores,
    cosine_distances,
    evaluate_attributes,
    evaluate_pose,
    nanmean,
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


@dataclass(frozen=True)
class ReidCrops:
    """N crops of a ReID set with answers of the network."""

    crops_rgb: list[UInt8Array]
    answers: dict[str, NDArray[Any]]  # task -> (N, ...)
    identities: NDArray[np.int64]  # (N,)
    cameras: NDArray[np.int64]  # (N,)
    is_query: NDArray[np.bool_]  # (N,)
    attributes: NDArray[np.int64] | None  # (N, A)
    specs: tuple[AttributeSpec, ...]

    def scores(self, distances: NDArray[np.floating]) -> Scores:
        """Measure (Q, G) distances."""
        query = self.is_query
        sides = [
            side[part] for side in (self.identities, self.cameras) for part in (query, ~query)
        ]
        result = retrieval_scores(distances, *sides)
        return retrieval_results(result.mean_average_precision, result.cumulative_matches)


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

    def read(self, data: Market1501) -> ReidCrops:
        """Read queries and gallery and run the network on them."""
        samples = [data[index] for index in range(len(data))]
        crops = [sample.image_rgb for sample in samples]
        return ReidCrops(
            crops_rgb=crops,
            answers=self._answers(crops),
            identities=data.identities,
            cameras=np.array([sample.camera for sample in samples]),
            is_query=np.asarray(data.is_query),
            attributes=None
            if samples[0].attributes is None
            else np.stack([np.asarray(sample.attributes) for sample in samples]),
            specs=data.labels.attributes,
        )

    def reid(self, crops: ReidCrops, stored: NDArray[np.floating] | None) -> Result:
        """
        Measure retrieval, and the same-person threshold on the same pairs.

        :param crops: queries and gallery.
        :param stored: (Q, G) distances of colour histograms; None to compute them.
        :raises DatasetError: when no query has a match.
        """
        query = crops.is_query
        embeddings = crops.answers['reid']
        distances = cosine_distances(embeddings[query], embeddings[~query])
        if stored is None:
            sides = [
                [crop for crop, is_here in zip(crops.crops_rgb, side, strict=True) if is_here]
                for side in (query, ~query)
            ]
            stored = histogram_distances(*sides)
        network, histograms = crops.scores(distances), crops.scores(stored)
        is_same = crops.identities[query][:, None] == crops.identities[~query]
        is_near = distances < self._info.same_person_threshold
        network['false_accept_rate'] = nanmean(is_near[~is_same])
        network['false_reject_rate'] = nanmean(~is_near[is_same])
        return {
            'people': int(query.sum()),
            'network': network,
            'baselines': {'colour histograms': histograms},
        }

    def attributes(self, crops: ReidCrops) -> Result:
        """Measure attributes, which the crops must have."""
        classes, specs = np.asarray(crops.attributes), crops.specs
        commonest = [
            np.eye(len(spec.classes))[np.bincount(known).argmax() if len(known) else 0]
            for spec, column in zip(specs, classes.T, strict=True)
            for known in [column[column != UNKNOWN]]
        ]
        guesses = np.tile(np.concatenate(commonest), (len(classes), 1))
        return {
            'people': len(classes),
            'network': evaluate_attributes(crops.answers['attributes'], classes, specs),
            'baselines': {'commonest class': evaluate_attributes(guesses, classes, specs)},
        }

    def pose(self, people: Sequence[PosePerson], names: tuple[str, ...]) -> Result:
        """
        Measure joints.

        :param people: of one or more sets.
        :param names: of their joints.
        :raises DatasetError: when the network does not know them.
        """
        views = [PersonView.around(person.box_xyxy, self._info.crop) for person in people]
        crops = [
            view.image(read_image(person.image))
            for view, person in zip(views, people, strict=True)
        ]
        known = self._info.keypoint_names
        if not set(names) <= set(known):
            raise DatasetError(f'the network knows other joints than {", ".join(names)}')
        joints = [known.index(name) for name in names]
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
        answers = []
        for begin in range(0, len(crops_rgb), BATCH):
            batch = np.stack(crops_rgb[begin : begin + BATCH]).transpose(0, 3, 1, 2)
            answers.append(self._backend.infer(np.ascontiguousarray(batch)))
        return {task: np.concatenate([batch[task] for batch in answers]) for task in answers[0]}


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
