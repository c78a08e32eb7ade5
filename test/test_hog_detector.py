import cv2
import numpy as np
import pytest

from person_mtl_ros.evaluation.mot_files import read_mot_file, table_from_rows
from person_mtl_ros.evaluation.reentry import match_frames
from person_mtl_ros.hog_detector import HogDetector, HogDetectorParams
from person_mtl_ros.video import VideoSource


def rows_of(frame, detections):
    rows = []
    for detection in detections:
        x0, y0, x1, y1 = detection.box_xyxy.tolist()
        rows.append((frame, detection.index, x0, y0, x1 - x0, y1 - y0, detection.score, -1))
    return rows


@pytest.mark.parametrize(
    ('video', 'picked', 'least_share'),
    [
        ('TUD-Campus/TUD-Campus.mp4', (10, 40, 70), 0.25),
        ('PETS09-S2L1/PETS09-S2L1.avi', (100, 400), 0.4),
    ],
)
def test_people_of_real_frames_are_found(shared_data, video, picked, least_share):
    """A fair share of the people has a box with an IoU of 0.5 or more."""
    path = shared_data / 'mot15' / video
    ground_truth = read_mot_file(path.parent / 'gt/gt.txt', unique_ids=True).counted
    detector = HogDetector()
    rows = []
    for index, _, image in VideoSource(path):
        if index in picked:
            detections = detector.detect(image)
            scores = [detection.score for detection in detections]
            assert scores == sorted(scores, reverse=True)
            assert [detection.index for detection in detections] == list(range(len(scores)))
            assert all(0.5 <= score <= 1 for score in scores)
            rows += rows_of(index, detections)
            height, width = image.shape[:2]
        if index == max(picked):
            break
    people = ground_truth.where(np.isin(ground_truth.frames, picked))
    found = table_from_rows(rows)
    matched = len(match_frames(people, found))
    assert matched >= least_share * len(people)
    corners = np.hstack(
        [found.boxes_xywh[:, :2], found.boxes_xywh[:, :2] + found.boxes_xywh[:, 2:]]
    )
    assert (corners >= 0).all()
    assert (corners <= [width, height, width, height]).all()


def test_empty_and_tiny_images_have_nobody():
    detector = HogDetector()
    assert detector.detect(np.full((240, 320, 3), 128, np.uint8)) == []
    assert detector.detect(np.zeros((480, 10, 3), np.uint8)) == []  # narrower than the window


def test_flat_images_are_not_blown_up(monkeypatch):
    sizes = []
    resize = cv2.resize
    monkeypatch.setattr(
        cv2, 'resize', lambda image, size: sizes.append(size) or resize(image, size)
    )
    detector = HogDetector(HogDetectorParams(working_height_px=256))
    detector.detect(np.zeros((80, 1000, 3), np.uint8))
    assert sizes == [(2048, 164)]
    assert detector.detect(np.zeros((2, 640, 3), np.uint8)) == []  # flatter than the window
    assert len(sizes) == 1


def test_higher_min_score_keeps_the_better_ones(shared_data):
    _, _, image = next(iter(VideoSource(shared_data / 'mot15/PETS09-S2L1/PETS09-S2L1.avi')))
    everybody = HogDetector(HogDetectorParams(min_hits=0)).detect(image)
    sure = HogDetector(HogDetectorParams(min_hits=0, min_score=0.9)).detect(image)
    assert 0 < len(sure) < len(everybody)
    assert min(detection.score for detection in sure) >= 0.9


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'working_height_px': 64}, 'working_height_px is 64; expected 128 <= x <= 4320 px'),
        ({'min_score': 1.0}, 'min_score is 1.0'),
        ({'scale_step': 1.0}, 'scale_step is 1.0'),
        ({'stride_px': 12}, 'multiple of 8'),
        ({'min_score': float('nan')}, 'min_score is nan'),
    ],
)
def test_parameters_out_of_bounds_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        HogDetectorParams(**change)
