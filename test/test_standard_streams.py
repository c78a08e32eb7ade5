import os
import subprocess
import sys

import pytest

PRINT = """
import sys
from person_mtl_ros import cli
from pathlib import Path

class Command:
    add_arguments = staticmethod(lambda parser: None)

    @staticmethod
    def run(options):
        for _ in range(3):
            print('to stdout')
            sys.stderr.write('to stderr\\n')
        Path({path!r}).write_text('result')
        return 0

cli._load = lambda name: Command
sys.exit(cli.main(['track']))
"""


def run(path, unbuffered=False, redirections='', **streams):
    code = PRINT.format(path=str(path))
    environment = os.environ | {'PYTHONUNBUFFERED': '1' if unbuffered else ''}
    shell = f'exec "$0" -c "$1" {redirections}'
    command = ['sh', '-c', shell, sys.executable, code]
    return subprocess.run(command, env=environment, text=True, **streams)


@pytest.fixture
def closed_pipe():
    """Where to write with nobody who reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize('unbuffered', [False, True])
def test_a_command_does_its_work_when_nobody_reads_what_it_prints(
    unbuffered, tmp_path, closed_pipe
):
    result = run(tmp_path / 'file', unbuffered, stdout=closed_pipe, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (0, 'to stderr\n' * 3)
    assert (tmp_path / 'file').read_text() == 'result'
    result = run(tmp_path / 'both', unbuffered, stdout=closed_pipe, stderr=closed_pipe)
    assert result.returncode == 0 and (tmp_path / 'both').read_text() == 'result'


@pytest.mark.parametrize('closed', ['2>&-', '>&-', '<&- >&- 2>&-'])
def test_a_command_does_its_work_with_streams_closed(closed, tmp_path):
    assert run(tmp_path / 'file', redirections=closed).returncode == 0
    assert (tmp_path / 'file').read_text() == 'result'


def test_a_full_disk_is_one_line(tmp_path):
    result = run(tmp_path / 'file', redirections='>/dev/full', stderr=subprocess.PIPE)
    last = result.stderr.splitlines()[-1]
    assert result.returncode == 2
    assert last.startswith('person-mtl track: ') and 'No space left' in last
