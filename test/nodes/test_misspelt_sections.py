import pytest

from person_mtl_ros.nodes.misspelt_sections import misspelt_sections

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
        ('tracker', 'tracker_node'),
        ('perception_nod', 'perception_node'),
        ('/robot/tracker-node', 'tracker_node'),
    ],
)
def test_a_misspelt_section_is_told(tmp_path, section: str, meant: str) -> None:
    (warning,) = _warnings(tmp_path, f'{section}:\n  ros__parameters: {{confirm_sec: 1.0}}\n')
    assert 'params.yaml' in warning
    assert f'a {meant};' in warning


@pytest.mark.parametrize(
    'section',
    [
        'tracker_node',
        '/robot/tracker_node',
        '/**',
        'visualizer_node',
        'tracker_node_2',
        'tracker_node2',
        'camera',
        '7',
    ],
)
def test_sections_of_these_and_of_other_nodes_are_right(tmp_path, section: str) -> None:
    assert _warnings(tmp_path, f'{section}:\n  ros__parameters: {{confirm_sec: 1.0}}\n') == []


@pytest.mark.parametrize('value', ['2024-99-99', '=', '!foo bar'])
def test_values_that_only_ros_understands_are_not_read(tmp_path, value: str) -> None:
    text = f'traker_node:\n  ros__parameters:\n    frame: {value}\n'
    assert len(_warnings(tmp_path, text)) == 1


@pytest.mark.parametrize('text', ['', '- a list\n'])
def test_a_file_without_sections_is_left_to_ros(tmp_path, text: str) -> None:
    assert _warnings(tmp_path, text) == []


def test_every_file_for_ros_is_read_and_no_other(tmp_path) -> None:
    path = tmp_path / 'params.yaml'
    path.write_text('traker_node: {}\n')
    option = ['--params-file', str(path)]
    assert list(misspelt_sections(['node', *option], NAMES)) == []
    assert list(misspelt_sections(['node', '--ros-args', '--', *option], NAMES)) == []
    assert len(list(misspelt_sections(['--ros-args', *option, *option], NAMES))) == 2


@pytest.mark.parametrize('content', [None, b'\xff\xfe', b'a: [\n'])
def test_a_file_that_cannot_be_read_is_left_to_ros(tmp_path, content: bytes | None) -> None:
    path = tmp_path / 'params.yaml'
    if content is not None:
        path.write_bytes(content)
    assert list(misspelt_sections(['--ros-args', '--params-file', str(path)], NAMES)) == []
