"""Export a checkpoint to one file that runs without torch, and verify its answers."""

import argparse
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from tabulate import tabulate

from person_mtl_ros.backends import AUTO
from person_mtl_ros.backends.agreement import bounds_of
from person_mtl_ros.backends.conversion import check_export_packages
from person_mtl_ros.backends.precisions import ON_REQUEST, PRECISIONS
from person_mtl_ros.backends.sample_crops import (
    calibration_crops,
    crops_of_people,
    sample_crops,
)
from person_mtl_ros.checkpoint import EXPORTED_SUFFIX, Export, default_checkpoint, open_model
from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.commands.sources import add_source_arguments, detected_frames, open_source
from person_mtl_ros.crops import CropParams
from person_mtl_ros.json_report import write_json_report
from person_mtl_ros.structures import UInt8Array
from person_mtl_ros.tasks import TASKS

STRIDE = 16  # the network halves the resolution four times
# Of people to find the scales of int8 with: fewer know too little, more only take time.
FEWEST, MOST = 50, 300
CALIBRATION_FRAMES = 100  # of a recording, evenly spread


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'weights', nargs='?', type=Path, help='checkpoint (.safetensors); default: the one shipped'
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='FILE',
        help=f'file to write ({EXPORTED_SUFFIX})',
    )
    parser.add_argument(
        '--backend',
        choices=tuple(PRECISIONS),
        default='openvino',
        help='what the answers are verified with (default: openvino); any of them runs the file',
    )
    parser.add_argument(
        '--precision',
        choices=(AUTO, *sorted({p for backend in PRECISIONS for p in _precisions(backend)})),
        default=AUTO,
        help='auto: the fastest whose answers agree; int8, which needs nncf, is faster still, and '
        'its answers differ a little more',
    )
    parser.add_argument(
        '--calibration',
        metavar='SOURCE',
        help='int8: what to find its scales with, best from the camera it will run on: anything '
        'that person-mtl track reads (default: the shipped clip)',
    )
    parser.add_argument(
        '--heads', nargs='+', choices=TASKS, metavar='HEAD', help='default: all the checkpoint has'
    )
    parser.add_argument(
        '--height', type=int, metavar='PX', help='of the crops; default: that of the checkpoint'
    )
    parser.add_argument('--width', type=int, metavar='PX', help='likewise')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the comparison as JSON')
    add_source_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Export, compare, print the comparison; 1 when the answers differ."""
    _check_options(options)
    model = open_model(options.weights or default_checkpoint())
    crop = _crop_params(options, model.info.crop)
    check_export_packages(f'{model.path} is exported')
    from person_mtl_ros.backends.export import DisagreementError, export_checkpoint

    calibration = _calibration_crops(options, crop) if options.precision == 'int8' else None
    try:
        export = export_checkpoint(
            model.path,
            options.out,
            options.backend,
            tuple(dict.fromkeys(options.heads or model.info.tasks)),
            sample_crops(crop),
            options.precision,
            calibration,
        )
    except DisagreementError as error:
        print(error)
        return 1
    _print_comparison(export, options.out)
    if options.json:
        write_json_report(options.json, {'file': options.out.name, **asdict(export)})
    return 0


def _check_options(options: argparse.Namespace) -> None:
    if options.out.suffix != EXPORTED_SUFFIX:
        raise CommandError(f'{options.out}: expected a name that ends in {EXPORTED_SUFFIX}')
    if options.precision not in (AUTO, *_precisions(options.backend)):
        raise CommandError(
            f'{options.backend} does not compute in {options.precision}; '
            f'expected {" or ".join(_precisions(options.backend))}'
        )
    if options.calibration and options.precision != 'int8':
        raise CommandError(f'--calibration goes with --precision int8, not {options.precision}')
    if not options.out.parent.is_dir():
        raise CommandError(f'{options.out}: the folder {options.out.parent} does not exist')


def _crop_params(options: argparse.Namespace, trained: CropParams) -> CropParams:
    """Crops of the exported network: those it was trained with, or of another size."""
    crop = replace(
        trained,
        height=trained.height if options.height is None else options.height,
        width=trained.width if options.width is None else options.width,
    )
    if min(crop.height, crop.width) < STRIDE or crop.height % STRIDE or crop.width % STRIDE:
        raise CommandError(
            f'crops of {crop.width}x{crop.height}; expected multiples of {STRIDE} in both'
        )
    return crop


def _print_comparison(export: Export, path: Path) -> None:
    bounds = bounds_of(export.precision)
    signs = [('>=', bounds.least), ('<=', bounds.greatest)]
    rows = [
        [name, f'{export.agreement[name]:.5f}', f'{sign} {bound:g}']
        for sign, side in signs
        for name, bound in side.items()
        if name in export.agreement
    ]
    print(tabulate(rows, headers=['against torch fp32', 'worst', 'bound'], disable_numparse=True))
    for precision, reason in export.refused.items():
        print(f'not in {precision}: {reason}')
    size = path.stat().st_size / 1e6
    print(f'{path}: {size:.1f} MB, {export.backend} in {export.precision}')


def _precisions(backend: str) -> tuple[str, ...]:
    return (*PRECISIONS[backend], *ON_REQUEST.get(backend, ()))


def _calibration_crops(options: argparse.Namespace, crop: CropParams) -> UInt8Array:
    if not options.calibration:
        return calibration_crops(crop)
    source = open_source(options.calibration, options)
    if not source.has_pictures:
        raise CommandError(f'{options.calibration}: no pictures to calibrate with')
    step = max(1, (source.length or 0) // CALIBRATION_FRAMES)
    crops = crops_of_people(islice(detected_frames(source), 0, None, step), crop, MOST)
    if len(crops) < FEWEST:
        raise CommandError(
            f'{options.calibration}: {len(crops)} people found; calibration takes {FEWEST} or more'
        )
    return crops
