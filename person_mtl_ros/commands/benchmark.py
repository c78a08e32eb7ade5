"""Measure the speed of the network, of a whole frame or of the tracker on this machine."""

import argparse
import importlib.util
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabulate import tabulate

from person_mtl_ros.backends import AUTO, BACKENDS
from person_mtl_ros.backends.conversion import check_export_packages
from person_mtl_ros.backends.precisions import ON_REQUEST, PRECISIONS
from person_mtl_ros.checkpoint import default_checkpoint, open_model
from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.json_report import write_json_report
from person_mtl_ros.parameters import parameter_specs
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.refresh import RefreshParams

RUNTIMES = {'onnx': 'onnxruntime', 'openvino': 'openvino'}
BATCHES = {'cpu': (1, 10), 'gpu': (1, 10, 64)}
GALLERIES = (100, 1000)  # identities out of sight


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    subjects = parser.add_subparsers(dest='subject', required=True, metavar='SUBJECT')
    network = subjects.add_parser(
        'network', help='crops per second by backend, precision, batch and heads; needs torch'
    )
    network.add_argument(
        '--weights',
        type=Path,
        metavar='FILE',
        help='checkpoint whose architecture is measured; default: the network of the paper',
    )
    network.add_argument(
        '--batch',
        type=int,
        nargs='+',
        metavar='CROPS',
        help='default: 1 10, and 64 on a GPU',
    )
    network.add_argument('--device', default='cpu', help='cpu (default), cuda, cuda:1...')
    network.add_argument('--rounds', type=int, default=7, help='runs of each (default: 7)')
    frame = subjects.add_parser('frame', help='a whole frame, from image and boxes to tracks')
    frame.add_argument(
        '--weights', type=Path, metavar='FILE', help='checkpoint or exported network'
    )
    frame.add_argument('--backend', choices=(AUTO, *BACKENDS), default=AUTO)
    frame.add_argument(
        '--device', default=AUTO, help='cpu, cuda, cuda:1...; default: a GPU if there is one'
    )
    frame.add_argument('--people', type=int, nargs='+', default=[1, 5, 10, 20, 60])
    frame.add_argument('--frames', type=int, default=20, help='of each crowd (default: 20)')
    for name, (default, spec) in parameter_specs(RefreshParams).items():
        flag = '--' + name.replace('_', '-')
        frame.add_argument(flag, type=type(default), default=default, help=spec.doc)
    tracker = subjects.add_parser('tracker', help='one step of the tracker')
    tracker.add_argument('--people', type=int, nargs='+', default=[1, 5, 10, 20, 60])
    for subject in (network, frame, tracker):
        subject.add_argument('--json', type=Path, metavar='FILE', help='write the rows as JSON')


def run(options: argparse.Namespace) -> int:
    """Measure and print a table."""
    for name in ('batch', 'rounds', 'people', 'frames'):
        value = getattr(options, name, None)
        if value is not None:
            _check_positive(name, value)
    measure = {'network': _network, 'frame': _frame, 'tracker': _tracker}[options.subject]
    rows = measure(options)
    if options.json:
        write_json_report(options.json, rows)
    return 0


def _check_positive(name: str, value: int | Sequence[int]) -> None:
    least = value if isinstance(value, int) else min(value)
    if least < 1:
        raise CommandError(f'--{name} is {least}; expected at least 1')


def _network(options: argparse.Namespace) -> list[dict[str, Any]]:
    check_export_packages('networks are made and exported to be measured')
    from person_mtl_ros.benchmark_network import (
        EAGER,
        PAPER_NETWORK,
        compare_costs,
        measure_network,
        name_of_gpu,
        network_configs,
        network_of,
    )

    params, crop = network_of(options.weights) if options.weights else PAPER_NETWORK
    if options.device == 'cpu':
        machine, batches = _processor(), BATCHES['cpu']
        backends = [('torch', 'fp32')]
        installed = [name for name, runtime in RUNTIMES.items() if _is_installed(runtime)]
        for name in installed:
            if _is_installed('nncf'):  # before the last, whose parts are measured
                backends += [(name, precision) for precision in ON_REQUEST.get(name, ())]
            backends += [(name, precision) for precision in reversed(PRECISIONS[name])]
        missing = sorted(set(RUNTIMES) - set(installed))
        missing += [] if _is_installed('nncf') else ['int8 (nncf)']
        missing += ['GPUs (--device cuda)']
    else:
        machine, batches = name_of_gpu(options.device), BATCHES['gpu']
        backends = [(EAGER, 'fp32'), (EAGER, 'fp16'), ('torch', 'fp16')]
        backends += [('tensorrt', 'fp16')] if _is_installed('tensorrt') else []
        missing = [] if _is_installed('tensorrt') else ['tensorrt']
    configs = network_configs(backends, sorted(options.batch or batches))
    costs = measure_network(configs, params, crop, options.rounds, options.device)
    print(f'{machine}, crops of {crop.width}x{crop.height}\n')
    _print_rows([asdict(cost) for cost in costs])
    print()
    _print_rows([ratio._asdict() for ratio in compare_costs(costs)])
    if missing:
        print(f'\nNot measured: {", ".join(missing)}.')
    return [asdict(cost) for cost in costs]


def _frame(options: argparse.Namespace) -> list[dict[str, Any]]:
    from person_mtl_ros.benchmark_frame import measure_frames

    try:
        refresh = RefreshParams(options.max_persons_per_frame, options.time_budget_ms)
    except ValueError as error:
        raise CommandError(str(error)) from error
    model = open_model(options.weights or default_checkpoint())
    predictor = Predictor(model.path, options.backend, options.device)
    costs = measure_frames(predictor, options.people, options.frames, refresh)
    print(
        f'{_processor()}, model {model.model_id} with {predictor.backend} in '
        f'{predictor.precision} on {predictor.device}\n'
    )
    rows = [asdict(cost) for cost in costs]
    _print_rows(rows)
    return rows


def _tracker(options: argparse.Namespace) -> list[dict[str, Any]]:
    from person_mtl_ros.benchmark_tracker import measure_costs

    sizes = [(people, gallery) for gallery in GALLERIES for people in options.people]
    rows = [cost._asdict() for cost in measure_costs(sizes)]
    print(f'{_processor()}\n')
    _print_rows(rows)
    return rows


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    table = [
        {key: '+'.join(value) if isinstance(value, tuple) else value for key, value in row.items()}
        for row in rows
    ]
    print(tabulate(table, headers='keys', tablefmt='github', floatfmt='.2f'))


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return f'{len(names)} cores of {names[0]}' if names else platform.machine()
