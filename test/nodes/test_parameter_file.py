import pytest

from person_mtl_ros.nodes.parameter_file import misspelt_sections

NAMES = ('perception_node', 'tracker_node')


def _warnings(tmp_path, text: str) -> list[str]:
    path = tmp_path / 'params.yaml'
    path.write_text(text)
    args = ['node', '--ros-args', '-r', '__ns:=/robot', '--params-file', str(path)]
    return list(misspelt_sections(args, NAMES))


@pytest.mark.parametrize(
    ('section', 'meant'),
    [
        ('traker_node', 'tracker_node'),
        ('perception_nod', 'perception_node'),
        ('/robot/tracker-node', 'tracker_node'),
    ],
)
def test_a_misspelt_section_is_told(tmp_path, section: str, meant: str) -> None:
    (warning,) = _warnings(tmp_path, f'{section}:\n  ros__parameters: {{confirm_sec: 1.0}}\n')
    assert 'params.yaml' in warning
    assert warning.endswith(f'did you mean {meant}?')


@pytest.mark.parametrize(
    'section', ['tracker_node', '/robot/tracker_node', '/**', 'visualizer_node', 'camera', '7']
)
def test_sections_of_these_and_of_other_nodes_are_right(tmp_path, section: str) -> None:
    assert _warnings(tmp_path, f'{section}:\n  ros__parameters: {{confirm_sec: 1.0}}\n') == []


@pytest.mark.parametrize('text', ['', '- a list\n'])
def test_a_file_without_sections_is_left_to_ros(tmp_path, text: str) -> None:
    assert _warnings(tmp_path, text) == []


def test_without_a_file_nothing_is_read() -> None:
    assert list(misspelt_sections(['node', '--ros-args', '-p', 'confirm_sec:=1.0'], NAMES)) == []
