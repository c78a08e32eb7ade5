import subprocess
import sys
from importlib import import_module

import pytest

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
