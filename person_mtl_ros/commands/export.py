"""Export a checkpoint to one file that runs without torch, and verify its answers."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from tabulate import tabulate

from person_mtl_ros.backends.agreement import GREATEST, LEAST
from person_mtl_ros.backends.conversion import check_export_packages
from person_mtl_ros.backends.precisions import PRECISIONS
from person_mtl_ros.backends.sample_crops import sample_crops
from person_mtl_ros.checkpoint import EXPORTED_SUFFIX, default_checkpoint, open_model
from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.evaluation.report import write_report
from person_mtl_ros.predictor import HEADS

STRIDE = 16  # the network halves the resolution four times


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
        choices=('auto', *sorted({p for names in PRECISIONS.values() for p in names})),
        default='auto',
        help='auto: the fastest whose answers agree',
    )
    parser.add_argument(
        '--heads', nargs='+', choices=HEADS, metavar='HEAD', help='default: all the checkpoint has'
    )
    parser.add_argument(
        '--height', type=int, metavar='PX', help='of the crops; default: that of the checkpoint'
    )
    parser.add_argument('--width', type=int, metavar='PX', help='likewise')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the comparison as JSON')


def run(options: argparse.Namespace) -> int:
    """Export, compare, print the comparison; 1 when the answers differ."""
    if options.out.suffix != EXPORTED_SUFFIX:
        raise CommandError(f'{options.out}: expected a name that ends in {EXPORTED_SUFFIX}')
    if options.precision not in ('auto', *PRECISIONS[options.backend]):
        raise CommandError(
            f'{options.backend} does not compute in {options.precision}; '
            f'expected {" or ".join(PRECISIONS[options.backend])}'
        )
    if not options.out.parent.is_dir():
        raise CommandError(f'{options.out}: the folder {options.out.parent} does not exist')
    model = open_model(options.weights or default_checkpoint())
    crop = replace(
        model.info.crop,
        height=options.height or model.info.crop.height,
        width=options.width or model.info.crop.width,
    )
    if min(crop.height, crop.width) < STRIDE or crop.height % STRIDE or crop.width % STRIDE:
        raise CommandError(
            f'crops of {crop.width}x{crop.height}; expected multiples of {STRIDE} in both'
        )
    check_export_packages(f'{model.path} is exported')
    from person_mtl_ros.backends.export import DisagreementError, export_checkpoint

    heads = options.heads or model.info.tasks
    try:
        export = export_checkpoint(
            model.path, options.out, options.backend, heads, sample_crops(crop), options.precision
        )
    except DisagreementError as error:
        print(error)
        return 1
    rows = [
        [name, f'{value:.5f}', f'{">=" if name in LEAST else "<="} {(LEAST | GREATEST)[name]:g}']
        for name, value in export.agreement.items()
    ]
    print(tabulate(rows, headers=['against torch fp32', 'worst', 'bound'], disable_numparse=True))
    size = options.out.stat().st_size / 1e6
    print(f'{options.out}: {size:.1f} MB, {export.backend} in {export.precision}')
    if options.json:
        write_report(options.json, {'file': options.out.name, **asdict(export)})
    return 0
