import math
from types import SimpleNamespace

import numpy as np
import pytest

from person_mtl_ros.detections import (
    detection_fault,
    detections_from_message,
    xyxy_from_bounding_box,
)


def box(x=50.0, y=40.0, width=20.0, height=30.0, theta=0.0):
    center = SimpleNamespace(position=SimpleNamespace(x=x, y=y), theta=theta)
    return SimpleNamespace(center=center, size_x=width, size_y=height)


def detection(bbox, *hypotheses, identity=''):
    results = [
        SimpleNamespace(hypothesis=SimpleNamespace(class_id=class_id, score=score))
        for class_id, score in hypotheses
    ]
    return SimpleNamespace(bbox=bbox, results=results, id=identity)


def people(*detections):
    return detections_from_message(SimpleNamespace(detections=detections), ['person', '0'], 96, 64)


def test_corners_follow_from_centre_and_size():
    np.testing.assert_array_equal(xyxy_from_bounding_box(box()), [40, 25, 60, 55])


def test_rotated_box_is_enclosed():
    np.testing.assert_allclose(
        xyxy_from_bounding_box(box(theta=math.pi / 2)), [35, 30, 65, 50], rtol=1e-6
    )


@pytest.mark.parametrize(
    ('message', 'fault'),
    [
        (box(), ''),
        (box(x=-5.0), ''),  # half of it is inside
        (box(x=math.nan), 'box not finite'),
        (box(height=math.inf), 'box not finite'),
        (box(theta=math.nan), 'box not finite'),
        (box(width=-1.0), 'box inverted'),
        (box(height=0.0), 'box without area'),
        (box(width=0.5), 'box without area'),
        (box(x=1e7), 'box out of image'),
        (box(x=-10.0), 'box out of image'),
        (box(y=79.0), 'box out of image'),
    ],
)
def test_faults_of_boxes_are_named(message, fault):
    assert detection_fault(message, 96, 64) == fault


def test_best_person_hypothesis_gives_the_score():
    found, faults = people(
        detection(box(), ('car', 0.9), ('person', 0.3), ('0', 0.4), identity='a'),
        detection(box(), ('car', 0.9)),
        detection(box(), ('person', 1.5)),
        detection(box(width=0.0), ('person', 0.5)),
        detection(box()),
    )
    assert [(d.score, d.detection_id, d.index) for d in found] == [(0.4, 'a', 0), (1.0, '', 4)]
    assert faults == ['class is not a person', 'score not in [0, 1]', 'box without area']


def test_empty_message_is_nobody():
    assert people() == ([], [])
