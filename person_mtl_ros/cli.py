"""The ``person-mtl`` command."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from person_mtl_ros.commands import (
    bag,
    benchmark,
    bringup,
    calibrate,
    demo,
    evaluate,
    export,
    info,
    track,
)
from person_mtl_ros.commands.errors import USER_ERRORS, CommandError
from person_mtl_ros.memory import keep_memory_of_images

COMMANDS = {
    'demo': demo,
    'bringup': bringup,
    'track': track,
    'evaluate': evaluate,
    'bag': bag,
    'calibrate': calibrate,
    'export': export,
    'benchmark': benchmark,
    'info': info,
}


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong without repeating how everything is used."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}; see {self.prog} --help\n')


def parser() -> argparse.ArgumentParser:
    """Build the command line: one subcommand per module of ``person_mtl_ros.commands``."""
    top = _OneLineParser(
        prog='person-mtl',
        description='On-robot person understanding: embedding, attributes, skeleton, body parts '
        'and an identity that stays.',
    )
    subparsers = top.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or '').strip().splitlines()[0]
        command = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a command.

    :returns: 0 done, 1 a check failed, 2 wrong input or use (one line on stderr says what).
    """
    keep_memory_of_images()
    logging.basicConfig(format='%(levelname)s: %(message)s', level=logging.WARNING)
    options = parser().parse_args(arguments)
    try:
        _check_report_file(getattr(options, 'json', None))
        return COMMANDS[options.command].run(options)
    except BrokenPipeError:  # `| head` has seen enough; the interpreter must not flush into it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except USER_ERRORS as error:
        print(f'person-mtl {options.command}: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f'person-mtl {options.command}: stopped', file=sys.stderr)
        return 130


def _check_report_file(path: Path | None) -> None:
    # Before the work whose result would be lost.
    if path is not None and not path.parent.is_dir():
        raise CommandError(f'{path}: the folder {path.parent} does not exist')


if __name__ == '__main__':
    sys.exit(main())
