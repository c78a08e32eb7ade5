"""
The tracker beside those of BoxMOT, on the same detections, embeddings and pictures.

    OMP_NUM_THREADS=1 python -m benchmarks.peers SEQ... --json peers.json

SEQ are folders of the MOT challenges. All trackers run with their default parameters, the same
for all sequences, and get the embeddings of the network given by ``--weights``. The table shows
HOTA, IDF1 and the number of ids of every sequence, and the median time of a step. The tracker of
this package gets the camera's motion with its input, so that the time for it is not counted; some
others estimate it themselves. A tracker that needs pictures or embeddings a sequence does not have
is left out there.

BoxMOT is under the AGPL and no dependency of this project; where it is not installed, only this
tracker runs.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from person_mtl_ros.camera_motion import CameraMotionEstimator, CameraMotionParams
from person_mtl_ros.checkpoint import default_checkpoint
from person_mtl_ros.evaluation.mot_files import (
    NO_CLASS,
    MotTable,
    rows_from_tracks,
    table_from_rows,
)
from person_mtl_ros.evaluation.sequence import Sequence as MotSequence
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.evaluation.tracking_metrics import score_sequence
from person_mtl_ros.pipeline import reported
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import PersonEstimate, UInt8Array
from person_mtl_ros.tracking import ReidTracker

OURS = 'person_mtl'
BOXMOT_TRACKERS = ('bytetrack', 'ocsort', 'botsort', 'deepocsort', 'strongsort', 'occluboost')


class Step(NamedTuple):
    """What a tracker gets of one frame."""

    index: int
    stamp_sec: float
    image_bgr: UInt8Array | None
    persons: Sequence[PersonEstimate]
    camera_motion: NDArray[np.floating] | None


Rows = list[tuple]  # of a MOT file
Tracker = Callable[[Step], Rows]


def steps_of(sequence: MotSequence, predictor: Predictor) -> list[Step]:
    """Describe everybody in a sequence."""
    camera, steps = CameraMotionEstimator(CameraMotionParams()), []
    for frame in tqdm(sequence, sequence.name, sequence.length, leave=False, disable=None):
        image, detections = frame.image_bgr, list(frame.detections)
        persons, motion = [PersonEstimate(d, is_evaluated=False) for d in detections], None
        if image is not None:
            persons = predictor.predict(image, detections)
            motion = camera.estimate(image, [d.box_xyxy for d in detections])
        steps.append(Step(frame.index, frame.stamp_sec, image, persons, motion))
    return steps


def our_tracker(sequence: MotSequence, predictor: Predictor) -> Tracker:
    """Make this package's tracker for a sequence."""
    tracker = ReidTracker(same_person_threshold=predictor.info.same_person_threshold)

    def step(given: Step) -> Rows:
        tracks = tracker.step(
            given.stamp_sec, given.persons, sequence.image_size, given.camera_motion
        )
        return rows_from_tracks(given.index, reported(tracks))

    return step


def boxmot_tracker(name: str, has_pictures: bool) -> Tracker | None:
    """Make a tracker of BoxMOT; None when it needs what the sequence does not have."""
    import torch
    from boxmot.structures import Boxes, Detections
    from boxmot.trackers.factory import create_tracker
    from boxmot.trackers.specs import TrackerSpec

    tracker = create_tracker(TrackerSpec(name=name))
    needs = tracker.requirements
    if not has_pictures and (needs.embeddings or needs.frame):
        return None

    def step(given: Step) -> Rows:
        people = [p.detection for p in given.persons]
        embeddings = None
        if needs.embeddings and people:
            embeddings = torch.from_numpy(np.stack([p.embedding for p in given.persons]))
        detections = Detections(
            Boxes(
                torch.from_numpy(np.array([d.box_xyxy for d in people], np.float32).reshape(-1, 4))
            ),
            torch.tensor([d.score for d in people], dtype=torch.float32),
            torch.zeros(len(people), dtype=torch.int64),
            str(given.index),
            embeddings=embeddings,
        )
        tracks = tracker.update(detections, given.image_bgr)
        boxes = tracks.geometry.values.numpy()
        sizes = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist()
        ids = tracks.track_ids.tolist()
        return [
            (given.index, track_id, *box, 1.0, NO_CLASS)
            for track_id, box in zip(ids, sizes, strict=True)
        ]

    return step


def run(tracker: Tracker, steps: Sequence[Step]) -> tuple[MotTable, float]:
    """Track a sequence; the result and the median time of a step in ms."""
    rows, times = [], []
    for step in steps:
        begin = time.perf_counter()
        rows += tracker(step)
        times.append(time.perf_counter() - begin)
    return table_from_rows(rows), 1e3 * float(np.median(times))


def compare(folder: Path, predictor: Predictor, peers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of one sequence."""
    sequence = load_sequence(folder)
    if sequence.ground_truth is None:
        raise SystemExit(f'{folder}: no gt/gt.txt')
    steps = steps_of(sequence, predictor)
    has_pictures = steps[0].image_bgr is not None
    for name in (OURS, *peers):
        tracker = (
            our_tracker(sequence, predictor)
            if name == OURS
            else boxmot_tracker(name, has_pictures)
        )
        if tracker is None:
            continue
        table, ms = run(tracker, steps)
        score = score_sequence(sequence.name, sequence.ground_truth, table, sequence.length)
        figures = {key: score.summary()[key] for key in ('HOTA', 'AssA', 'IDF1', 'ids', 'gt_ids')}
        yield {'sequence': sequence.name, 'tracker': name, **figures, 'ms_p50': ms}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Compare with the trackers of BoxMOT.')
    parser.add_argument('sequences', nargs='+', type=Path, metavar='SEQ')
    parser.add_argument('--weights', type=Path, default=default_checkpoint())
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the rows')
    args = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        import boxmot
    except ImportError:
        print('boxmot is not installed: nothing to compare with')
        peers: tuple[str, ...] = ()
    else:
        print(f'boxmot {boxmot.__version__}')
        peers = BOXMOT_TRACKERS
    predictor = Predictor(args.weights, heads=('reid',))
    rows = [row for folder in args.sequences for row in compare(folder, predictor, peers)]
    print(tabulate(rows, headers='keys', tablefmt='github', floatfmt='.3f'))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + '\n')


if __name__ == '__main__':
    main()
