"""Translates the labels of a data set to those that were asked for."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from person_mtl_ros.structures import Float32Array, UInt8Array
from training.datasets.sample import IGNORED_PART, UNLABELLED
from training.labels import KEYPOINT_SETS, PART_SETS

KeypointSetName = Literal['mpii', 'coco']
PartSetName = Literal['lip', 'five']


def keypoint_labels(name: KeypointSetName) -> dict[str, Any]:
    """Give the fields of a ``LabelSet`` for a set of joints."""
    keypoints = KEYPOINT_SETS[name]
    return {
        'keypoint_names': keypoints.names,
        'keypoint_edges': keypoints.edges,
        'keypoint_flip': keypoints.flip,
    }


def part_labels(name: PartSetName) -> dict[str, Any]:
    """Give the fields of a ``LabelSet`` for a set of parts."""
    parts = PART_SETS[name]
    return {'part_names': parts.names, 'part_colors': parts.colors, 'part_flip': parts.flip}


def select_keypoints(
    keypoints: Float32Array, names: Sequence[str], wanted: Sequence[str]
) -> Float32Array:
    """
    Reorder joints by name; those a data set does not have are UNLABELLED.

    :param keypoints: (..., J, 3).
    :param names: of the J joints.
    :param wanted: names of the K joints to give.
    :returns: (..., K, 3).
    """
    selected = np.zeros((*keypoints.shape[:-2], len(wanted), 3), np.float32)
    selected[..., 2] = UNLABELLED
    for index, name in enumerate(wanted):
        if name in names:
            selected[..., index, :] = keypoints[..., list(names).index(name), :]
    return selected


def merge_parts(labels: UInt8Array, name: PartSetName) -> UInt8Array:
    """
    Translate classes of LIP; labels that are none become IGNORED_PART.

    :param labels: any shape.
    :param name: of the set to give.
    """
    table = np.full(256, IGNORED_PART, np.uint8)
    table[: len(PART_SETS[name].of_lip)] = PART_SETS[name].of_lip
    return table[labels]
