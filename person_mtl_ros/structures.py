"""
The data that flows through the system: frozen dataclasses of numpy arrays.

Boxes are ``xyxy``, float32, in pixels of the original image, x to the right, y down.
Times are seconds, velocities pixels per second.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Detection:
    """One detected person."""

    box_xyxy: Float32Array  # (4,) finite, x1 > x0, y1 > y0
    score: float = 1.0  # confidence in [0, 1]
    detection_id: str = ''  # what the detector called it, empty if it did not
    index: int = 0  # position in the incoming array of detections


@dataclass(frozen=True)
class PartMask:
    """Body-part label per pixel of a grid that covers a box of the image."""

    labels: UInt8Array  # (h, w) index into ModelInfo.part_names, 0 = background
    box_xyxy: Float32Array  # (4,) image area the grid covers; may reach outside the image


def _no_embedding() -> Float32Array:
    return np.zeros(0, np.float32)


def _no_keypoints() -> Float32Array:
    return np.zeros((0, 3), np.float32)


@dataclass(frozen=True)
class PersonEstimate:
    """
    What the network says about one detection; a head that is off leaves its field empty.

    Of a person whom it had no time to look at only the detection is known; a tracker adds the
    latest results of that person, moved along with the box.
    """

    detection: Detection
    embedding: Float32Array = field(default_factory=_no_embedding)  # (D,) L2-normalised
    attributes: Mapping[str, Float32Array] = field(default_factory=dict)  # name -> (C,) sums to 1
    keypoints: Float32Array = field(default_factory=_no_keypoints)  # (J, 3) x, y, score in [0, 1]
    part_mask: PartMask | None = None
    sharpness: float | None = None  # detail of the crop, 0 (blurred or far) to 1; None = unknown
    is_evaluated: bool = True  # the results are of the image of this detection


class TrackState(IntEnum):
    """Life cycle of a track; the values are those of ``TrackedPerson.msg``."""

    TENTATIVE = 0  # seen too few times to be trusted
    CONFIRMED = 1  # a person, seen now or moments ago
    OCCLUDED = 2  # predicted to stand behind somebody nearer
    LOST = 3  # not seen, kept for its return


@dataclass(frozen=True)
class TrackedPerson:
    """One person with an identity. ``track_id`` is never given to anybody else."""

    track_id: int
    state: TrackState
    is_matched: bool  # a detection of this frame supports it; otherwise the box is a prediction
    box_xyxy: Float32Array  # (4,)
    velocity_xy: Float32Array  # (2,) of the box centre, px/s
    age_sec: float  # since first seen
    time_since_seen_sec: float  # 0 when is_matched
    attributes: Mapping[str, Float32Array]  # smoothed over the track
    estimate: PersonEstimate | None  # the latest matched one
    recovered: bool = False  # was lost and got its id back by appearance
    result_age_sec: float = math.inf  # since the network looked at this person; inf = never yet


@dataclass(frozen=True)
class AttributeSpec:
    """One attribute and the meaning of its probabilities."""

    name: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ModelInfo:
    """Names and numbers needed to read the outputs of one network."""

    model_id: str  # changes with the weights; embeddings of two models never compare
    embedding_dim: int = 0
    same_person_threshold: float = 0.0  # cosine distance; below it two embeddings are one person
    attributes: tuple[AttributeSpec, ...] = ()
    keypoint_names: tuple[str, ...] = ()
    keypoint_edges: tuple[tuple[int, int], ...] = ()  # pairs of keypoint indices to draw
    part_names: tuple[str, ...] = ()
    part_colors: tuple[tuple[int, int, int], ...] = ()  # RGB

    @cached_property
    def attribute_slices(self) -> dict[str, slice]:
        """Where the classes of each attribute lie in the vector of all of them, by name."""
        ends = accumulate((len(spec.classes) for spec in self.attributes), initial=0)
        return {
            spec.name: slice(*ends)
            for spec, ends in zip(self.attributes, pairwise(ends), strict=True)
        }
