"""
HOTA, MOTA and IDF1 of tracking results, computed by TrackEval.

Its own classes do the work: the preprocessing of ``MotChallenge2DBox`` (which ground-truth rows
count, which results on distractors are taken out) and the metrics; so the numbers are those of
its command line on the same files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

from person_mtl_ros.evaluation.mot_files import NO_CLASS, MotTable

_METRICS = {
    'HOTA': HOTA(),
    'CLEAR': CLEAR({'PRINT_CONFIG': False}),
    'Identity': Identity({'PRINT_CONFIG': False}),
}


@dataclass(frozen=True)
class TrackingScore:
    """Scores of one sequence, or of several together."""

    fields: Mapping[str, Mapping[str, Any]]  # metric family -> what TrackEval returns
    track_ids: int  # identities in the results
    gt_ids: int  # identities in the ground truth

    def summary(self) -> dict[str, float | int]:
        """
        Return the figures people compare, ratios in [0, 1] (MOTA may be negative).

        HOTA, DetA, AssA and LocA are means over the localisation thresholds 0.05 to 0.95.
        """
        hota, clear, identity = (self.fields[name] for name in _METRICS)
        return {
            **{name: float(np.mean(hota[name])) for name in ('HOTA', 'AssA', 'DetA', 'LocA')},
            'IDF1': float(identity['IDF1']),
            'MOTA': float(clear['MOTA']),
            'IDSW': int(clear['IDSW']),
            'ids': self.track_ids,
            'gt_ids': self.gt_ids,
        }


def score_sequence(
    name: str, ground_truth: MotTable, results: MotTable, length: int
) -> TrackingScore:
    """
    Score one sequence over all of its frames; a frame without results has only misses.

    :param name: of the sequence; ``MOT20...`` is scored by the rules of that benchmark, which
        has one distractor class more.
    :param ground_truth: as in ``gt.txt``, with the rows that do not count.
    :param results: boxes with track ids.
    :param length: number of frames of the sequence.
    :raises ValueError: when the results go on after the last frame.
    """
    if len(results) and results.frames[-1] > length:
        raise ValueError(
            f'results have frame {results.frames[-1]}; the sequence {name} has {length} frames'
        )
    dataset = _InMemorySequence(name, ground_truth, results, length)
    data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data('', name), 'pedestrian')
    fields = {family: metric.eval_sequence(data) for family, metric in _METRICS.items()}
    return TrackingScore(fields, data['num_tracker_ids'], data['num_gt_ids'])


def combine_sequences(scores: Iterable[TrackingScore]) -> TrackingScore:
    """
    Score several sequences as one, weighted as TrackEval's COMBINED row.

    :param scores: at least one.
    """
    numbered = {str(number): score for number, score in enumerate(scores)}
    fields = {
        family: metric.combine_sequences(
            {number: score.fields[family] for number, score in numbered.items()}
        )
        for family, metric in _METRICS.items()
    }
    return TrackingScore(
        fields,
        sum(score.track_ids for score in numbered.values()),
        sum(score.gt_ids for score in numbered.values()),
    )


class _InMemorySequence(MotChallenge2DBox):
    """TrackEval's data set, fed from tables instead of folders."""

    def __init__(self, name: str, ground_truth: MotTable, results: MotTable, length: int) -> None:
        # The base class looks for folders here; below is all that its preprocessing reads.
        self._tables = {True: ground_truth, False: results}
        self._length = length
        has_classes = bool((ground_truth.classes != NO_CLASS).any())
        if not has_classes:
            self.benchmark = 'MOT15'
        elif name.startswith('MOT20'):
            self.benchmark = 'MOT20'
        else:
            self.benchmark = 'MOT17'
        self.do_preproc = True
        self.class_name_to_class_id = CLASS_IDS
        self.valid_class_numbers = list(CLASS_IDS.values())

    def _load_raw_file(self, tracker: str, seq: str, is_gt: bool) -> dict[str, Any]:
        table = self._tables[is_gt]
        # TrackEval makes lists as long as the largest id.
        ids = np.unique(table.ids, return_inverse=True)[1].reshape(-1)
        rows = [table.rows_of(frame) for frame in range(1, self._length + 1)]
        prefix = 'gt' if is_gt else 'tracker'
        data: dict[str, Any] = {
            f'{prefix}_ids': [ids[row] for row in rows],
            f'{prefix}_dets': [table.boxes_xywh[row] for row in rows],
            f'{prefix}_classes': [table.classes[row] for row in rows],
            'num_timesteps': self._length,
            'seq': seq,
        }
        if is_gt:
            data['gt_extras'] = [{'zero_marked': table.scores[row].astype(int)} for row in rows]
        else:
            data['tracker_confidences'] = [table.scores[row] for row in rows]
        return data


# Classes of MOT16 and later, https://arxiv.org/abs/1603.00831 table 2, with TrackEval's names.
CLASS_IDS = {
    'pedestrian': 1,
    'person_on_vehicle': 2,
    'car': 3,
    'bicycle': 4,
    'motorbike': 5,
    'non_mot_vehicle': 6,
    'static_person': 7,
    'distractor': 8,
    'occluder': 9,
    'occluder_on_ground': 10,
    'occluder_full': 11,
    'reflection': 12,
    'crowd': 13,
}
