import numpy as np
import pytest
from people import ids, person

from person_mtl_ros.tracking.iou import iou
from person_mtl_ros.tracking.iou_tracker import IouTracker


def test_iou_of_shifted_squares_is_one_third() -> None:
    boxes = np.array([[0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 6.0, 6.0]])
    overlap = iou(boxes, np.array([[1.0, 0.0, 3.0, 2.0]]))
    np.testing.assert_allclose(overlap, [[1 / 3], [0.0]])
    assert iou(np.zeros((0, 4)), boxes).shape == (0, 2)


def test_overlapping_boxes_keep_the_id_and_a_jump_ends_it() -> None:
    tracker = IouTracker()
    results = [tracker.step(0.1 * i, [person(x)]) for i, x in enumerate((100, 105, 110, 300))]
    assert [ids(result) for result in results] == [[1], [1], [1], [2]]
    assert results[2][0].age_sec == pytest.approx(0.2)


def test_a_track_ends_when_missed_for_too_long() -> None:
    tracker = IouTracker(max_missed_sec=0.25)
    images = [[person(100)], [], [person(100)], [], [], [], [person(100)]]
    results = [tracker.step(0.1 * i, image) for i, image in enumerate(images)]
    assert [ids(result) for result in results] == [[1], [], [1], [], [], [], [2]]
