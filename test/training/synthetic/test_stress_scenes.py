import json
from dataclasses import replace

import numpy as np
import pytest

from training.synthetic.detections import DetectorParams
from training.synthetic.identity import attribute_row
from training.synthetic.scene import Scene, SceneParams
from training.synthetic.stress_scenes import (
    BAD_DETECTOR,
    GOOD_DETECTOR,
    KINDS,
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
    scenes = [StressScene('good', 1, SMALL, good), StressScene('bad', 1, SMALL, BAD_DETECTOR)]
    folders = render_stress_scenes(tmp_path, scenes)
    assert [folder.name for folder in folders] == ['good_1', 'bad_1']
    video = tmp_path / 'good_1' / 'good_1.mp4'
    assert (tmp_path / 'bad_1' / 'bad_1.mp4').read_bytes() == video.read_bytes()
    before = video.stat().st_mtime_ns
    render_stress_scenes(tmp_path, scenes)
    assert video.stat().st_mtime_ns == before
    changed = [StressScene('good', 1, replace(SMALL, seed=6), good), scenes[1]]
    render_stress_scenes(tmp_path, changed)
    assert video.stat().st_mtime_ns > before
    settings = json.loads((tmp_path / 'good_1' / 'settings.json').read_text())
    assert settings['scene']['seed'] == 6


def test_scenes_that_differ_in_detections_are_rendered_once_in_any_order(
    tmp_path, monkeypatch
) -> None:
    rendered = []

    class Counted(Scene):
        def __init__(self, params: SceneParams) -> None:
            rendered.append(params.seed)
            super().__init__(params)

    monkeypatch.setattr('training.synthetic.stress_scenes.Scene', Counted)
    small = replace(SMALL, people=1, seconds=0.2)
    other = replace(small, seed=6)
    scenes = [
        StressScene(kind, number, params, detector)
        for kind, detector in (('good', GOOD_DETECTOR), ('bad', BAD_DETECTOR))
        for number, params in enumerate((small, other), start=1)
    ]
    folders = render_stress_scenes(tmp_path, scenes)
    assert rendered == [5, 6]
    assert [folder.name for folder in folders] == ['good_1', 'good_2', 'bad_1', 'bad_2']
    assert all((folder / 'settings.json').is_file() for folder in folders)


def test_the_bad_detector_misses_three_in_ten_and_the_good_one_nobody() -> None:
    by_name = {scene.name: scene for scene in STRESS_SCENES}
    for number in (1, 2, 3):
        misses, crossing = by_name[f'misses_{number}'], by_name[f'crossing_{number}']
        assert misses.scene == crossing.scene
        assert misses.detector.miss == pytest.approx(0.3)
        assert crossing.detector.miss == 0.0


def test_of_each_kind_there_are_three_scenes_that_differ_in_the_seed() -> None:
    for kind in KINDS:
        scenes = [scene for scene in STRESS_SCENES if scene.kind == kind]
        assert [scene.name for scene in scenes] == [f'{kind}_{number}' for number in (1, 2, 3)]
        first, *others = (scene.scene for scene in scenes)
        assert [params.seed - first.seed for params in others] == [3000, 4000]
        assert {replace(params, seed=0) for params in others} == {replace(first, seed=0)}
    seeds = [scene.scene.seed for scene in STRESS_SCENES if scene.kind != 'misses']
    assert len(set(seeds)) == len(seeds)


def test_names_are_those_of_folders_and_differ() -> None:
    names = [scene.name for scene in STRESS_SCENES]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
