"""Track people in a video, image folder, camera or bag: tracks.txt, persons.jsonl, overlay.mp4."""

import argparse
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.commands.node_params import add_param_arguments, read_node_params
from person_mtl_ros.commands.sources import (
    add_detector_argument,
    add_network_arguments,
    add_source_arguments,
    detected_frames,
    load_predictor,
    open_source,
)
from person_mtl_ros.drawing import draw_tracks
from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.mot_files import rows_from_tracks, table_from_rows, write_mot_file
from person_mtl_ros.perception import Perception
from person_mtl_ros.person_log import PersonLog
from person_mtl_ros.pipeline import reported, track_frames
from person_mtl_ros.structures import ModelInfo
from person_mtl_ros.tracking.reid_tracker import ReidTracker
from person_mtl_ros.video import VideoWriter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'source',
        help='video, folder of images, bag, MOT folder or camera (0, /dev/video0); Ctrl-C ends a '
        'camera',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('out'), help='folder for the results (default: out)'
    )
    parser.add_argument('--no-overlay', action='store_true', help='write no video')
    parser.add_argument(
        '--frame-rate',
        type=float,
        metavar='HZ',
        help='of a folder of images, which does not tell (default: 30); of others in place of '
        'what they say',
    )
    add_detector_argument(parser)
    add_source_arguments(parser)
    add_network_arguments(parser)
    add_param_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Track and write."""
    if options.frame_rate is not None and not options.frame_rate > 0:
        raise CommandError(f'--frame-rate is {options.frame_rate:g}; expected Hz above 0')
    params = read_node_params(options)
    source = open_source(options.source, options, frame_rate=options.frame_rate)
    frames = detected_frames(source, options.detector)
    info, perception = ModelInfo(''), None
    if source.has_pictures:
        predictor = load_predictor(options)
        info = predictor.info
        perception = Perception(predictor, params.refresh, params.camera)
    tracker = ReidTracker(params.tracker, same_person_threshold=info.same_person_threshold)
    latency = Latency()
    rows: list[tuple[float, ...]] = []
    options.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        log = stack.enter_context(PersonLog(options.out / 'persons.jsonl', info))
        video = None
        if source.has_pictures and not options.no_overlay:
            video = stack.enter_context(
                VideoWriter(options.out / 'overlay.mp4', source.frame_rate)
            )
        tracked = track_frames(frames, perception, tracker, source.image_size, latency)
        progress = tqdm(tracked, total=source.length, desc=source.name, unit='frame', disable=None)
        count = 0
        try:
            for frame, tracks in progress:
                if video is not None and frame.image_bgr is not None:
                    with latency.stage('draw'):
                        video.write(draw_tracks(frame.image_bgr, tracks, info))
                log.write(frame.index, frame.stamp_sec, tracks)
                rows += rows_from_tracks(frame.index, reported(tracks))
                count += 1
        except KeyboardInterrupt:
            # A camera has no other end; a recording is tracked as a whole or not at all.
            if not (source.is_live and count):
                raise
    table = table_from_rows(rows)
    write_mot_file(options.out / 'tracks.txt', table)
    print(f'{len(set(table.ids))} people in {count} frames; see {options.out}')
    for stage, times in latency.summary().items():
        p50, p95 = 1e3 * times['p50_sec'], 1e3 * times['p95_sec']
        print(f'{stage:>8}: p50 {p50:.1f} ms, p95 {p95:.1f} ms')
    return 0
