import numpy as np
import pytest

pytest.importorskip('rclpy')

from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from person_mtl_ros.nodes.markers import MarkerParams, markers_from_tracks
from person_mtl_ros.structures import (
    Detection,
    ModelInfo,
    PersonEstimate,
    TrackedPerson,
    TrackState,
)

INFO = ModelInfo(
    'm', keypoint_names=('head', 'left_hand', 'right_hand'), keypoint_edges=((0, 1), (0, 2))
)
PARAMS = MarkerParams()
HEADER = Header(frame_id='camera_optical_frame')


def _track(state=TrackState.CONFIRMED, is_matched=True, track_id=7):
    box_xyxy = np.array([100, 50, 140, 150], np.float32)
    keypoints = np.array([[120, 60, 0.9], [105, 100, 0.9], [135, 100, 0.1]], np.float32)
    estimate = PersonEstimate(Detection(box_xyxy), keypoints=keypoints)
    return TrackedPerson(
        track_id, state, is_matched, box_xyxy, np.zeros(2, np.float32), 1.0, 0.0, {}, estimate
    )


def _markers(*tracks, info=INFO, params=PARAMS):
    return markers_from_tracks(HEADER, tracks, info, params, min_keypoint_score=0.3).markers


def _points(marker):
    return [(point.x, point.y, point.z) for point in marker.points]


def test_markers_of_the_image_before_are_deleted_first():
    markers = _markers(_track())
    assert markers[0].action == Marker.DELETEALL
    assert {marker.action for marker in markers[1:]} == {Marker.ADD}


def test_nobody_means_only_deleting():
    assert [marker.action for marker in _markers()] == [Marker.DELETEALL]


def test_box_is_a_closed_line_in_metres():
    box = next(m for m in _markers(_track()) if m.ns == 'box')
    assert box.type == Marker.LINE_STRIP
    expected = [(1.0, 0.5, 0), (1.4, 0.5, 0), (1.4, 1.5, 0), (1.0, 1.5, 0), (1.0, 0.5, 0)]
    assert np.allclose(_points(box), expected)


def test_limbs_with_an_unsure_end_are_left_out():
    skeleton = next(m for m in _markers(_track()) if m.ns == 'skeleton')
    assert skeleton.type == Marker.LINE_LIST
    assert np.allclose(_points(skeleton), [(1.2, 0.6, 0), (1.05, 1.0, 0)])
    assert len(skeleton.colors) == len(skeleton.points)


def test_everything_grows_with_the_size_of_a_pixel():
    small, large = (
        _markers(_track(), params=MarkerParams(meters_per_pixel=size)) for size in (0.01, 0.1)
    )
    for a, b in zip(small[1:], large[1:], strict=True):
        assert np.allclose(10 * np.array(_points(a)), _points(b))
        assert 10 * a.pose.position.y == pytest.approx(b.pose.position.y)
        assert 10 * a.scale.x == pytest.approx(b.scale.x)
        assert 10 * a.scale.z == pytest.approx(b.scale.z)


def test_person_who_is_not_seen_is_faded_and_has_no_skeleton():
    markers = _markers(_track(TrackState.OCCLUDED, is_matched=False))[1:]
    assert {marker.ns for marker in markers} == {'box', 'id'}
    assert all(0 < marker.color.a < 0.5 for marker in markers)


def test_lost_person_is_left_out():
    assert len(_markers(_track(TrackState.LOST, is_matched=False))) == 1


@pytest.mark.parametrize(
    ('state', 'text'), [(TrackState.CONFIRMED, '#7'), (TrackState.TENTATIVE, '#7 tentative')]
)
def test_text_says_id_and_unusual_state(state, text):
    label = next(m for m in _markers(_track(state)) if m.ns == 'id')
    assert label.type == Marker.TEXT_VIEW_FACING
    assert label.text == text
    assert label.pose.position.y < 0.5  # above the box: y points down
    assert label.pose.position.x == pytest.approx(1.2)


def test_every_marker_is_valid_for_rviz():
    for marker in _markers(_track(), _track(track_id=2**40 + 3))[1:]:
        assert marker.header == HEADER
        assert marker.pose.orientation.w == 1.0
        assert marker.lifetime.sec == 1
        thickness = marker.scale.z if marker.type == Marker.TEXT_VIEW_FACING else marker.scale.x
        assert thickness > 0


def test_markers_of_two_people_do_not_replace_each_other():
    markers = _markers(_track(track_id=1), _track(track_id=2))[1:]
    assert len({(marker.ns, marker.id) for marker in markers}) == len(markers) == 6


def test_skeleton_without_edges_is_not_published():
    assert 'skeleton' not in {marker.ns for marker in _markers(_track(), info=ModelInfo('m'))}
