import signal
import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from person_mtl_ros import cli
from person_mtl_ros.cli import COMMANDS, main


@pytest.mark.parametrize('command', [None, *COMMANDS])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*([command] if command else []), '--help'])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith('usage: person-mtl')
    expected = COMMANDS if command is None else ['--help']
    assert all(word in out for word in expected)


@pytest.mark.parametrize('command', COMMANDS)
def test_the_summary_is_that_of_the_module(command):
    module = import_module(f'person_mtl_ros.commands.{command}')
    assert module.__doc__ == COMMANDS[command]


RUN_WITHOUT = """
import sys
for missing in {missing!r}:
    sys.modules[missing] = None
from person_mtl_ros.cli import main
sys.exit(main({arguments!r}))
"""


def run_without(missing, *arguments):
    code = RUN_WITHOUT.format(missing=missing, arguments=arguments)
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)


def test_only_scores_need_trackeval():
    for command in ('track', 'calibrate', 'export', 'benchmark', 'bag'):
        assert run_without(['trackeval'], command, '--help').returncode == 0
    assert run_without(['trackeval', 'torch', 'matplotlib'], 'info').returncode == 0
    result = run_without(['trackeval'], 'evaluate', 'SEQ')
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        'person-mtl evaluate: the package trackeval is missing; install it, or use the '
        'environment that make setup builds'
    ]


STOPPED = """
import os, signal, sys, time
number = {number}  # which whoever runs the tests may ignore
signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
from person_mtl_ros import cli
from person_mtl_ros.atomic_path import atomic_path
from pathlib import Path

class Command:
    add_arguments = staticmethod(lambda parser: None)

    @staticmethod
    def run(options):
        with atomic_path(Path({path!r})) as temporary:
            temporary.write_text('half')
            os.kill(os.getpid(), number)
            time.sleep(30)

cli._load = lambda name: Command
sys.exit(cli.main(['track']))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_in_one_line_and_leaves_nothing(number, tmp_path):
    code = STOPPED.format(path=str(tmp_path / 'a'), number=int(number))
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (128 + number, 'person-mtl track: stopped\n')
    assert list(tmp_path.iterdir()) == []


def test_nothing_large_is_imported_before_a_signal_is_one_line():
    code = 'import sys, person_mtl_ros.cli; print(*sys.modules)'
    modules = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout
    assert not {'numpy', 'cv2', 'scipy', 'torch'} & set(modules.split())


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]


@pytest.mark.parametrize(
    ('command', 'before', 'is_taken'),
    [
        ('track', signal.SIG_DFL, True),
        ('track', signal.SIG_IGN, False),
        ('bringup', signal.SIG_DFL, False),
    ],
    ids=['default', 'nohup', 'nodes have their own'],
)
def test_signals_are_borrowed_for_the_command(command, before, is_taken, monkeypatch):
    during = []
    fake = SimpleNamespace(
        add_arguments=lambda _: None, run=lambda _: during.extend(handlers()) or 0
    )
    monkeypatch.setattr(cli, '_load', lambda _: fake)
    original = signal.signal(signal.SIGHUP, before)
    try:
        outside = handlers()
        assert main([command]) == 0
        assert (during[1] != before) == is_taken
        assert handlers() == outside
    finally:
        signal.signal(signal.SIGHUP, original)
