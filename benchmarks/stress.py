"""
How tracking holds under stress: rendered scenes, good detections, the real network.

    python -m benchmarks.stress --out out/stress

renders the scenes of ``training.synthetic.stress_scenes`` once, describes everybody in them with
the network, tracks, and writes ``stress.md``, ``stress.json`` and ``stress.png``. The scene
``fast`` is tracked at its 30 Hz and again at 5 Hz with 50 % jitter. Every scene is tracked again
with one source of evidence taken away. Bounds are those of perfect ids on the same detections:
people who are not detected cannot be recognised. In the picture a row is a person and a colour
an id.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment
from tabulate import tabulate
from tqdm import tqdm

from person_mtl_ros.camera_motion import CameraMotionEstimator
from person_mtl_ros.checkpoint import default_checkpoint
from person_mtl_ros.commands.node_params import NodeParams, read_node_params
from person_mtl_ros.evaluation.mot_files import (
    NO_CLASS,
    MotTable,
    rows_from_tracks,
    table_from_rows,
)
from person_mtl_ros.evaluation.reentry import (
    ReentryScore,
    iou_matrix,
    match_frames,
    score_reentry,
)
from person_mtl_ros.evaluation.sequence import Frame, load_sequence
from person_mtl_ros.evaluation.tracking_metrics import score_sequence
from person_mtl_ros.pipeline import reported
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import PersonEstimate
from person_mtl_ros.tracking.reid_tracker import ReidTracker
from training.synthetic.stress_scenes import STRESS_SCENES, render_stress_scenes

FAST, SLOW = 'fast', 'fast_5hz'  # the same scene
SAME_PERSON_IOU = 0.2  # least overlap of a detection with the person it shows
SLOW_RATE, JITTER = 5.0, 0.5  # Hz; share of the interval
ABLATIONS = {
    'no appearance': ('max_appearance=0',),
    'no gallery': ('gallery_size=0',),
    'no camera motion': ('camera_motion=false',),
    'no occlusion': ('occlusion=false',),
}
EXCEPTION = 'uniforms'  # where nobody can be told from anybody, recall is only reported
COLUMNS = {
    'HOTA': '{:.1%}',
    'AssA': '{:.1%}',
    'IDF1': '{:.1%}',
    'bound_IDF1': '{:.1%}',
    'IDSW': '{}',
    'ids': '{}',
    'gt_ids': '{}',
    'returns': '{}',
    'reentry_recall': '{:.1%}',
    'bound_recall': '{:.1%}',
    'wrong_revivals': '{}',
}


@dataclass(frozen=True)
class Run:
    """One scene as the tracker gets it; frames are numbered from 1."""

    name: str
    frames: tuple[Frame, ...]
    persons: tuple[Sequence[PersonEstimate], ...]  # of each frame
    ground_truth: MotTable
    image_size: tuple[int, int]

    @property
    def rate(self) -> float:
        """Mean frame rate in Hz."""
        return (len(self.frames) - 1) / (self.frames[-1].stamp_sec - self.frames[0].stamp_sec)

    def picked(self, name: str, indices: Sequence[int]) -> 'Run':
        """Pick frames, counted from 0, and number them anew; they keep their times."""
        number = {int(self.frames[k].index): n for n, k in enumerate(indices, start=1)}
        rows = self.ground_truth.where(np.isin(self.ground_truth.frames, list(number)))
        numbers = np.array([number[int(frame)] for frame in rows.frames], np.int64)
        return Run(
            name,
            tuple(replace(self.frames[k], index=n) for n, k in enumerate(indices, start=1)),
            tuple(self.persons[k] for k in indices),
            replace(rows, frames=numbers),
            self.image_size,
        )


def jittered(stamps: Sequence[float], rate: float, jitter: float, seed: int = 0) -> list[int]:
    """
    Choose frames at a lower, irregular rate.

    :param stamps: of the frames, seconds.
    :param rate: mean rate in Hz.
    :param jitter: each interval is up to this share shorter or longer.
    :returns: their indices.
    """
    rng = np.random.default_rng(seed)
    intervals = (1 + rng.uniform(-jitter, jitter, int(len(stamps) * 2))) / rate
    due = stamps[0] + np.cumsum(intervals)
    due = due[due <= stamps[-1]]
    nearest = np.abs(np.asarray(stamps)[:, None] - due).argmin(axis=0)
    return sorted({0, *nearest.tolist()})


def load_run(folder: Path, predictor: Predictor) -> Run:
    """Read a scene and describe everybody in it."""
    sequence = load_sequence(folder)
    assert sequence.ground_truth is not None
    frames = tuple(tqdm(sequence, folder.name, sequence.length, leave=False, disable=None))
    persons = tuple(
        predictor.predict(frame.image_bgr, list(frame.detections))
        for frame in frames
        if frame.image_bgr is not None
    )
    return Run(folder.name, frames, persons, sequence.ground_truth, sequence.image_size)


def track(run: Run, params: NodeParams, threshold: float) -> MotTable:
    """Track a scene from its start."""
    tracker = ReidTracker(params.tracker, threshold)
    camera = CameraMotionEstimator(params.camera)
    rows = []
    for frame, persons in zip(run.frames, run.persons, strict=True):
        motion = None
        if params.camera.camera_motion and frame.image_bgr is not None:
            motion = camera.estimate(frame.image_bgr, [p.detection.box_xyxy for p in persons])
        tracks = tracker.step(frame.stamp_sec, persons, run.image_size, motion)
        rows += rows_from_tracks(frame.index, reported(tracks))
    return table_from_rows(rows)


def perfect_ids(run: Run) -> MotTable:
    """Give every detection the id of the person it shows: what no tracker can do better."""
    truth, rows = run.ground_truth.counted, []
    for frame, persons in zip(run.frames, run.persons, strict=True):
        boxes = np.array([person.detection.box_xyxy for person in persons], float).reshape(-1, 4)
        boxes_xywh = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
        gt_rows = truth.rows_of(frame.index)
        ious = iou_matrix(truth.boxes_xywh[gt_rows], boxes_xywh)
        for row, column in zip(*linear_sum_assignment(ious, maximize=True), strict=True):
            if ious[row, column] >= SAME_PERSON_IOU:
                who = int(truth.ids[gt_rows][row])
                rows.append((frame.index, who, *boxes_xywh[column].tolist(), 1.0, NO_CLASS))
    return table_from_rows(rows)


def score(run: Run, results: MotTable) -> dict[str, Any]:
    """Figures of one run; ratios in [0, 1]."""
    tracking = score_sequence(run.name, run.ground_truth, results, len(run.frames))
    reentry = score_reentry(run.ground_truth, results, run.rate)
    return {
        **tracking.summary(),
        'returns': reentry.returns,
        'recovered': reentry.recovered,
        'entries': reentry.entries,
        'reentry_recall': reentry.recall,
        'wrong_revivals': reentry.wrong_revivals,
    }


def score_with_bound(run: Run, results: MotTable) -> dict[str, Any]:
    """Figures of one run, and what perfect ids on the same detections would give."""
    bound = score(run, perfect_ids(run))
    return {
        **score(run, results),
        'bound_IDF1': bound['IDF1'],
        'bound_recovered': bound['recovered'],
        'bound_recall': bound['reentry_recall'],
    }


def statements(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Condense the runs to what tracking is to achieve."""
    counted, possible = ReentryScore(), 0
    for name, values in scores.items():
        if name != EXCEPTION:
            fields = ('returns', 'recovered', 'entries', 'wrong_revivals')
            counted += ReentryScore(*(values[field] for field in fields))
            possible += values['bound_recovered']
    result: dict[str, Any] = {
        're-entry recall, without uniforms': counted.recall,
        're-entry recall of perfect ids, without uniforms': possible / max(1, counted.returns),
        'wrong revivals, without uniforms': counted.wrong_revivals,
    }
    if EXCEPTION in scores:
        result['wrong revivals, uniforms'] = scores[EXCEPTION]['wrong_revivals']
    if FAST in scores:
        result['IDF1 lost at 5 Hz with jitter'] = scores[FAST]['IDF1'] - scores[SLOW]['IDF1']
    return result


def markdown(report: Mapping[str, Any]) -> str:
    """Tables of a report."""
    scenes = [
        [name, *(_cell(values[key], form) for key, form in COLUMNS.items())]
        for name, values in report['scenes'].items()
    ]
    without = [
        [name, _cell(report['scenes'][name]['IDF1'], '{:.1%}')]
        + [_cell(values['IDF1'], '{:.1%}') for values in ablations.values()]
        for name, ablations in report['ablations'].items()
    ]
    claims = [[name, _cell(value, '{:.3g}')] for name, value in report['statements'].items()]
    tables = (
        (scenes, ['scene', *COLUMNS]),
        (without, ['IDF1', 'all', *ABLATIONS]),
        (claims, ['over all scenes', '']),
    )
    return '\n\n'.join(
        tabulate(rows, header, tablefmt='github', disable_numparse=True)
        for rows, header in tables
        if rows
    )


def _cell(value: float | None, form: str) -> str:
    return '-' if value is None else form.format(value)


def draw(runs: Mapping[str, tuple[Run, MotTable]], path: Path) -> None:
    """Draw who had which id when: a panel per scene, a row per person, a colour per id."""
    columns = 2
    rows = -(-len(runs) // columns)
    figure = Figure((14, 3.2 * rows))
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat[len(runs) :]:
        panel.remove()
    for panel, (name, (run, results)) in zip(panels.flat, runs.items(), strict=False):
        stamps = np.array([frame.stamp_sec for frame in run.frames])
        counted = run.ground_truth.counted
        matches = match_frames(counted, results)
        people = {identity: row for row, identity in enumerate(np.unique(counted.ids).tolist())}
        places = [people[identity] for identity in counted.ids.tolist()]
        panel.scatter(stamps[counted.frames - 1], places, s=3, color='0.8', marker='s')
        if matches:
            keys = np.array(list(matches))
            panel.scatter(
                stamps[keys[:, 0] - 1],
                [people[identity] for identity in keys[:, 1].tolist()],
                s=9,
                c=np.array(list(matches.values())) % 20,
                cmap='tab20',
                vmin=0,
                vmax=19,
                marker='s',
            )
        panel.set_title(name, fontsize=10)
        panel.set_ylabel('person')
        panel.set_xlabel('s')
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Track rendered scenes that are hard.')
    parser.add_argument(
        '--out', type=Path, default=Path('out/stress'), help='folder of the results'
    )
    parser.add_argument('--scenes', type=Path, help='folder of the scenes (default: OUT/scenes)')
    parser.add_argument(
        '--only', nargs='+', choices=[scene.name for scene in STRESS_SCENES], help='some scenes'
    )
    parser.add_argument('--weights', type=Path, default=default_checkpoint())
    parser.add_argument('--device', default='auto')
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='a parameter, for all runs',
    )
    args = parser.parse_args()
    cv2.setNumThreads(1)
    predictor = Predictor(args.weights, device=args.device, heads=('reid',))
    threshold = predictor.info.same_person_threshold
    scenes = [scene for scene in STRESS_SCENES if not args.only or scene.name in args.only]
    runs: dict[str, Run] = {}
    for folder in render_stress_scenes(args.scenes or args.out / 'scenes', scenes):
        runs[folder.name] = load_run(folder, predictor)
    if FAST in runs:
        stamps = [frame.stamp_sec for frame in runs[FAST].frames]
        runs[SLOW] = runs[FAST].picked(SLOW, jittered(stamps, SLOW_RATE, JITTER))

    def tracked(run: Run, settings: Sequence[str] = ()) -> MotTable:
        given = argparse.Namespace(params=None, set=[*args.set, *settings])
        return track(run, read_node_params(given), threshold)

    results = {name: tracked(run) for name, run in runs.items()}
    scores = {name: score_with_bound(run, results[name]) for name, run in runs.items()}
    report = {
        'model_id': predictor.info.model_id,
        'set': args.set,
        'scenes': scores,
        'ablations': {
            name: {
                what: score(run, tracked(run, settings)) for what, settings in ABLATIONS.items()
            }
            for name, run in runs.items()
        },
        'statements': statements(scores),
    }
    text = markdown(report)
    print(text)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / 'stress.md').write_text(text + '\n')
    (args.out / 'stress.json').write_text(json.dumps(report, indent=2) + '\n')
    draw({name: (run, results[name]) for name, run in runs.items()}, args.out / 'stress.png')


if __name__ == '__main__':
    main()
