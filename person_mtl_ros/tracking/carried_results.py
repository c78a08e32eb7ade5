"""What the network said of a person in an earlier image, brought to where the person is now."""

from dataclasses import replace

import numpy as np

from person_mtl_ros.structures import Detection, Float32Array, PartMask, PersonEstimate


def carried_results(estimate: PersonEstimate, detection: Detection) -> PersonEstimate:
    """
    Results of an earlier sighting for a detection that the network did not look at.

    Keypoints and part mask are shifted and scaled as the box was, so that all coordinates are
    those of one image.

    :param estimate: the latest one of the person, carried or not.
    :param detection: the same person now.
    """
    old, new = estimate.detection.box_xyxy, detection.box_xyxy
    keypoints = estimate.keypoints.copy()
    keypoints[:, :2] = _moved(keypoints[:, :2], old, new)
    part_mask = estimate.part_mask
    if part_mask is not None:
        corners = _moved(part_mask.box_xyxy.reshape(2, 2), old, new)
        part_mask = PartMask(part_mask.labels, corners.ravel())
    return replace(
        estimate,
        detection=detection,
        keypoints=keypoints,
        part_mask=part_mask,
        is_evaluated=False,
    )


def _moved(
    points_xy: Float32Array, old_xyxy: Float32Array, new_xyxy: Float32Array
) -> Float32Array:
    """Points (K, 2) that lie in the new box as they lay in the old one."""
    scale = (new_xyxy[2:] - new_xyxy[:2]) / (old_xyxy[2:] - old_xyxy[:2])
    return np.asarray((points_xy - old_xyxy[:2]) * scale + new_xyxy[:2], np.float32)
