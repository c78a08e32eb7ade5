import argparse
import json

import pytest

from person_mtl_ros.commands.node_params import read_node_params
from person_mtl_ros.refresh import RefreshParams


@pytest.mark.parametrize(
    ('settings', 'content', 'expected'),
    [
        ([], None, True),
        (['camera_motion=false'], None, False),
        ([], {'perception_node': {'camera_motion': False, 'device': 'cuda'}}, False),
        (['camera_motion=true'], {'/**/perception_node': {'camera_motion': False}}, True),
    ],
)
def test_camera_motion_is_a_parameter_of_the_perception_node(
    tmp_path, settings, content, expected
):
    path = None
    if content:
        path = tmp_path / 'params.yaml'
        nodes = {node: {'ros__parameters': values} for node, values in content.items()}
        path.write_text(json.dumps(nodes))
    params = read_node_params(argparse.Namespace(params=path, set=settings))
    assert params.camera.camera_motion is expected


@pytest.mark.parametrize(
    ('settings', 'content', 'expected'),
    [
        ([], 'device: cuda', RefreshParams()),
        (['max_persons_per_frame=3'], 'time_budget_ms: 50.0', RefreshParams(3, 50.0)),
        (['time_budget_ms=20'], 'time_budget_ms: 50.0', RefreshParams(time_budget_ms=20.0)),
    ],
)
def test_how_many_people_are_looked_at_is_a_parameter_of_the_perception_node(
    tmp_path, settings, content, expected
):
    path = tmp_path / 'params.yaml'
    path.write_text(f'perception_node:\n  ros__parameters:\n    {content}\n')
    params = read_node_params(argparse.Namespace(params=path, set=settings))
    assert params.refresh == expected


def test_numbers_by_hand_are_read_as_numbers(tmp_path):
    given = ['unexpected_density=1e-3', 'confirm_sec=2', 'gallery_size=7']
    params = read_node_params(argparse.Namespace(params=None, set=given))
    assert params.tracker.unexpected_density == 1e-3
    assert params.set_by_hand['tracker_node']['confirm_sec'] == 2.0
    assert isinstance(params.tracker.confirm_sec, float) and params.tracker.gallery_size == 7
