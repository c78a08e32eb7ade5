from pathlib import Path

import numpy as np
import yaml

VIEW = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / 'rviz' / 'person_mtl.rviz').read_text()
)['Visualization Manager']


def test_displays_show_what_the_visualizer_publishes():
    topics = {d['Class'].split('/')[1]: d['Topic'] for d in VIEW['Displays']}
    assert topics['Image']['Value'] == 'overlay'
    assert topics['MarkerArray']['Value'] == 'markers'
    for topic in topics.values():
        assert topic['Durability Policy'] == 'Volatile'


def test_picture_plane_is_seen_upright():
    view = VIEW['Views']['Current']
    yaw, pitch = view['Yaw'], view['Pitch']
    # Where RViz puts the camera, seen from its focal point; z is up.
    place = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.cross(-place, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(-place, right)
    np.testing.assert_allclose(right, [1, 0, 0], atol=0.01)
    np.testing.assert_allclose(down, [0, 1, 0], atol=0.01)
