"""
Time of a tracker step against people in the image and identities in the gallery.

    OMP_NUM_THREADS=1 python benchmarks/tracker.py --json tracker.json --plot tracker.png

The method is that of :mod:`person_mtl_ros.benchmark_tracker`: 512-d embeddings, CPU time of one
core, medians of three runs. The table goes up to 200 people with 100 identities, and to 1000
identities with 20 people.
"""

import argparse
import json
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from person_mtl_ros.benchmark_tracker import TrackerCost, measure_costs

PEOPLE = (1, 5, 10, 20, 50, 100, 200)
GALLERY = (0, 10, 100, 300, 1000)
USUAL_PEOPLE, USUAL_GALLERY = 20, 100


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Time the steps of the tracker.')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the rows')
    parser.add_argument('--plot', type=Path, metavar='FILE', help='draw the curves')
    args = parser.parse_args()
    sizes = [(people, USUAL_GALLERY) for people in PEOPLE]
    sizes += [(USUAL_PEOPLE, gallery) for gallery in GALLERY if gallery != USUAL_GALLERY]
    rows = list(tqdm(measure_costs(sizes), 'crowds', len(sizes)))
    print(tabulate(rows, headers=TrackerCost._fields, floatfmt='.2f'))
    if args.json:
        args.json.write_text(json.dumps([row._asdict() for row in rows], indent=2) + '\n')
    if args.plot:
        plot(rows, args.plot)


def plot(rows: list[TrackerCost], path: Path) -> None:
    """Draw cost against people (left) and against identities (right)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout='constrained')
    axes = figure.subplots(1, 2, sharey=True)
    for axis, name, other, usual in (
        (axes[0], 'people', 'gallery', USUAL_GALLERY),
        (axes[1], 'gallery', 'people', USUAL_PEOPLE),
    ):
        curve = sorted(row for row in rows if getattr(row, other) == usual)
        places = [getattr(row, name) for row in curve]
        for percentile in ('ms_p50', 'ms_p99'):
            times = [getattr(row, percentile) for row in curve]
            axis.plot(places, times, 'o-', label=percentile[3:])
        axis.set(xlabel=f'{name} ({other}: {usual})', yscale='log')
        axis.grid(alpha=0.3)
    axes[0].set_ylabel('CPU time of a step [ms]')
    axes[0].legend()
    figure.savefig(path, dpi=120)


if __name__ == '__main__':
    main()
