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
