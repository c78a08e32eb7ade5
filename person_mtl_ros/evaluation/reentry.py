"""
Re-entry recall: whether people who come back get their old id back.

Match: in each frame, counted ground-truth boxes and result boxes are assigned one to one with
the largest total IoU; pairs below an IoU of 0.5 do not count.

Entry: a ground-truth identity appears for the first time, or again after it had no counted box
for at least ``MIN_ABSENCE_SEC``. The latter is a *return*. The id of an entry is the track id
matched to the identity most often in the first ``AFTER_SEC`` of its new stay (less if it leaves
before; in a tie the earlier one), or none.

Recovered: a return whose id is the one matched to the identity most often in the ``BEFORE_SEC``
up to its last box before the absence (in a tie the later one). *Re-entry recall* is recovered
returns / all returns: a person who was not tracked before, or is not after, is not recovered.

Wrong revival: an entry whose id was matched, over all frames before the entry, most often to
another identity (in a tie to the earlier one): somebody received the id of somebody else.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from person_mtl_ros.evaluation.mot_files import MotTable
from person_mtl_ros.tracking.iou import iou

MIN_ABSENCE_SEC = 1.0  # shorter gaps are occlusions, which the motion model bridges
BEFORE_SEC = 1.0  # long enough to outvote a swap in the last frames
AFTER_SEC = 2.0  # a tracker may need some frames until it is sure
MIN_IOU = 0.5  # as in MOTA and IDF1


@dataclass(frozen=True)
class ReentryScore:
    """Counts of one sequence; add those of several."""

    returns: int = 0  # entries after an absence
    recovered: int = 0  # returns that got their old id back
    entries: int = 0  # returns and first appearances
    wrong_revivals: int = 0  # entries that got somebody else's id

    @property
    def recall(self) -> float | None:
        """Share of returns that were recovered; None when nobody returned."""
        return self.recovered / self.returns if self.returns else None

    def __add__(self, other: 'ReentryScore') -> 'ReentryScore':
        return ReentryScore(
            self.returns + other.returns,
            self.recovered + other.recovered,
            self.entries + other.entries,
            self.wrong_revivals + other.wrong_revivals,
        )


def score_reentry(ground_truth: MotTable, results: MotTable, frame_rate: float) -> ReentryScore:
    """
    Count returns, recovered ids and wrong revivals, as the module defines them.

    :param ground_truth: as in ``gt.txt``.
    :param results: boxes with track ids.
    :param frame_rate: in Hz.
    """
    ground_truth = ground_truth.counted
    matches = match_frames(ground_truth, results)
    history: dict[int, list[tuple[int, int]]] = {}  # track id -> (frame, ground-truth id)
    for (frame, gt_id), track_id in matches.items():
        history.setdefault(track_id, []).append((frame, gt_id))
    score = ReentryScore()
    for gt_id in np.unique(ground_truth.ids).tolist():
        frames = ground_truth.frames[ground_truth.ids == gt_id]
        absent_frames = np.diff(frames) - 1
        is_return = absent_frames >= MIN_ABSENCE_SEC * frame_rate
        visits = np.split(frames, np.flatnonzero(is_return) + 1)
        for number, visit in enumerate(visits):
            start = visit[visit < visit[0] + AFTER_SEC * frame_rate]
            new_id = _majority(matches.get((frame, gt_id)) for frame in start.tolist())
            if new_id is None:
                owner = None
            else:
                owner = _majority(who for frame, who in history[new_id] if frame < visit[0])
            old_id = None
            if number > 0:
                before = visits[number - 1]
                end = before[before > before[-1] - BEFORE_SEC * frame_rate]
                old_id = _majority(matches.get((frame, gt_id)) for frame in end[::-1].tolist())
            score += ReentryScore(
                returns=int(number > 0),
                recovered=int(new_id is not None and new_id == old_id),
                entries=1,
                wrong_revivals=int(owner is not None and owner != gt_id),
            )
    return score


def match_frames(ground_truth: MotTable, results: MotTable) -> dict[tuple[int, int], int]:
    """
    Assign result boxes to ground-truth boxes, each frame by itself.

    :returns: (frame, ground-truth id) -> track id, in the order of frames; unmatched left out.
    """
    matches = {}
    for frame in np.unique(ground_truth.frames).tolist():
        gt_rows, result_rows = ground_truth.rows_of(frame), results.rows_of(frame)
        ious = iou_matrix(ground_truth.boxes_xywh[gt_rows], results.boxes_xywh[result_rows])
        ious[ious < MIN_IOU] = 0.0
        for gt_row, result_row in zip(*linear_sum_assignment(-ious), strict=True):
            if ious[gt_row, result_row] > 0:
                gt_id = int(ground_truth.ids[gt_rows][gt_row])
                matches[frame, gt_id] = int(results.ids[result_rows][result_row])
    return matches


def _majority(ids: Iterable[int | None]) -> int | None:
    """Most frequent id, in a tie the first; None without any."""
    counts = Counter(identity for identity in ids if identity is not None)
    return counts.most_common(1)[0][0] if counts else None


def iou_matrix(boxes_xywh: np.ndarray, other_boxes_xywh: np.ndarray) -> np.ndarray:
    """IoU (N, M) of two sets of boxes (N, 4), (M, 4) as in the files of MOTChallenge."""
    return iou(_xyxy_from_xywh(boxes_xywh), _xyxy_from_xywh(other_boxes_xywh))


def _xyxy_from_xywh(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
