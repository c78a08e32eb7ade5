import configparser
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.synthetic.detections import DetectorParams, SimulatedDetector
from training.synthetic.mot_folder import SceneFrame, write_mot_folder
from training.synthetic.scene import Scene, SceneParams

PARAMS = SceneParams(seed=3, people=8, seconds=20.0, fps=10, size_hw=(180, 320))


@pytest.fixture(scope='module')
def scene() -> Scene:
    return Scene(PARAMS)


@pytest.fixture(scope='module')
def frames(scene: Scene) -> list[SceneFrame]:
    return [scene.frame(index) for index in range(0, len(scene.times), 10)]


def _in_view(scene: Scene) -> np.ndarray:
    """Tell at which times the feet of each person are between the sides of the picture."""
    width = scene.params.size_hw[1]
    result = []
    for walker in scene.walkers:
        points = np.column_stack([walker.positions, np.ones(len(scene.times))])
        x = scene.camera(0).project(points)[:, 0]
        result.append((x > 0) & (x < width))
    return np.array(result)


def test_frame_is_the_same_on_a_second_run(scene: Scene) -> None:
    again = Scene(PARAMS).frame(57)
    first = scene.frame(57)
    np.testing.assert_array_equal(first.image_rgb, again.image_rgb)
    np.testing.assert_array_equal(first.boxes_xyxy, again.boxes_xyxy)
    np.testing.assert_array_equal(first.keypoints, again.keypoints)


def test_people_leave_for_more_than_a_second_and_return(scene: Scene) -> None:
    returned = 0
    for seen in _in_view(scene):
        changes = np.flatnonzero(np.diff(seen.astype(int)))
        leaves = [index for index in changes if seen[index]]
        comes = [index for index in changes if not seen[index]]
        returned += any(come - leave > 10 for leave in leaves for come in comes if come > leave)
    assert returned >= 3


def test_people_do_not_walk_through_each_other(scene: Scene) -> None:
    for index, walker in enumerate(scene.walkers):
        for other in scene.walkers[:index]:
            distance = np.hypot(*(walker.positions - other.positions).T)
            assert distance.min() > 0.3


def test_steps_are_those_of_walking_people(scene: Scene) -> None:
    for walker in scene.walkers:
        speed = np.hypot(*np.diff(walker.positions, axis=0).T) * PARAMS.fps
        assert speed.max() < 2.2


def test_boxes_are_in_the_image_and_hold_the_joints(frames: list[SceneFrame]) -> None:
    height, width = PARAMS.size_hw
    for frame in frames:
        assert (frame.boxes_xyxy >= 0).all()
        assert (frame.boxes_xyxy <= [width, height, width, height]).all()
        for box, joints in zip(frame.boxes_xyxy, frame.keypoints, strict=True):
            inside = joints[joints[:, 2] >= 0, :2]
            assert (inside >= box[:2] - 1).all()
            assert (inside <= box[2:] + 1).all()


def test_people_hide_and_show_each_other(frames: list[SceneFrame]) -> None:
    visible = np.concatenate([frame.visible for frame in frames])
    assert visible.min() >= 0
    assert visible.max() <= 1
    assert (visible > 0.9).mean() > 0.4
    assert (visible < 0.5).any()


def test_moving_camera_moves() -> None:
    moving = Scene(SceneParams(seed=3, people=1, seconds=4.0, is_moving=True))
    first, last = moving.camera(0), moving.camera(39)
    assert np.linalg.norm(first.position - last.position) > 0.1
    assert not np.allclose(first.rotation, last.rotation, atol=1e-3)


def test_written_folder_reads_as_mot(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / 'square'
    frames = [scene.frame(index) for index in range(3)]
    detector = SimulatedDetector(DetectorParams(), np.random.default_rng(0))
    write_mot_folder(folder, frames, PARAMS.fps, np.zeros((8, 12), np.uint8), detector)

    info = configparser.ConfigParser()
    info.read(folder / 'seqinfo.ini')
    assert info['Sequence']['name'] == 'square'
    assert info['Sequence']['seqLength'] == '3'
    truth = np.loadtxt(folder / 'gt' / 'gt.txt', delimiter=',')
    assert truth.shape[1] == 9
    assert set(truth[:, 0]) == {1, 2, 3}
    assert len(truth) == sum(len(frame.ids) for frame in frames)
    found = np.loadtxt(folder / 'det' / 'det.txt', delimiter=',', ndmin=2)
    assert found.shape[1] == 10
    video = cv2.VideoCapture(str(folder / 'square.mp4'))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 3
    is_read, picture = video.read()
    assert is_read
    # Compression changes little.
    difference = np.abs(picture[..., ::-1].astype(int) - frames[0].image_rgb)
    assert difference.mean() < 12
