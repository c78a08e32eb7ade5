"""
Runs the launch files with executables that only note how they were started.

A note is the arguments, one a line, the environment and copies of the parameter files.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip('launch_ros', reason='launch is not among the wheels of ROS 2')

from launch import LaunchDescription, LaunchService
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import get_launch_description_from_python_launch_file
from launch_ros.actions import SetParameter

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLES = {
    'person_mtl': (
        'composed',
        'perception_node',
        'tracker_node',
        'visualizer_node',
        'detector_node',
        'video_node',
    ),
    'rviz2': ('rviz2',),
}
NOTE = """#!/bin/sh
out="$NOTES/$(basename "$0")"
printf '%s\\n' "$@" > "$out.arguments"
env > "$out.environment"
for argument in "$@"; do
    case "$argument" in /*.yaml | /*/launch_params_*) cp "$argument" "$NOTES" ;; esac
done
"""


class Start:
    """How a node was started."""

    def __init__(self, path: Path) -> None:
        self.notes = path.parent
        self.arguments = path.with_suffix('.arguments').read_text().splitlines()
        lines = path.with_suffix('.environment').read_text().splitlines()
        self.environment = dict(line.split('=', 1) for line in lines if '=' in line)

    def values(self, option: str) -> list[str]:
        """What follows each use of an option."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return [value for name, value in pairs if name == option]

    @property
    def remaps(self) -> dict[str, str]:
        return dict(rule.split(':=', 1) for rule in self.values('-r'))

    def parameters(self, node: str) -> dict[str, Any]:
        """Parameters of a node given on the command line or in a file that launch wrote."""
        given = {}
        for path in self.values('--params-file'):
            content = yaml.safe_load((self.notes / Path(path).name).read_text()) or {}
            for name in ('/**', f'/**/{node}'):
                given |= content.get(name, {}).get('ros__parameters', {})
        for rule in self.values('-p'):
            name, value = rule.split(':=', 1)
            given[name] = yaml.safe_load(value)
        return given


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Function that runs a launch file to its end and returns who was started and how."""
    for package, names in EXECUTABLES.items():
        marker = tmp_path / 'share/ament_index/resource_index/packages' / package
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        for name in names:
            executable = tmp_path / 'lib' / package / name
            executable.parent.mkdir(parents=True, exist_ok=True)
            executable.write_text(NOTE)
            executable.chmod(0o755)
    notes = tmp_path / 'notes'
    notes.mkdir()
    monkeypatch.setenv('NOTES', str(notes))
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    for variable in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.delenv(variable, raising=False)

    def run(name: str, *before: Any, **arguments: str) -> dict[str, Start]:
        include = IncludeLaunchDescription(
            str(ROOT / 'launch' / f'{name}.launch.py'), launch_arguments=arguments.items()
        )
        service = LaunchService(noninteractive=True)
        service.include_launch_description(LaunchDescription([GroupAction([*before, include])]))
        if service.run() != 0:
            raise RuntimeError('launch failed')
        return {path.stem: Start(path) for path in sorted(notes.glob('*.arguments'))}

    return run


@pytest.mark.parametrize(
    ('name', 'arguments', 'nodes'),
    [
        ('perception', {}, {'perception_node'}),
        ('perception', {'detector': 'hog'}, {'perception_node', 'detector_node'}),
        ('tracking', {}, {'tracker_node'}),
        ('bringup', {}, {'composed', 'visualizer_node'}),
        ('bringup', {'visualize': 'false'}, {'composed'}),
        (
            'bringup',
            {'visualize': 'false', 'rviz': 'true', 'detector': 'hog'},
            {'composed', 'detector_node', 'rviz2'},
        ),
        (
            'bringup',
            {'composed': 'false', 'visualize': 'false'},
            {'perception_node', 'tracker_node'},
        ),
        ('replay', {'source': '0'}, {'composed', 'visualizer_node', 'video_node'}),
    ],
)
def test_file_starts_its_nodes(launch, name, arguments, nodes):
    assert set(launch(name, **arguments)) == nodes


def test_a_second_camera_gets_no_second_tracker(launch):
    bringup = IncludeLaunchDescription(str(ROOT / 'launch' / 'bringup.launch.py'))
    nodes = launch('perception', bringup, namespace='camera_2')
    assert set(nodes) == {'composed', 'visualizer_node', 'perception_node'}


def test_arguments_that_are_left_out_set_no_parameter(launch):
    for executable, start in launch('bringup', detector='hog').items():
        nodes = ('perception_node', 'tracker_node') if executable == 'composed' else (executable,)
        assert all(start.parameters(node) == {} for node in nodes)


def test_parameters_reach_the_nodes_that_have_them(launch):
    starts = launch(
        'bringup',
        detector='hog',
        weights='/models/a b 🙂.safetensors',
        device='0',
        backend='torch',
        image_transport='compressed',
        use_sim_time='true',
        autostart='false',
    )
    everywhere = {'use_sim_time': True, 'autostart': False}
    assert starts['composed'].parameters('perception_node') == everywhere | {
        'weights': '/models/a b 🙂.safetensors',
        'device': '0',
        'backend': 'torch',
        'image_transport': 'compressed',
    }
    compressed = everywhere | {'image_transport': 'compressed'}
    assert starts['detector_node'].parameters('detector_node') == compressed
    assert starts['visualizer_node'].parameters('visualizer_node') == compressed
    assert starts['composed'].parameters('tracker_node') == everywhere


def test_a_file_is_the_network_of_the_detector(launch, tmp_path):
    network = tmp_path / 'yolox.onnx'
    network.touch()
    starts = launch('bringup', detector=str(network))
    assert starts['detector_node'].parameters('detector_node') == {'network': str(network)}


def test_parameters_of_one_node_stay_there_in_a_larger_launch_file(launch):
    starts = launch('bringup', SetParameter('use_sim_time', True), device='cuda')
    assert starts['composed'].parameters('perception_node') == {
        'use_sim_time': True,
        'device': 'cuda',
    }
    assert starts['composed'].parameters('tracker_node') == {'use_sim_time': True}


def test_arguments_win_over_the_parameter_file(launch, tmp_path):
    params_file = tmp_path / 'params.yaml'
    params_file.write_text('/**/perception_node: {ros__parameters: {device: cpu, backend: torch}}')
    start = launch('perception', params_file=str(params_file), device='cuda')['perception_node']
    assert start.parameters('perception_node') == {'device': 'cuda', 'backend': 'torch'}


def test_no_parameter_file_is_left_behind(launch, tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    starts = launch('bringup', detector='hog', device='cpu', image_transport='raw')
    files = [
        Path(file)
        for name in ('composed', 'detector_node')
        for file in starts[name].values('--params-file')
        if Path(file).name.startswith('person_mtl_')
    ]
    assert len(files) == 2 and {file.parent for file in files} == {tmp_path}
    assert not any(file.exists() for file in files)


def test_topics_are_remapped(launch):
    starts = launch(
        'replay', source='a.mp4', detector='hog', image='/camera/image_raw', detections='/boxes'
    )
    for name in ('composed', 'detector_node', 'video_node'):
        assert starts[name].remaps['image'] == '/camera/image_raw'
        assert starts[name].remaps['detections'] == '/boxes'
    for name in ('composed', 'detector_node', 'visualizer_node'):
        assert starts[name].remaps['image/compressed'] == '/camera/image_raw/compressed'


def test_odometry_is_used_where_its_topic_is_given(launch):
    start = launch('bringup', odometry='/odom', camera_info='/camera/info')['composed']
    assert start.parameters('perception_node') == {'use_odometry': True}
    assert start.remaps['odometry'] == '/odom'
    assert start.remaps['camera_info'] == '/camera/info'


def test_namespace_holds_for_all(launch):
    for start in launch('replay', source='0', namespace='robot/front', rviz='true').values():
        assert start.remaps['__ns'] == '/robot/front'


def test_source_that_is_a_number_stays_a_string(launch):
    assert launch('replay', source='0')['video_node'].parameters('video_node')['source'] == '0'


def test_replay_waits_for_everybody_who_reads_the_images(launch):
    nodes = launch('replay', source='0', detector='hog')
    assert nodes['video_node'].parameters('video_node')['wait_for_subscribers'] == 3
    nodes = launch('replay', source='0', visualize='false')
    assert nodes['video_node'].parameters('video_node')['wait_for_subscribers'] == 1


def test_log_level_reaches_the_nodes(launch):
    for start in launch('replay', source='0', log_level='debug').values():
        assert start.values('--log-level') == ['debug']


def test_rviz_opens_a_file_that_exists(launch):
    (config,) = launch('bringup', rviz='true')['rviz2'].values('-d')
    assert Path(config).is_file()


def test_fastdds_profile_is_ours_unless_chosen_otherwise(launch, monkeypatch):
    variable = 'FASTDDS_DEFAULT_PROFILES_FILE'
    ours = launch('tracking')['tracker_node'].environment[variable]
    assert Path(ours) == ROOT / 'config' / 'fastdds.xml'
    assert Path(ours).is_file()
    none = launch('tracking', fastdds_profile='')['tracker_node'].environment
    assert none[variable] == ''
    monkeypatch.setenv(variable, '/etc/site.xml')
    assert launch('tracking')['tracker_node'].environment[variable] == '/etc/site.xml'
    chosen = launch('tracking', fastdds_profile='/opt/mine.xml')['tracker_node'].environment
    assert chosen[variable] == '/opt/mine.xml'


def test_settings_end_with_the_launch_file(launch):
    launch('tracking')
    assert 'FASTDDS_DEFAULT_PROFILES_FILE' not in os.environ


@pytest.mark.parametrize(
    ('arguments', 'complaint'),
    [
        ({'detector': 'yolo'}, "detector 'yolo' is no file; expected none, hog or a YOLOX"),
        ({'image_transport': 'theora'}, "['', 'raw', 'compressed']"),
        ({'params_file': '/nowhere.yaml'}, "params_file '/nowhere.yaml' does not exist"),
    ],
)
def test_wrong_argument_is_named(launch, caplog, arguments, complaint):
    with pytest.raises(RuntimeError):
        launch('bringup', **arguments)
    assert complaint in caplog.text


@pytest.mark.parametrize('name', ['bringup', 'perception', 'tracking', 'replay'])
def test_every_argument_is_described(name):
    path = ROOT / 'launch' / f'{name}.launch.py'
    declared = get_launch_description_from_python_launch_file(str(path)).get_launch_arguments()
    for argument in declared:
        assert argument.description
        assert argument.default_value is not None or argument.name == 'source'
