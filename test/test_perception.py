import threading
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from person_mtl_ros.backends import DeviceError
from person_mtl_ros.camera_geometry import PinholeCamera
from person_mtl_ros.camera_motion import CameraMotionEstimator, CameraMotionParams
from person_mtl_ros.odometry import CameraOdometry
from person_mtl_ros.perception import Perception
from person_mtl_ros.refresh import RefreshParams
from person_mtl_ros.structures import Detection, PersonEstimate

DEADLINE_SEC = 20.0
NOISE = np.random.default_rng(0).integers(0, 256, (240, 440, 3), dtype=np.uint8)
PLACE = cv2.normalize(cv2.GaussianBlur(NOISE, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
DARK = np.zeros((240, 320, 3), np.uint8)


class FakePredictor:
    """Notes whom it looks at."""

    prefetches = False

    def __init__(self):
        self.asked = []
        self.last_timings = {'forward': 0.002}
        self.fails = False

    def predict(self, image_bgr, detections, meanwhile=lambda: None):
        meanwhile()
        self.asked.append([d.index for d in detections])
        if self.fails:
            raise DeviceError('lost')
        return [PersonEstimate(d, np.array([1, 0], np.float32)) for d in detections]


def _people(count):
    return [
        Detection(np.array([60 * i, 50, 60 * i + 40, 150], np.float32), index=i)
        for i in range(count)
    ]


def _image(x=0):
    return np.ascontiguousarray(PLACE[:, x : x + 320])


def _perception(predictor, limit=0, camera_motion=True):
    refresh = RefreshParams(max_persons_per_frame=limit)
    return Perception(predictor, refresh, CameraMotionParams(camera_motion))


def test_those_not_chosen_come_with_their_detection_alone_and_in_their_place():
    predictor = FakePredictor()
    perception, people = _perception(predictor, limit=2), _people(5)
    for step in range(6):
        look = perception.look(1 + step / 10, _image(), people)
        assert [p.detection for p in look.persons] == people
        evaluated = [p.detection.index for p in look.persons if p.is_evaluated]
        assert evaluated == predictor.asked[-1] and len(evaluated) == 2
        assert [p.embedding.size for p in look.persons if not p.is_evaluated] == [0] * 3
    assert {index for asked in predictor.asked for index in asked} == set(range(5))


def test_the_camera_is_watched_while_the_network_works(monkeypatch):
    has_begun, may_end = threading.Event(), threading.Event()
    estimate = CameraMotionEstimator.estimate

    def slow_estimate(self, *arguments):
        has_begun.set()
        assert may_end.wait(DEADLINE_SEC)
        return estimate(self, *arguments)

    class Predictor(FakePredictor):
        def predict(self, image_bgr, detections, meanwhile=None):
            meanwhile()
            assert has_begun.wait(DEADLINE_SEC)
            may_end.set()
            return super().predict(image_bgr, detections)

    monkeypatch.setattr(CameraMotionEstimator, 'estimate', slow_estimate)
    assert len(_perception(Predictor()).look(1.0, _image(), _people(2)).persons) == 2


def test_motion_is_that_since_the_image_before():
    perception = _perception(FakePredictor())
    assert perception.look(1.0, _image(0), []).camera_motion is None
    motion = perception.look(1.1, _image(10), []).camera_motion
    np.testing.assert_allclose(motion, [[1, 0, -10], [0, 1, 0]], atol=0.2)


def test_motion_up_to_an_image_that_failed_is_not_told_later():
    predictor = FakePredictor()
    perception = _perception(predictor)
    perception.look(1.0, _image(0), _people(1))
    predictor.fails = True
    with pytest.raises(DeviceError):
        perception.look(1.1, _image(10), _people(1))
    predictor.fails = False
    assert perception.look(1.2, _image(20), _people(1)).camera_motion is None
    assert perception.look(1.3, _image(30), _people(1)).camera_motion is not None


def test_an_estimate_of_motion_that_fails_is_not_made_up_for_later(monkeypatch):
    perception = _perception(FakePredictor())
    perception.look(1.0, _image(0), _people(1))
    with monkeypatch.context() as patch:
        patch.setattr(cv2, 'calcOpticalFlowPyrLK', Mock(side_effect=cv2.error('broken')))
        with pytest.raises(cv2.error):
            perception.look(1.1, _image(10), _people(1))
    assert perception.look(1.2, _image(20), _people(1)).camera_motion is None
    assert perception.look(1.3, _image(30), _people(1)).camera_motion is not None


def test_motion_can_be_switched_off_and_on_again():
    perception = _perception(FakePredictor(), camera_motion=False)
    for begin, is_on in ((1.0, False), (2.0, True)):
        perception.use(RefreshParams(), CameraMotionParams(is_on))
        motions = [perception.look(begin + i, _image(i), []).camera_motion for i in range(2)]
        assert [motion is not None for motion in motions] == [False, is_on]
    perception.use(RefreshParams(), CameraMotionParams(False))
    perception.look(4.0, _image(0), [])
    perception.use(RefreshParams(), CameraMotionParams(True))
    assert perception.look(5.0, _image(0), []).camera_motion is None


def test_the_time_of_images_fills_the_budget():
    predictor = FakePredictor()
    perception = Perception(predictor, RefreshParams(time_budget_ms=50.0))
    for step in range(30):
        perception.look(1 + step / 10, _image(), _people(8))
        perception.took(0.010 + 0.010 * len(predictor.asked[-1]))
    assert len(predictor.asked[0]) == 1
    assert np.median([len(asked) for asked in predictor.asked[15:]]) == 4


def test_every_stage_has_a_time():
    perception = _perception(FakePredictor())
    perception.look(1.0, _image(), _people(1))
    assert perception.last_timings.keys() == {'schedule', 'forward', 'camera motion'}


def _turning_robot(speed, until=3.0):
    """Odometry of a robot that turns to the left, with a camera that looks ahead."""
    odometry = CameraOdometry()
    odometry.set_camera(PinholeCamera((300.0, 300.0), (160.0, 120.0), (320.0, 240.0)))
    for stamp in np.arange(0.9, until, 0.02):
        half = speed * stamp / 2
        odometry.add(float(stamp), (0.0, 0.0, float(np.sin(half)), float(np.cos(half))))
    return odometry


def _with_odometry(odometry, predictor=None):
    return Perception(predictor or FakePredictor(), odometry=odometry)


def _shift_in_the_middle(motion):
    return motion @ (160, 120, 1) - (160, 120)


def test_odometry_stands_in_where_the_image_tells_nothing():
    perception, dark = _with_odometry(_turning_robot(1.0)), DARK
    assert perception.look(1.0, dark, []).camera_motion is None
    for step in range(1, 5):
        _, motion, odometry = perception.look(1 + step / 10, dark, [])
        assert odometry == 'used alone'
        np.testing.assert_allclose(_shift_in_the_middle(motion), [300 * np.tan(0.1), 0], atol=5)


def test_the_image_has_the_last_word_on_the_motion():
    perception = _with_odometry(_turning_robot(-0.3))
    perception.look(1.0, _image(0), [])
    _, motion, odometry = perception.look(1.1, _image(14), [])  # 14, not 9: it travels as well
    assert odometry == 'used with the image'
    np.testing.assert_allclose(_shift_in_the_middle(motion), [-14, 0], atol=0.5)


def test_odometry_that_the_image_contradicts_is_told():
    perception = _with_odometry(_turning_robot(1.0))
    perception.look(1.0, _image(0), [])
    _, motion, odometry = perception.look(1.1, _image(14), [])
    assert odometry == 'refused: contradicts the image'
    np.testing.assert_allclose(_shift_in_the_middle(motion), [-14, 0], atol=0.5)


def test_what_odometry_cannot_tell_is_said_and_the_image_goes_on():
    perception = _with_odometry(_turning_robot(-0.3, until=1.3))
    for step, expected in enumerate(
        ['', 'used with', 'used with', *2 * ['refused: odometry too']]
    ):
        _, motion, odometry = perception.look(1 + 0.15 * step, _image(14 * step), [])
        assert odometry.startswith(expected) and bool(odometry) == bool(expected)
        assert (motion is None) == (step == 0)


def test_a_turn_that_leaves_nothing_in_view_is_no_motion():
    perception = _with_odometry(_turning_robot(5.0))
    perception.look(1.0, DARK, [])
    look = perception.look(1.3, DARK, [])
    assert look.camera_motion is None and look.odometry == 'refused: turned too far'


def test_odometry_does_not_bridge_what_the_images_cannot():
    predictor = FakePredictor()
    perception, dark = _with_odometry(_turning_robot(1.0), predictor), DARK
    perception.look(1.0, dark, [])
    assert perception.look(1.1, dark[::2, ::2], []).camera_motion is None  # another resolution
    perception.look(1.2, dark, [])
    predictor.fails = True
    with pytest.raises(DeviceError):
        perception.look(1.3, dark, [])
    predictor.fails = False
    assert perception.look(1.4, dark, []).camera_motion is None
    assert perception.look(1.5, dark, []).camera_motion is not None
