"""Play the shipped clip through the real nodes: metrics, latency and a video to look at."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tabulate import tabulate

from person_mtl_ros.backends.sample_crops import CLIP
from person_mtl_ros.commands.errors import CommandError, needs_ros
from person_mtl_ros.commands.evaluate import score
from person_mtl_ros.drawing import draw_tracks
from person_mtl_ros.evaluation.mot_files import write_mot_file
from person_mtl_ros.evaluation.report import report_of, table_of
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.json_report import write_json_report
from person_mtl_ros.video import VideoWriter

if TYPE_CHECKING:
    from person_mtl_ros.nodes.replay import ReplayResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        '--out', type=Path, default=Path('out'), help='folder for the results (default: out)'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the report')


def run(options: argparse.Namespace) -> int:
    """Play, score, draw."""
    with needs_ros('the demo'):
        from person_mtl_ros.nodes.replay import ReplayError, replay
    clip = load_sequence(CLIP)
    try:
        result = replay(iter(clip), clip.length, lockstep=True)
    except ReplayError as error:
        raise CommandError(str(error)) from error
    table = result.table()
    dropped = result.published - len(result.tracks)
    report = report_of([score(clip, table, result.duration_sec, result.latency, dropped)])
    options.out.mkdir(parents=True, exist_ok=True)
    write_mot_file(options.out / 'tracks.txt', table)
    with VideoWriter(options.out / 'overlay.mp4', clip.frame_rate) as video:
        for frame in clip:
            assert frame.image_bgr is not None
            video.write(
                draw_tracks(frame.image_bgr, result.tracks.get(frame.index, []), result.info)
            )
    print(table_of(report))
    print()
    print(tabulate(_latency_rows(result), headers=['node', 'stage', 'p50 [ms]', 'p95 [ms]']))
    print(f'\nlook at {options.out / "overlay.mp4"}')
    if options.json:
        write_json_report(options.json, report)
    return 1 if dropped else 0


def _latency_rows(result: 'ReplayResult') -> list[tuple[str, str, float, float]]:
    rows = []
    for node, values in sorted(result.node_latency.items()):
        for key, p50 in values.items():
            if key.endswith(' p50 [ms]'):
                stage = key.removesuffix(' p50 [ms]')
                rows.append((node, stage, float(p50), float(values[f'{stage} p95 [ms]'])))
    for stage, times in result.latency.summary().items():
        rows.append(('all', stage, 1e3 * times['p50_sec'], 1e3 * times['p95_sec']))
    return rows
