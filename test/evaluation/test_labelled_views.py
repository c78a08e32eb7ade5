import json

import cv2
import numpy as np
import pytest
from generated_sequences import table

from person_mtl_ros.evaluation.calibration import CalibrationError
from person_mtl_ros.evaluation.labelled_views import crop_views, recorded_views
from person_mtl_ros.evaluation.mot_files import NO_CLASS
from person_mtl_ros.evaluation.sequence import Frame

IMAGE = np.zeros((200, 300, 3), np.uint8)


def _market(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / f'{name}.jpg'), np.full((128, 64, 3), 90, np.uint8))
    return folder


def test_names_of_market_say_who_where_and_when(tmp_path) -> None:
    folder = _market(tmp_path, '0002_c1s1_000451_03', '0007_c3s2_000050_00', '-1_c1s1_000001_00')
    views = list(crop_views(folder))
    assert [view.identities for view in views] == [(2,), (7,)]
    assert views[0].scene != views[1].scene
    assert views[1].moment_sec == pytest.approx(2.0)
    assert views[0].boxes_xyxy is None and views[0].image_bgr.shape == (128, 64, 3)


def test_of_a_whole_data_set_the_people_of_training_are_left_out(tmp_path) -> None:
    _market(tmp_path / 'bounding_box_train', '0001_c1s1_000001_00')
    _market(tmp_path / 'query', '0003_c1s1_000001_00')
    _market(tmp_path / 'bounding_box_test', '0003_c2s1_000001_00', '0000_c2s1_000001_00')
    assert [view.identities for view in crop_views(tmp_path)] == [(3,), (3,)]


def test_of_many_crops_whole_people_are_left_out(tmp_path) -> None:
    names = [f'{person:04}_c1s1_{view:06}_00' for person in range(1, 7) for view in range(4)]
    views = list(crop_views(_market(tmp_path, *names), most=12))
    assert [view.identities[0] for view in views] == [1] * 4 + [3] * 4 + [5] * 4


def test_rendered_crops_are_read_as_bgr(tmp_path) -> None:
    layout = [('image_rgb', 'u1', (8, 4, 3)), ('identity', '<i4'), ('camera', '<i4')]
    records = np.zeros(3, layout)
    records['image_rgb'][..., 0] = 200
    records['identity'], records['camera'] = [4, 4, 5], [1, 2, 1]
    np.save(tmp_path / 'crops-00000.npy', records)
    (tmp_path / 'index.json').write_text(json.dumps({}))
    views = list(crop_views(tmp_path))
    assert [(view.identities, view.scene) for view in views] == [((4,), 1), ((4,), 2), ((5,), 1)]
    assert views[0].image_bgr[0, 0].tolist() == [0, 0, 200]
    assert np.diff([view.moment_sec for view in views]).min() >= 1.0


@pytest.mark.parametrize('content', [None, b'not an array'])
def test_a_broken_rendered_set_is_one_error(tmp_path, content) -> None:
    (tmp_path / 'index.json').write_text('{}')
    if content:
        (tmp_path / 'crops-00000.npy').write_bytes(content)
    with pytest.raises(CalibrationError, match=str(tmp_path)):
        list(crop_views(tmp_path))


def test_an_unreadable_crop_is_named(tmp_path) -> None:
    (tmp_path / '0002_c1s1_000451_03.jpg').write_bytes(b'no picture')
    with pytest.raises(CalibrationError, match=r'0002_c1s1_000451_03\.jpg'):
        list(crop_views(tmp_path))


def test_a_folder_without_people_says_what_was_expected(tmp_path) -> None:
    with pytest.raises(CalibrationError, match='Market-1501'):
        list(crop_views(tmp_path))


def _row(frame, identity, left, top=50.0, height=100.0, flag=1.0):
    return (frame, identity, left, top, 0.4 * height, height, flag, NO_CLASS)


def test_of_a_recording_those_are_taken_who_are_seen_well() -> None:
    rows = [
        _row(1, 1, 20),
        _row(1, 2, 25, top=40),  # behind 1
        _row(1, 3, 285),  # most of it outside
        _row(1, 4, 150, height=20),
        _row(1, 5, 200, flag=0.0),
        _row(1, 6, 100),
    ]
    (view,) = recorded_views([Frame(1, 0.1, IMAGE, ())], table(rows), every_sec=1.0)
    assert view.identities == (1, 6)
    np.testing.assert_allclose(view.boxes_xyxy[1], [100, 50, 140, 150])


def test_frames_are_taken_as_often_as_asked() -> None:
    frames = [Frame(k, k / 10, IMAGE, ()) for k in range(1, 31)]
    rows = [_row(k, 1, 20) for k in range(1, 31)]
    moments = [view.moment_sec for view in recorded_views(frames, table(rows), every_sec=1.0)]
    np.testing.assert_allclose(moments, [0.1, 1.1, 2.1])
