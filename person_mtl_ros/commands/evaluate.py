"""Score tracking: HOTA, AssA, DetA, IDF1, MOTA, ID switches, re-entry recall, latency."""

import argparse
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from person_mtl_ros.commands.errors import CommandError, needs_ros
from person_mtl_ros.commands.node_params import PERCEPTION, add_param_arguments, read_node_params
from person_mtl_ros.commands.sources import (
    Source,
    add_detector_argument,
    add_network_arguments,
    add_source_arguments,
    detected_frames,
    load_predictor,
    open_source,
)
from person_mtl_ros.evaluation.breakdown import break_down
from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.mot_files import (
    MotTable,
    rows_from_tracks,
    table_from_rows,
    write_mot_file,
)
from person_mtl_ros.evaluation.reentry import score_reentry
from person_mtl_ros.evaluation.report import (
    SequenceResult,
    breakdown_table_of,
    report_of,
    table_of,
)
from person_mtl_ros.evaluation.tracking_metrics import score_sequence
from person_mtl_ros.json_report import write_json_report
from person_mtl_ros.perception import Perception
from person_mtl_ros.pipeline import Tracker, reported, track_frames
from person_mtl_ros.tracking.iou_tracker import IouTracker
from person_mtl_ros.tracking.reid_tracker import ReidTracker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('sequences', nargs='+', metavar='SEQ', help='MOT-layout folder or bag')
    parser.add_argument('--gt', type=Path, metavar='FILE', help='gt.txt of a bag')
    parser.add_argument(
        '--mode',
        choices=('offline', 'replay', 'lockstep'),
        default='offline',
        help='offline: every frame, in this process; replay: through the real nodes at the rate '
        'of the recording; lockstep: the same, waiting for each result (default: offline)',
    )
    parser.add_argument(
        '--rate', type=float, help='replay: factor on the speed of the recording (default: 1)'
    )
    parser.add_argument(
        '--tracker',
        choices=('reid', 'iou'),
        default='reid',
        help='iou: plain overlap from frame to frame, for comparison (offline only)',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the report')
    parser.add_argument('--out', type=Path, metavar='DIR', help='write tracks as MOT files')
    add_detector_argument(parser)
    add_source_arguments(parser)
    add_network_arguments(parser)
    add_param_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """
    Evaluate all sequences, print the table.

    :returns: 1 when the nodes lost a frame without a reason.
    """
    _check_options(options)
    sources = [open_source(text, options, ground_truth=options.gt) for text in options.sequences]
    for text, source in zip(options.sequences, sources, strict=True):
        if source.ground_truth is None:
            raise CommandError(f'{text}: no ground truth; expected gt/gt.txt, or --gt for a bag')
    name, count = Counter(source.name for source in sources).most_common(1)[0]
    if count > 1:
        raise CommandError(f'{count} sequences are named {name}; names in a report must differ')
    evaluation = _evaluate_offline if options.mode == 'offline' else _evaluate_through_nodes
    results = [evaluation(source, options) for source in sources]
    report = report_of(results)
    print(table_of(report))
    print()
    print(breakdown_table_of(report))
    if options.json:
        write_json_report(options.json, report)
    return 1 if any(result.unaccounted for result in results) else 0


def score(
    source: Source,
    tracks: MotTable,
    duration_sec: float,
    latency: Latency,
    dropped: int = 0,
    unaccounted: int = 0,
) -> SequenceResult:
    """Score the tracks of a source against its ground truth, over all frames."""
    assert source.ground_truth is not None and source.length is not None
    return SequenceResult(
        source.name,
        score_sequence(source.name, source.ground_truth, tracks, source.length),
        score_reentry(source.ground_truth, tracks, source.frame_rate),
        break_down(source.ground_truth, tracks),
        source.length,
        dropped,
        duration_sec,
        latency.summary(),
        unaccounted,
    )


def _check_options(options: argparse.Namespace) -> None:
    if options.tracker == 'iou' and options.mode != 'offline':
        raise CommandError(f'--tracker iou runs offline only, not with --mode {options.mode}')
    for option in ('weights', 'backend', 'device', 'params', 'set'):
        if options.tracker == 'iou' and getattr(options, option):
            raise CommandError(f'--{option} does not go with --tracker iou, which sees boxes only')
    read_node_params(options)  # one line says what the nodes would say in many
    if options.gt and len(options.sequences) > 1:
        raise CommandError('--gt goes with one bag; several sequences were given')
    if options.rate is not None and options.mode != 'replay':
        raise CommandError(f'--rate goes with --mode replay, not {options.mode}')
    if options.rate is not None and not options.rate > 0:
        raise CommandError(f'--rate is {options.rate:g}; expected a factor above 0')


def _evaluate_offline(source: Source, options: argparse.Namespace) -> SequenceResult:
    perception, tracker = _tracking(source, options)
    latency = Latency()
    found = detected_frames(source, options.detector)
    frames = tqdm(found, total=source.length, desc=source.name, unit='frame', disable=None)
    begin = time.perf_counter()
    tracked = track_frames(frames, perception, tracker, source.image_size, latency)
    rows: list[tuple[float, ...]] = []
    processed = 0
    for frame, tracks in tracked:
        rows += rows_from_tracks(frame.index, reported(tracks))
        processed += 1
    duration_sec = time.perf_counter() - begin
    table = table_from_rows(rows)
    _write_tracks(source, table, options)
    assert source.length is not None  # recordings with ground truth have an end
    return score(source, table, duration_sec, latency, dropped=source.length - processed)


def _tracking(source: Source, options: argparse.Namespace) -> tuple[Perception | None, Tracker]:
    if options.tracker == 'iou':
        return None, IouTracker()
    params = read_node_params(options)
    if not source.has_pictures:
        return None, ReidTracker(params.tracker)
    predictor = load_predictor(options)
    tracker = ReidTracker(params.tracker, predictor.info.same_person_threshold)
    return Perception(predictor, params.refresh, params.camera), tracker


def _evaluate_through_nodes(source: Source, options: argparse.Namespace) -> SequenceResult:
    with needs_ros(f'--mode {options.mode}'):
        from person_mtl_ros.nodes.replay import ReplayError, replay
    if not source.has_pictures:
        raise CommandError(f'{source.name}: no pictures; --mode {options.mode} needs them')
    assert source.length is not None
    given = {name: getattr(options, name) for name in ('weights', 'backend', 'device')}
    parameters = {
        node: dict(values) for node, values in read_node_params(options).set_by_hand.items()
    }
    parameters[PERCEPTION] |= {name: value for name, value in given.items() if value}
    try:
        result = replay(
            iter(detected_frames(source, options.detector)),
            source.length,
            lockstep=options.mode == 'lockstep',
            rate=options.rate or 1.0,
            params_file=options.params,
            parameters=parameters,
        )
    except ReplayError as error:
        raise CommandError(str(error)) from error
    print(
        f'{source.name}: {result.published} frames published, {len(result.tracks)} processed '
        f'({len(result.tracks) / result.published:.1%} coverage)'
    )
    for reason, count in result.drops.items():
        print(f'  {count} dropped: {reason}')
    if result.unaccounted:
        print(f'  {result.unaccounted} lost without a reason')
    table = result.table()
    _write_tracks(source, table, options)
    return score(
        source,
        table,
        result.duration_sec,
        result.latency,
        dropped=result.published - len(result.tracks),
        unaccounted=result.unaccounted,
    )


def _write_tracks(source: Source, table: MotTable, options: argparse.Namespace) -> None:
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        write_mot_file(options.out / f'{source.name}.txt', table)
