import os
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from person_mtl_ros.nodes.fastdds_profile import use_fastdds_profile

VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setattr(os, 'environ', os.environ.copy())
    os.environ.pop(VARIABLE, None)
    os.environ['ROS_DISTRO'] = 'kilted'


def test_ours_is_used_where_nothing_is_said():
    use_fastdds_profile()
    assert Path(os.environ[VARIABLE]).name == 'fastdds.xml'
    assert Path(os.environ[VARIABLE]).is_file()


def test_that_of_the_user_stays():
    os.environ[VARIABLE] = '/etc/site.xml'
    use_fastdds_profile()
    assert os.environ[VARIABLE] == '/etc/site.xml'


def test_empty_is_none():
    os.environ[VARIABLE] = ''
    use_fastdds_profile()
    assert VARIABLE not in os.environ


def test_an_old_fast_dds_knows_the_old_name():
    os.environ['ROS_DISTRO'] = 'humble'
    use_fastdds_profile()
    assert VARIABLE not in os.environ
    assert Path(os.environ['FASTRTPS_DEFAULT_PROFILES_FILE']).is_file()
