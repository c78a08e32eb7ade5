"""
Where tracking succeeds: by distance and by occlusion.

Every counted ground-truth box falls into one bin of each kind. It is *found* if a result box is
matched to it, as :mod:`person_mtl_ros.evaluation.reentry` matches frames, and *identified* if the
track that belongs to its person overlaps it with an IoU of 0.5. Which track that is, one to one
and for the whole sequence, maximises the number of identified boxes as IDF1 does (Ristani et al.
2016); over all bins the identified boxes are
TrackEval's IDTP, as far as no results on distractors were taken out there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from person_mtl_ros.evaluation.mot_files import MotTable
from person_mtl_ros.evaluation.reentry import MIN_IOU, iou_matrix, match_frames
from person_mtl_ros.tracking.occlusion import covered_fraction

# Lower ends of the bins. Height stands for distance: twice as far is half as high.
HEIGHTS = (0, 64, 128, 256)  # pixels
COVERAGES = (0, 10, 50)  # percent of the box behind the one person who hides most of it


@dataclass(frozen=True)
class BinScore:
    """Counts of the ground-truth boxes of one bin; add those of several sequences."""

    boxes: int = 0
    found: int = 0
    identified: int = 0

    def __add__(self, other: 'BinScore') -> 'BinScore':
        return BinScore(
            self.boxes + other.boxes,
            self.found + other.found,
            self.identified + other.identified,
        )


# Kind of bin -> name of the bin -> score.
Breakdown = Mapping[str, Mapping[str, BinScore]]


def break_down(ground_truth: MotTable, results: MotTable) -> Breakdown:
    """
    Count found and identified boxes in every bin, empty ones too.

    :param ground_truth: as in ``gt.txt``.
    :param results: boxes with track ids.
    """
    ground_truth = ground_truth.counted
    matches = match_frames(ground_truth, results)
    is_found = np.array(
        [key in matches for key in zip(ground_truth.frames, ground_truth.ids, strict=True)], bool
    )
    is_identified = _identified(ground_truth, results)
    kinds = {
        'height': (ground_truth.boxes_xywh[:, 3], HEIGHTS, ' px'),
        'occlusion': (100 * _coverage(ground_truth), COVERAGES, ' %'),
    }
    return {
        kind: {
            name: BinScore(
                int(is_in.sum()), int(is_found[is_in].sum()), int(is_identified[is_in].sum())
            )
            for name, is_in in _bins(values, lows, unit).items()
        }
        for kind, (values, lows, unit) in kinds.items()
    }


def add_breakdowns(breakdowns: Sequence[Breakdown]) -> Breakdown:
    """Sum of several sequences, at least one."""
    return {
        kind: {
            name: sum((breakdown[kind][name] for breakdown in breakdowns), BinScore())
            for name in bins
        }
        for kind, bins in breakdowns[0].items()
    }


def _bins(
    values: NDArray[np.float64], lows: Sequence[int], unit: str
) -> dict[str, NDArray[np.bool_]]:
    """Name of each bin -> which values are in it."""
    number = np.searchsorted(lows, values, side='right') - 1
    ends = [f'-{high}' for high in lows[1:]] + ['+']
    return {
        f'{low}{end}{unit}': number == k
        for k, (low, end) in enumerate(zip(lows, ends, strict=True))
    }


def _coverage(ground_truth: MotTable) -> NDArray[np.float64]:
    """Share (N,) of each box that lies behind one nearer person."""
    boxes_xyxy = ground_truth.boxes_xywh.copy()
    boxes_xyxy[:, 2:] += boxes_xyxy[:, :2]
    coverage = np.zeros(len(ground_truth))
    for frame in np.unique(ground_truth.frames).tolist():
        rows = ground_truth.rows_of(frame)
        coverage[rows] = covered_fraction(boxes_xyxy[rows], boxes_xyxy[rows])
    return coverage


def _identified(ground_truth: MotTable, results: MotTable) -> NDArray[np.bool_]:
    """Which boxes (N,) their person's track overlaps."""
    gt_ids, gt_index = np.unique(ground_truth.ids, return_inverse=True)
    track_ids, track_index = np.unique(results.ids, return_inverse=True)
    gt_row, result_row = _overlapping(ground_truth, results)
    together = np.zeros((len(gt_ids), len(track_ids)), int)
    np.add.at(together, (gt_index[gt_row], track_index[result_row]), 1)
    track_of = np.full(len(gt_ids), -1)
    rows, columns = linear_sum_assignment(together, maximize=True)
    track_of[rows] = columns
    is_identified = np.zeros(len(ground_truth), bool)
    is_identified[gt_row[track_index[result_row] == track_of[gt_index[gt_row]]]] = True
    return is_identified


def _overlapping(
    ground_truth: MotTable, results: MotTable
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (P,) of ground truth and results that overlap in one frame."""
    pairs = [np.zeros((2, 0), np.int64)]
    for frame in np.unique(ground_truth.frames).tolist():
        first, second = ground_truth.rows_of(frame), results.rows_of(frame)
        ious = iou_matrix(ground_truth.boxes_xywh[first], results.boxes_xywh[second])
        begin = np.array([[first.start], [second.start]])
        pairs.append(np.stack(np.nonzero(ious >= MIN_IOU)) + begin)
    return tuple(np.hstack(pairs))
