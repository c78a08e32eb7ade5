"""
How tracking holds under stress: rendered scenes, good detections, the real network.

    python -m benchmarks.stress --out out/stress

renders the scenes of ``training.synthetic.stress_scenes`` once, describes everybody in them with
the network, tracks, and writes ``stress.md``, ``stress.json`` and ``stress.png``. The scenes
``fast`` are tracked at their 30 Hz and again at 5 Hz with 50 % jitter. Every scene is tracked
again with one source of evidence taken away. Bounds are those of perfect ids on the same
detections: people who are not detected cannot be recognised. Tables have a row per kind of scene,
``stress.json`` has the single scenes too. In the picture a row is a person and a colour an id.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from tqdm import tqdm

from benchmarks.stress_picture import Timeline, draw
from benchmarks.stress_report import FAST, SLOW, Outcome, Score, make_report, markdown
from person_mtl_ros.camera_motion import CameraMotionEstimator
from person_mtl_ros.checkpoint import default_checkpoint
from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.commands.node_params import (
    NodeParams,
    add_param_arguments,
    read_node_params,
)
from person_mtl_ros.evaluation.mot_files import (
    NO_CLASS,
    MotTable,
    rows_from_tracks,
    table_from_rows,
)
from person_mtl_ros.evaluation.reentry import iou_matrix, score_reentry
from person_mtl_ros.evaluation.sequence import Frame, load_sequence
from person_mtl_ros.evaluation.tracking_metrics import score_sequence
from person_mtl_ros.pipeline import reported
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import PersonEstimate
from person_mtl_ros.tracking.reid_tracker import ReidTracker
from training.synthetic.stress_scenes import (
    KINDS,
    STRESS_SCENES,
    StressScene,
    render_stress_scenes,
)

SAME_PERSON_IOU = 0.2  # least overlap of a detection with the person it shows
SLOW_RATE, JITTER = 5.0, 0.5  # Hz; share of the interval
ALL = 'all'  # sources of evidence
ABLATIONS: dict[str, tuple[str, ...]] = {
    'no appearance': ('max_appearance=0',),
    'no gallery': ('gallery_size=0',),
    'no camera motion': ('camera_motion=false',),
    'no occlusion': ('occlusion=false',),
}


@dataclass(frozen=True)
class Run:
    """One scene as the tracker gets it; frames are numbered from 1."""

    kind: str
    number: int  # among those of its kind, from 1
    frames: tuple[Frame, ...]
    persons: tuple[Sequence[PersonEstimate], ...]  # of each frame
    ground_truth: MotTable
    image_size: tuple[int, int]

    @property
    def rate(self) -> float:
        """Mean frame rate in Hz."""
        return (len(self.frames) - 1) / (self.frames[-1].stamp_sec - self.frames[0].stamp_sec)

    @property
    def name(self) -> str:
        """Name among all."""
        return f'{self.kind}_{self.number}'

    def picked(self, kind: str, indices: Sequence[int]) -> 'Run':
        """Pick frames, counted from 0, and number them anew; they keep their times."""
        number = {int(self.frames[k].index): n for n, k in enumerate(indices, start=1)}
        rows = self.ground_truth.where(np.isin(self.ground_truth.frames, list(number)))
        numbers = np.array([number[int(frame)] for frame in rows.frames], np.int64)
        return replace(
            self,
            kind=kind,
            frames=tuple(replace(self.frames[k], index=n) for n, k in enumerate(indices, start=1)),
            persons=tuple(self.persons[k] for k in indices),
            ground_truth=replace(rows, frames=numbers),
        )


def jittered(stamps: Sequence[float], rate: float, jitter: float, seed: int) -> list[int]:
    """
    Choose frames at a lower, irregular rate.

    :param stamps: of the frames, seconds.
    :param rate: mean rate in Hz.
    :param jitter: each interval is up to this share shorter or longer.
    :param seed: of the intervals.
    :returns: their indices.
    """
    rng = np.random.default_rng(seed)
    intervals = (1 + rng.uniform(-jitter, jitter, int(len(stamps) * 2))) / rate
    due = stamps[0] + np.cumsum(intervals)
    due = due[due <= stamps[-1]]
    nearest = np.abs(np.asarray(stamps)[:, None] - due).argmin(axis=0)
    return sorted({0, *nearest.tolist()})


def load_run(scene: StressScene, folder: Path, predictor: Predictor) -> Run:
    """Read a scene and describe everybody in it."""
    sequence = load_sequence(folder)
    assert sequence.ground_truth is not None
    frames = tuple(tqdm(sequence, scene.name, sequence.length, leave=False, disable=None))
    persons = tuple(
        predictor.predict(frame.image_bgr, list(frame.detections))
        for frame in frames
        if frame.image_bgr is not None
    )
    truth, size = sequence.ground_truth, sequence.image_size
    return Run(scene.kind, scene.number, frames, persons, truth, size)


def load_runs(folder: Path, kinds: Sequence[str], predictor: Predictor) -> Iterator[Run]:
    """
    Load one scene after the other; all at once would take gigabytes.

    :param folder: of the scenes; those that are missing are rendered.
    :param kinds: of the scenes wanted.
    """
    scenes = [scene for scene in STRESS_SCENES if scene.kind in kinds]
    for scene, path in zip(scenes, render_stress_scenes(folder, scenes), strict=True):
        run = load_run(scene, path, predictor)
        yield run
        if run.kind == FAST:
            stamps = [frame.stamp_sec for frame in run.frames]
            yield run.picked(SLOW, jittered(stamps, SLOW_RATE, JITTER, run.number - 1))


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


def score(run: Run, results: MotTable) -> Score:
    """Compare one run with the truth."""
    return Score(
        score_sequence(run.name, run.ground_truth, results, len(run.frames)),
        score_reentry(run.ground_truth, results, run.rate),
    )


def read_variants(options: argparse.Namespace) -> dict[str, NodeParams]:
    """
    Parameters of the tracker as it is, under ``ALL``, and without each source of evidence.

    :param options: those of :func:`add_param_arguments`; they hold for all.
    :raises CommandError: naming the parameter and what was expected.
    """
    changes: dict[str, tuple[str, ...]] = {ALL: (), **ABLATIONS}
    return {
        what: read_node_params(
            argparse.Namespace(params=options.params, set=[*options.set, *settings])
        )
        for what, settings in changes.items()
    }


def measure(
    run: Run, variants: Mapping[str, NodeParams], threshold: float
) -> tuple[Outcome, Timeline]:
    """
    Track a scene with all parameters and with perfect ids.

    :param variants: those of :func:`read_variants`.
    :param threshold: the network's distance below which two embeddings count as one person.
    """
    results = {what: track(run, params, threshold) for what, params in variants.items()}
    scores = {what: score(run, found) for what, found in results.items()}
    outcome = Outcome(
        run.kind,
        run.name,
        scores.pop(ALL),
        bound=score(run, perfect_ids(run)),
        ablations=scores,
    )
    stamps = np.array([frame.stamp_sec for frame in run.frames])
    return outcome, Timeline(run.kind, run.name, stamps, run.ground_truth, results[ALL])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Track rendered scenes that are hard.')
    parser.add_argument(
        '--out', type=Path, default=Path('out/stress'), help='folder of the results'
    )
    parser.add_argument('--scenes', type=Path, help='folder of the scenes (default: OUT/scenes)')
    parser.add_argument(
        '--only', nargs='+', default=KINDS, choices=KINDS, metavar='KIND', help=', '.join(KINDS)
    )
    parser.add_argument('--weights', type=Path, default=default_checkpoint())
    parser.add_argument('--device', default='auto')
    add_param_arguments(parser)
    args = parser.parse_args()
    try:
        variants = read_variants(args)
    except CommandError as error:
        parser.error(str(error))
    cv2.setNumThreads(1)
    predictor = Predictor(args.weights, device=args.device, heads=('reid',))
    outcomes, timelines = [], []
    for run in load_runs(args.scenes or args.out / 'scenes', args.only, predictor):
        outcome, timeline = measure(run, variants, predictor.info.same_person_threshold)
        outcomes.append(outcome)
        timelines.append(timeline)
    report = {'model_id': predictor.info.model_id, 'set': args.set, **make_report(outcomes)}
    text = markdown(report)
    print(text)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / 'stress.md').write_text(text + '\n')
    (args.out / 'stress.json').write_text(json.dumps(report, indent=2) + '\n')
    draw(timelines, args.out / 'stress.png')


if __name__ == '__main__':
    main()
