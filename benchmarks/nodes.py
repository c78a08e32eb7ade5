"""
Time from a camera message to the message with the tracks, through the real nodes.

    python -m benchmarks.nodes --json benchmarks/nodes.json

Perception and tracker node run with the shipped network, in one process or, with ``--separate``,
in two; another process publishes images of 1280 x 720 with the boxes of ten people who move, and
hears the tracks. The first run sends an image every ``--period`` seconds, so that each finds the
nodes idle: what a message costs. The second sends twice as many images as the nodes can process:
which are dropped, and whether those that are not wait longer and longer. The figures of the stages
are those that the nodes publish themselves, on ``/diagnostics``.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from person_mtl_ros.benchmark_frame import MovingCrowd, crowd_image
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.memory import keep_memory_of_images
from person_mtl_ros.nodes.replay import ReplayResult, replay

OVERLOAD = 2.0  # times the rate that the nodes can process
PERCENTILES = ('p50', 'p99')


@dataclass(frozen=True)
class Overload:
    """What became of more images than could be processed."""

    sent_hz: float
    processed_hz: float
    sent: int
    processed: int
    dropped: dict[str, int]  # by the counters of the nodes
    unaccounted: int
    latency_ms: dict[str, float]
    latency_ms_p50_of_thirds: list[float]  # of the first, second and last third of the run


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Time the nodes from image to tracks.')
    parser.add_argument('--people', type=int, default=10)
    parser.add_argument('--images', type=int, default=200, help='of each run (default: 200)')
    parser.add_argument('--period', type=float, default=0.2, help='of the first run, seconds')
    parser.add_argument('--separate', action='store_true', help='a process for each node')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures')
    args = parser.parse_args()
    keep_memory_of_images()  # publisher and listener are no slower than the nodes

    def play(period_sec: float) -> ReplayResult:
        images = frames(args.people, args.images, period_sec)
        return replay(images, args.images, composed=not args.separate)

    calm = play(args.period)
    stages = stages_of(calm)
    end_to_end = _percentiles(calm.frame_latency_sec)
    forward = stages['perception_node: forward']['p50']
    print(f'{args.people} people, an image each {1e3 * args.period:.0f} ms\n')
    rows = [[name, *values.values()] for name, values in stages.items()]
    rows.append(['image to tracks, as heard', *end_to_end.values()])
    rows.append(['all but the forward pass', end_to_end['p50'] - forward, None])
    headers = ['stage', *(f'{share} [ms]' for share in PERCENTILES)]
    print(tabulate(rows, headers, tablefmt='github', floatfmt='.2f'))

    processing_sec = stages['perception_node: total']['p50'] / 1e3
    period = processing_sec / OVERLOAD
    hasty = overload_of(play(period), 1 / period)
    print(f'\nAn image each {1e3 * period:.0f} ms:\n')
    print(tabulate(asdict(hasty).items(), tablefmt='github', floatfmt='.1f'))
    if args.json:
        report = {
            'people': args.people,
            'period_sec': args.period,
            'composed': not args.separate,
            'stages_ms': stages,
            'image_to_tracks_ms': end_to_end,
            'all_but_forward_ms_p50': end_to_end['p50'] - forward,
            'overload': asdict(hasty),
        }
        args.json.write_text(json.dumps(report, indent=2) + '\n')


def frames(people: int, count: int, period_sec: float) -> Iterator[Frame]:
    """Images of a crowd that moves."""
    image_bgr, crowd = crowd_image(), MovingCrowd(people, np.random.default_rng(0))
    for index in range(1, count + 1):
        yield Frame(index, index * period_sec, image_bgr, tuple(crowd.detections()))


def stages_of(result: ReplayResult) -> dict[str, dict[str, float]]:
    """``node: stage`` -> percentile -> ms, as the nodes tell them, in the order of their names."""
    stages: dict[str, dict[str, float]] = {}
    for node, values in result.node_latency.items():
        for key, value in values.items():
            stage, share = key.removesuffix(' [ms]').rsplit(' ', 1)
            if share in PERCENTILES:
                stages.setdefault(f'{node}: {stage}', {})[share] = float(value)
    return stages


def overload_of(result: ReplayResult, sent_hz: float) -> Overload:
    """Account of a run with more images than can be processed."""
    latency = result.frame_latency_sec
    in_order = [1e3 * latency[index] for index in sorted(latency)]
    thirds = np.array_split(in_order, 3)
    return Overload(
        sent_hz=sent_hz,
        processed_hz=len(result.tracks) / result.duration_sec,
        sent=result.published,
        processed=len(result.tracks),
        dropped=result.drops,
        unaccounted=result.unaccounted,
        latency_ms=_percentiles(latency),
        latency_ms_p50_of_thirds=[float(np.median(third)) for third in thirds],
    )


def _percentiles(latency_sec: dict[int, float]) -> dict[str, Any]:
    values = np.percentile(list(latency_sec.values()), [float(s[1:]) for s in PERCENTILES])
    return dict(zip(PERCENTILES, (1e3 * values).tolist(), strict=True))


if __name__ == '__main__':
    main()
