"""Choose the same-person threshold for your cameras: distances, FAR, FRR, a new checkpoint."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from person_mtl_ros.checkpoint import (
    CHECKPOINT_SUFFIX,
    CheckpointInfo,
    copy_checkpoint,
    default_checkpoint,
    load_info,
    model_id,
)
from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.commands.sources import (
    add_network_arguments,
    add_source_arguments,
    is_recording,
    load_predictor,
    open_source,
)
from person_mtl_ros.evaluation.calibration import (
    Calibration,
    Pairs,
    calibrate,
    draw_histograms,
    make_pairs,
)
from person_mtl_ros.evaluation.labelled_views import LabelledView, crop_views, recorded_views
from person_mtl_ros.json_report import write_json_report
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import Detection, Float32Array


@dataclass
class _Views:
    """What is known of each view of a person."""

    embeddings: list[Float32Array] = field(default_factory=list)
    identities: list[tuple[str, int]] = field(default_factory=list)
    scenes: list[tuple[str, int]] = field(default_factory=list)
    moments_sec: list[float] = field(default_factory=list)

    def pairs(self) -> Pairs:
        people = {key: number for number, key in enumerate(dict.fromkeys(self.identities))}
        places = {key: number for number, key in enumerate(dict.fromkeys(self.scenes))}
        return make_pairs(
            np.stack(self.embeddings),
            [people[key] for key in self.identities],
            [places[key] for key in self.scenes],
            self.moments_sec,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='folder of crops as in Market-1501 or rendered, MOT-layout folder with pictures and '
        'gt/gt.txt, or bag with --gt',
    )
    parser.add_argument('--gt', type=Path, metavar='FILE', help='gt.txt of a bag')
    parser.add_argument(
        '--far',
        type=float,
        default=0.01,
        metavar='RATE',
        help='share of pairs of two people that may pass for one (default: 0.01)',
    )
    parser.add_argument(
        '--every',
        type=float,
        default=1.0,
        metavar='SEC',
        help='time between frames taken from a recording (default: 1)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='FILE',
        help='write a copy of the checkpoint with the threshold, and FILE with suffix .png',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures')
    add_source_arguments(parser)
    add_network_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Embed all labelled people, choose the threshold, print and write it."""
    if not 0 < options.far < 1:
        raise CommandError(f'--far is {options.far:g}; expected a share between 0 and 1')
    if not options.every > 0:
        raise CommandError(f'--every is {options.every:g}; expected seconds above 0')
    if options.gt and len(options.sources) > 1:
        raise CommandError('--gt goes with one bag; several sources were given')
    if options.gt and not is_recording(Path(options.sources[0])):
        raise CommandError(f'{options.sources[0]}: --gt goes with a bag')
    if options.out and options.out.suffix != CHECKPOINT_SUFFIX:
        raise CommandError(f'{options.out}: expected a name that ends in {CHECKPOINT_SUFFIX}')
    if options.out and not options.out.parent.is_dir():
        raise CommandError(f'{options.out}: the folder {options.out.parent} does not exist')
    weights = options.weights or default_checkpoint()
    info = load_info(weights)
    predictor = load_predictor(options, heads=('reid',))
    views = _Views()
    for source in dict.fromkeys(options.sources):
        _embed(source, options, predictor, info.crop.context, views)
    pairs = views.pairs() if views.embeddings else Pairs(np.zeros(0), np.zeros(0))
    calibration = calibrate(pairs, options.far)
    _print(calibration, len(views.embeddings), len(set(views.identities)))
    if options.out:
        copy_checkpoint(weights, options.out, _calibrated(info, calibration, options.sources))
        picture = options.out.with_suffix('.png')
        draw_histograms(pairs, calibration, picture)
        print(f'{options.out} is model {model_id(options.out)}; see {picture}')
    if options.json:
        write_json_report(options.json, calibration.as_dict())
    return 0


def _views_of(source: str, options: argparse.Namespace) -> Iterator[LabelledView]:
    if not is_recording(Path(source)):
        return crop_views(Path(source))
    recording = open_source(source, options, ground_truth=options.gt)
    if recording.ground_truth is None:
        raise CommandError(f'{source}: no ground truth; expected gt/gt.txt, or --gt for a bag')
    if not recording.has_pictures:
        raise CommandError(f'{source}: no pictures, so nobody can be recognised')
    return recorded_views(recording, recording.ground_truth, options.every)


def _embed(
    source: str,
    options: argparse.Namespace,
    predictor: Predictor,
    context: float,
    views: _Views,
) -> None:
    for view in tqdm(_views_of(source, options), desc=source, unit='picture', disable=None):
        boxes = view.boxes_xyxy
        if boxes is None:
            # The box whose crop is the whole picture.
            size = np.array(view.image_bgr.shape[1::-1], np.float32)
            boxes = np.concatenate([size - size / context, size + size / context])[None] / 2
        persons = predictor.predict(view.image_bgr, [Detection(box) for box in boxes])
        for person, identity in zip(persons, view.identities, strict=True):
            views.embeddings.append(person.embedding)
            views.identities.append((source, identity))
            views.scenes.append((source, view.scene))
            views.moments_sec.append(view.moment_sec)


def _print(calibration: Calibration, views: int, people: int) -> None:
    print(f'{views} views of {people} people')
    rows = [
        [
            'one person',
            calibration.positive_pairs,
            calibration.positive_mean,
            calibration.positive_deviation,
        ],
        [
            'two people in one scene',
            calibration.negative_pairs,
            calibration.negative_mean,
            calibration.negative_deviation,
        ],
    ]
    headers = ['cosine distance', 'pairs', 'mean', 'deviation']
    print(tabulate(rows, headers, floatfmt='.3f'))
    print(
        f'same-person threshold {calibration.same_person_threshold:.4f}: '
        f'false accepts {calibration.false_accept_rate:.2%}, '
        f'false rejects {calibration.false_reject_rate:.1%}'
    )


def _calibrated(
    info: CheckpointInfo, calibration: Calibration, sources: Sequence[str]
) -> CheckpointInfo:
    record = {**calibration.as_dict(), 'sources': [Path(source).name for source in sources]}
    return replace(
        info,
        same_person_threshold=calibration.same_person_threshold,
        false_accept_rate=calibration.false_accept_rate,
        false_reject_rate=calibration.false_reject_rate,
        results={**info.results, 'calibration': record},
    )
