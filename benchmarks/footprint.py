"""
Measure what a robot pays before the first answer: memory, and time from the start of a process.

    python -m benchmarks.footprint --json benchmarks/footprint.json
    python -m benchmarks.footprint --weights my.onnx --python /path/to/venv/bin/python

Every backend runs in fresh processes, one person in an image of 1280x720. The first process fills
the caches of the package and of the operating system and does not count; of the others the median
is told. Memory is what is resident after the first answer, and at its highest before. The
installed size is that of all packages of the interpreter, without the interpreter itself.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from person_mtl_ros.backends import BACKENDS
from person_mtl_ros.checkpoint import default_checkpoint
from person_mtl_ros.json_report import write_json_report

ROOT = Path(__file__).parents[1]
FIRST_ANSWER = """
import json, sys, time
import numpy as np
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import Detection
weights, backend, device = sys.argv[1:]
predictor = Predictor(weights, backend, device)
box_xyxy = np.array([600, 200, 700, 500], np.float32)
predictor.predict(np.zeros((720, 1280, 3), np.uint8), [Detection(box_xyxy)])
now_sec = time.time()
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
kib = [int(status[name].split()[0]) for name in ('VmRSS', 'VmHWM')]
print(json.dumps([predictor.precision, 'torch' in sys.modules, now_sec, *kib]))
"""
INSTALLED = """
from importlib.metadata import distributions
files = {file.locate() for one in distributions() for file in one.files or ()}
print(sum(file.stat().st_size for file in files if file.is_file()))
"""


@dataclass(frozen=True)
class Footprint:
    """One row of the table."""

    backend: str
    precision: str
    is_torch_loaded: bool
    first_answer_sec: float
    resident_mb: float
    peak_mb: float


def measure_footprint(
    python: str, weights: Path, backend: str, device: str = 'cpu', rounds: int = 5
) -> Footprint:
    """
    Run a backend in fresh processes.

    :param python: interpreter to measure.
    :param weights: checkpoint or exported network.
    :param rounds: processes that count.
    :raises RuntimeError: when it does not run; the last line of its error.
    """
    runs = []
    for _ in range(1 + rounds):
        begin_sec = time.time()
        answer = _run(python, FIRST_ANSWER, str(weights), backend, device)
        precision, is_torch_loaded, end_sec, resident_kib, peak_kib = json.loads(answer)
        runs.append((end_sec - begin_sec, resident_kib * 1024e-6, peak_kib * 1024e-6))
    medians = [statistics.median(values) for values in zip(*runs[1:], strict=True)]
    return Footprint(backend, precision, is_torch_loaded, *medians)


def installed_mb(python: str) -> float:
    """Size of all packages of an interpreter."""
    return int(_run(python, INSTALLED)) / 1e6


def _run(python: str, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [python, '-c', program, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout.splitlines()[-1]


def main() -> int:
    """Measure every backend that runs, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--weights', type=Path, help='checkpoint (default: shipped) or .onnx')
    parser.add_argument('--python', default=sys.executable, help='interpreter (default: this)')
    parser.add_argument('--backends', nargs='+', choices=tuple(BACKENDS), default=list(BACKENDS))
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--json', type=Path, metavar='FILE')
    options = parser.parse_args()
    weights = (options.weights or default_checkpoint()).resolve()
    rows = []
    for backend in options.backends:
        try:
            rows.append(
                measure_footprint(options.python, weights, backend, options.device, options.rounds)
            )
        except RuntimeError as error:
            print(f'{backend}: {error}', file=sys.stderr)
    report: dict[str, Any] = {
        'weights': weights.name,
        'installed_mb': installed_mb(options.python),
        'backends': [asdict(row) for row in rows],
    }
    print(f'{weights.name}, {report["installed_mb"]:.0f} MB installed\n')
    print(tabulate(report['backends'], headers='keys', tablefmt='github', floatfmt='.1f'))
    if options.json:
        write_json_report(options.json, report)
    return 0


if __name__ == '__main__':
    sys.exit(main())
