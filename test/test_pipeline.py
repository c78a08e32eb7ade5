import cv2
import numpy as np

from person_mtl_ros.camera_geometry import PinholeCamera
from person_mtl_ros.camera_motion import CameraMotionParams
from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.odometry import CameraOdometry
from person_mtl_ros.perception import Perception
from person_mtl_ros.pipeline import reported, track_frames
from person_mtl_ros.structures import Detection, ModelInfo, PersonEstimate, TrackState
from person_mtl_ros.tracking.reid_tracker import ReidTracker

IMAGE = np.zeros((240, 320, 3), np.uint8)


class FakePredictor:
    """Gives everybody the same look and remembers the images it saw."""

    info = ModelInfo('fake')

    def __init__(self, prefetches=False):
        self.seen = []
        self.prefetches = prefetches
        self.coming = []
        self.last_timings = {'forward': 0.002}

    def prefetch(self, image_bgr):
        self.coming.append(image_bgr)

    def predict(self, image_bgr, detections, meanwhile=lambda: None):
        meanwhile()
        assert not self.prefetches or any(image is image_bgr for image in self.coming)
        self.seen.append(image_bgr)
        return [PersonEstimate(d, np.array([1, 0], np.float32)) for d in detections]


def _frames(count, image=IMAGE, missing=()):
    for index in range(1, count + 1):
        box_xyxy = np.array([100, 50, 140, 170], np.float32)
        found = () if index in missing else (Detection(box_xyxy, 0.9),)
        yield Frame(index, index / 10, image, found)


def test_every_frame_comes_out_in_order_empty_ones_too():
    out = list(
        track_frames(
            _frames(6, missing=(1, 4)), Perception(FakePredictor()), ReidTracker(), None, Latency()
        )
    )
    assert [item.frame.index for item in out] == [1, 2, 3, 4, 5, 6]
    assert out[0].tracks == []
    assert not out[3].tracks[0].is_matched


def test_the_network_sees_every_image_and_its_looks_reach_the_tracks():
    predictor = FakePredictor()
    out = list(
        track_frames(_frames(4), Perception(predictor), ReidTracker(), (320, 240), Latency())
    )
    assert len(predictor.seen) == 4
    assert list(out[-1].tracks[0].estimate.embedding) == [1, 0]


def test_without_images_people_are_tracked_by_motion_alone():
    predictor = FakePredictor()
    frames = _frames(4, image=None)
    out = list(track_frames(frames, Perception(predictor), ReidTracker(), (320, 240), Latency()))
    assert predictor.seen == []
    assert len({t.track_id for item in out for t in item.tracks}) == 1
    assert out[-1].tracks[0].estimate.embedding.size == 0


def test_the_tracker_is_told_how_the_camera_moves():
    noise = np.random.default_rng(0).integers(0, 256, (240, 440, 3), dtype=np.uint8)
    place = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
    box_xyxy = np.array([150, 50, 190, 170], np.float32)

    def frames():
        for index in range(1, 7):
            found = (Detection(box_xyxy, 0.9),) if index < 6 else ()
            x = 0 if index < 6 else 30
            image = np.ascontiguousarray(place[:, x : x + 320])
            yield Frame(index, index / 10, image, found)

    for is_estimated, shift in ((True, -30), (False, 0)):
        perception = Perception(FakePredictor(), camera=CameraMotionParams(is_estimated))
        out = list(track_frames(frames(), perception, ReidTracker(), None, Latency()))
        (person,) = out[-1].tracks
        assert not person.is_matched
        np.testing.assert_allclose(person.box_xyxy[0], 150 + shift, atol=1)


FOCAL = 300.0
PEOPLE_YAW = np.linspace(-0.4, 0.4, 5)  # where five people stand around the robot, to the left


def _yaw(stamp):
    """A robot that stands, then turns to and fro, 2 radians per second at most."""
    return 0.0 if stamp < 1.5 else 0.5 * np.sin(4.0 * (stamp - 1.5))


def _dark_frames():
    for index in range(10, 60):
        angles = PEOPLE_YAW - _yaw(index / 10)
        x = 160 - FOCAL * np.tan(angles)
        boxes = np.column_stack([x - 15, 0 * x + 80, x + 15, 0 * x + 170]).astype(np.float32)
        found = tuple(
            Detection(box_xyxy, 0.9, detection_id=str(number))
            for number, box_xyxy in enumerate(boxes)
            if box_xyxy[0] > 0 and box_xyxy[2] < 320
        )
        yield Frame(index, index / 10, IMAGE, found)


def _odometry():
    odometry = CameraOdometry()
    odometry.set_camera(PinholeCamera((FOCAL, FOCAL), (160.0, 120.0), (320.0, 240.0)))
    for stamp in np.arange(0.9, 6.0, 0.02):
        half = _yaw(stamp) / 2
        odometry.add(float(stamp), (0.0, 0.0, float(np.sin(half)), float(np.cos(half))))
    return odometry


def _switches_in_the_dark(odometry):
    """How often somebody's id is not the one of the image before."""
    perception = Perception(FakePredictor(), odometry=odometry)
    tracked = track_frames(_dark_frames(), perception, ReidTracker(), (320, 240), Latency())
    id_of, switches = {}, 0
    for item in tracked:
        for track in reported(item.tracks):
            who = track.estimate.detection.detection_id
            switches += id_of.get(who, track.track_id) != track.track_id
            id_of[who] = track.track_id
    assert len(id_of) == len(PEOPLE_YAW)
    return switches


def test_odometry_holds_ids_through_fast_turns_in_the_dark():
    assert _switches_in_the_dark(_odometry()) == 0
    assert _switches_in_the_dark(None) > 5


def test_frames_are_taken_one_at_a_time():
    frames = _frames(5)
    tracked = track_frames(frames, Perception(FakePredictor()), ReidTracker(), None, Latency())
    next(tracked)
    assert next(frames).index == 2


def test_the_next_image_comes_to_a_gpu_while_it_works_on_one():
    images = [np.zeros((4, 4, 3), np.uint8), None, *np.zeros((3, 4, 4, 3), np.uint8)]
    frames = [Frame(i, i / 10, image, ()) for i, image in enumerate(images)]
    predictor = FakePredictor(prefetches=True)
    tracked = track_frames(frames, Perception(predictor), ReidTracker(), None, Latency())
    assert [next(tracked).frame.index for _ in range(3)] == [0, 1, 2]
    assert len(predictor.seen) == 2
    assert len(predictor.coming) == 3
    assert [item.frame.index for item in tracked] == [3, 4]
    assert [id(image) for image in predictor.seen] == [id(image) for image in predictor.coming]


def test_stages_are_timed():
    latency = Latency()
    list(track_frames(_frames(3), Perception(FakePredictor()), ReidTracker(), None, latency))
    summary = latency.summary()
    assert summary['forward'] == {
        'count': 3,
        'p50_sec': 0.002,
        'p95_sec': 0.002,
        'p99_sec': 0.002,
    }
    assert summary['track']['count'] == 3


def test_only_people_confirmed_and_seen_now_are_reported():
    frames = _frames(8, missing=(7,))
    out = list(track_frames(frames, Perception(FakePredictor()), ReidTracker(), None, Latency()))
    counts = [len(reported(item.tracks)) for item in out]
    assert out[0].tracks[0].state == TrackState.TENTATIVE
    assert counts[0] == 0 and counts[5] == 1 and counts[6] == 0 and counts[7] == 1
