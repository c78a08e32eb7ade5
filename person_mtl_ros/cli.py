"""The ``person-mtl`` command."""

import argparse
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from person_mtl_ros.commands.errors import CommandError, user_errors
from person_mtl_ros.memory import keep_memory_of_images
from person_mtl_ros.standard_streams import standard_streams

# What each module of ``person_mtl_ros.commands`` does, as its first line says too. Only the one
# that is asked for is imported, with what it alone needs.
COMMANDS = {
    'demo': 'Play the shipped clip through the real nodes: metrics, latency and a video to look '
    'at.',
    'bringup': 'Run the nodes of bringup.launch.py in one process, without ros2 launch.',
    'track': 'Track people in a video, image folder, camera or bag: tracks.txt, persons.jsonl, '
    'overlay.mp4.',
    'evaluate': 'Score tracking: HOTA, AssA, DetA, IDF1, MOTA, ID switches, re-entry recall, '
    'latency.',
    'bag': 'Write a sequence as a bag (mcap) that ros2 bag play plays.',
    'calibrate': 'Choose the same-person threshold for your cameras: distances, FAR, FRR, a new '
    'checkpoint.',
    'export': 'Export a checkpoint to one file that runs without torch, and verify its answers.',
    'benchmark': 'Measure the speed of the network, of a whole frame or of the tracker on this '
    'machine.',
    'info': 'Describe a checkpoint or exported network: outputs, training recipe, measured '
    'results.',
}


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong without repeating how everything is used."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}; see {self.prog} --help\n')


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a command.

    :returns: 0 done, 1 a check failed, 2 wrong input or use (one line on stderr says what),
        128 + N stopped by signal N.
    """
    keep_memory_of_images()
    words = sys.argv[1:] if arguments is None else list(arguments)
    name = words[0] if words else ''
    with standard_streams():
        logging.basicConfig(format='%(levelname)s: %(message)s', level=logging.WARNING)
        try:
            with _stop_signals(() if name == 'bringup' else (signal.SIGTERM, signal.SIGHUP)):
                return _run(name, words)
        except KeyboardInterrupt as stop:
            print(f'person-mtl {name}: stopped', file=sys.stderr)
            return 128 + (stop.args[0] if stop.args else signal.SIGINT)
        except user_errors() as error:
            print(f'person-mtl {name}: {error}', file=sys.stderr)
            return 2


def _run(name: str, words: list[str]) -> int:
    try:
        _check_encoding(words)
        command = _load(name) if name in COMMANDS else None
        options = _parser(name, command).parse_args(words)
        assert command is not None  # or the parser has ended the program
        _check_report_file(getattr(options, 'json', None))
        return command.run(options)
    finally:
        sys.stdout.flush()  # here, where a full disk is one line


@contextmanager
def _stop_signals(numbers: Sequence[int]) -> Iterator[None]:
    """Let these signals unwind what runs, as Ctrl-C does, so that it cleans up."""

    def stop(number: int, _: FrameType | None) -> None:
        # A terminal that is closed says so twice, the second time while we clean up.
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    # One that is ignored stays so: nohup.
    taken = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _load(name: str) -> Any:
    try:
        return import_module(f'person_mtl_ros.commands.{name}')
    except ModuleNotFoundError as error:
        package = str(error.name).split('.')[0]
        raise CommandError(
            f'the package {package} is missing; install it, or use the environment that make '
            'setup builds'
        ) from error


def _parser(name: str, command: Any) -> argparse.ArgumentParser:
    """Of all commands; only that of ``name`` knows its arguments."""
    top = _OneLineParser(
        prog='person-mtl',
        description='On-robot person understanding: embedding, attributes, skeleton, body parts '
        'and an identity that stays.',
    )
    subparsers = top.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for other, summary in COMMANDS.items():
        added = subparsers.add_parser(other, help=summary, description=summary)
        if other == name:
            command.add_arguments(added)
    return top


def _check_encoding(words: list[str]) -> None:
    # OpenCV crashes on other names of files.
    for word in words:
        if any('\ud800' <= character <= '\udfff' for character in word):
            raise CommandError(f'{word!a} is not UTF-8; rename the file, or make a link to it')


def _check_report_file(path: Path | None) -> None:
    # Before the work whose result would be lost.
    if path is None:
        return
    if not path.parent.is_dir():
        raise CommandError(f'{path}: the folder {path.parent} does not exist')
    if path.is_dir():  # as the empty name is
        raise CommandError(f'--json {path}: this is a folder; expected the name of a file')


if __name__ == '__main__':
    sys.exit(main())
