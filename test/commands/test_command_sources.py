import sys

import pytest
from command_line import run


def test_a_bag_without_ros_is_one_line(tmp_path, monkeypatch, capsys):
    for module in ('person_mtl_ros.evaluation.bag_source', 'person_mtl_ros.images'):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    assert run('track', tmp_path / 'walk.mcap', '--out', tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'reading a bag needs ROS 2' in line and 'cv_bridge' in line


@pytest.mark.parametrize('command', ['track', 'evaluate'])
def test_the_log_tells_in_one_line_what_runs_the_network(walk, weights, tmp_path, caplog, command):
    arguments = ('--weights', weights, '--backend', 'torch', '--device', 'cpu')
    assert run(command, walk, *arguments, '--out', tmp_path) == 0
    messages = [record.getMessage() for record in caplog.records if record.name != 'root']
    assert messages == ['backend torch on cpu in fp32']
