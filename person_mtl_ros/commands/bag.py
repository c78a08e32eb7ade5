"""Write a sequence as a bag (mcap) that ros2 bag play plays."""

import argparse
from pathlib import Path

from person_mtl_ros.evaluation.bag import write_bag
from person_mtl_ros.evaluation.sequence import load_sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('sequence', type=Path, help='folder in the MOTChallenge layout')
    parser.add_argument('--out', type=Path, required=True, metavar='BAG', help='folder to make')
    parser.add_argument(
        '--compressed', action='store_true', help='JPEG images: a fraction of the size'
    )


def run(options: argparse.Namespace) -> int:
    """Write the bag."""
    sequence = load_sequence(options.sequence)
    for note in sequence.notes:
        print(note)
    write_bag(sequence, options.out, compressed=options.compressed)
    print(f'{options.out}: {len(sequence)} frames of {sequence.name}')
    return 0
