import pytest
from command_line import run


@pytest.mark.parametrize('keys', [{'sync': 'odd'}, {'wieghts': 'x'}], ids=['bound', 'name'])
def test_bringup_refuses_a_wrong_parameter_file_in_one_line(keys, tmp_path, capfd):
    pytest.importorskip('rclpy')
    lines = ''.join(f'    {key}: {value}\n' for key, value in keys.items())
    params = tmp_path / 'params.yaml'
    params.write_text(f'perception_node:\n  ros__parameters:\n{lines}')
    assert run('bringup', '--params', params) == 2
    stderr = capfd.readouterr().err.splitlines()
    assert len(stderr) == 1 and next(iter(keys)) in stderr[0], stderr


def test_bringup_names_a_parameter_file_that_is_missing(capfd):
    pytest.importorskip('rclpy')
    assert run('bringup', '--params', '/nowhere.yaml') == 2
    assert '/nowhere.yaml' in capfd.readouterr().err.splitlines()[-1]


def test_bringup_names_a_detector_that_is_missing(capfd):
    assert run('bringup', '--detector', '/nowhere.onnx') == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert '/nowhere.onnx: no such file; expected hog or a YOLOX network' in line
