import json
from dataclasses import replace

import numpy as np
import pytest

from training.synthetic.detections import DetectorParams
from training.synthetic.identity import attribute_row
from training.synthetic.scene import Scene, SceneParams
from training.synthetic.stress_scenes import (
    BAD_DETECTOR,
    STRESS_SCENES,
    StressScene,
    render_stress_scenes,
)

SMALL = SceneParams(seed=5, people=3, seconds=0.4, fps=10, size_hw=(90, 160))


def test_in_uniforms_all_wear_the_same_and_stay_who_they_are() -> None:
    params = replace(SMALL, people=6, is_uniform=True)
    people = [walker.identity for walker in Scene(params).walkers]
    assert len({str((p.upper, p.lower, p.outer, p.footwear)) for p in people}) == 1
    assert len({p.shape.height for p in people}) == 6
    clothes = [attribute_row(person)[-2:].tolist() for person in people]
    assert clothes == [clothes[0]] * 6


def test_a_kiosk_hides_who_is_behind_it_and_nobody_in_front() -> None:
    params = replace(SMALL, people=4, seconds=20.0, has_kiosk=True)
    scene, open_scene = Scene(params), Scene(replace(params, has_kiosk=False))
    (kiosk,) = set(scene.scenery.pieces) - set(open_scene.scenery.pieces)
    for walker in scene.walkers:
        outside = np.abs(walker.positions - kiosk.center_xy) - (
            kiosk.half_length,
            kiosk.half_width,
        )
        assert outside.max(axis=1).min() > 0
    depth, side = np.concatenate([walker.positions for walker in scene.walkers]).T
    is_behind = (depth > 8) & (np.abs(side) < 1.5)
    assert is_behind.mean() > 0.02


def _horizon_rows(params: SceneParams) -> np.ndarray:
    """Where a far point is in the image, frame by frame, (T, 2)."""
    scene = Scene(params)
    far = np.array([[1000.0, 0.0, 0.0]])
    return np.array([scene.camera(k).project(far)[0, :2] for k in range(len(scene.times))])


def test_a_shaking_camera_swings_by_some_pixels_from_frame_to_frame() -> None:
    moving = replace(SMALL, seconds=4.0, is_moving=True)
    calm, shaking = (_horizon_rows(replace(moving, shake=shake)) for shake in (0.0, 0.02))
    assert np.abs(np.diff(shaking, axis=0)).max() > 3 * np.abs(np.diff(calm, axis=0)).max()
    # 0.02 rad of the focal length; pan and tilt move the picture by no more than that.
    assert np.abs(shaking - calm).max() < 2.5 * 0.02 * 0.85 * 160


def test_scenes_are_rendered_once_and_again_after_a_change(tmp_path) -> None:
    good = DetectorParams(miss=0.0, lapse=0.0, false_boxes=0.0)
    scenes = [StressScene('good', SMALL, good), StressScene('bad', SMALL, BAD_DETECTOR)]
    folders = render_stress_scenes(tmp_path, scenes)
    assert [folder.name for folder in folders] == ['good', 'bad']
    video = tmp_path / 'good' / 'good.mp4'
    assert (tmp_path / 'bad' / 'bad.mp4').read_bytes() == video.read_bytes()
    before = video.stat().st_mtime_ns
    render_stress_scenes(tmp_path, scenes)
    assert video.stat().st_mtime_ns == before
    changed = [StressScene('good', replace(SMALL, seed=6), good), scenes[1]]
    render_stress_scenes(tmp_path, changed)
    assert video.stat().st_mtime_ns > before
    settings = json.loads((tmp_path / 'good' / 'settings.json').read_text())
    assert settings['scene']['seed'] == 6


def test_the_bad_detector_misses_three_in_ten_and_the_good_one_nobody() -> None:
    by_name = {scene.name: scene for scene in STRESS_SCENES}
    assert by_name['misses'].scene == by_name['crossing'].scene
    assert by_name['misses'].detector.miss == pytest.approx(0.3)
    assert by_name['crossing'].detector.miss == 0.0


def test_names_are_those_of_folders_and_differ() -> None:
    names = [scene.name for scene in STRESS_SCENES]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
