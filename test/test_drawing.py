from dataclasses import replace

import numpy as np
import pytest

from person_mtl_ros.drawing import DrawingParams, draw_tracks
from person_mtl_ros.drawing.attribute_text import attribute_phrases, wrap_phrases
from person_mtl_ros.drawing.body import draw_parts
from person_mtl_ros.drawing.colors import LEFT_SIDE, RIGHT_SIDE, WHITE, person_color, side_color
from person_mtl_ros.drawing.label_layout import LabelLayout
from person_mtl_ros.drawing.labels import attribute_card, id_plate
from person_mtl_ros.structures import (
    AttributeSpec,
    Detection,
    ModelInfo,
    PartMask,
    PersonEstimate,
    TrackedPerson,
    TrackState,
)

INFO = ModelInfo(
    'm',
    attributes=(
        AttributeSpec('gender', ('male', 'female')),
        AttributeSpec('hair', ('short', 'long')),
        AttributeSpec('upper_color', ('red', 'light_blue')),
        AttributeSpec('hand_bag', ('no', 'yes')),
        AttributeSpec('upper_length', ('long', 'short')),
    ),
    keypoint_names=('head', 'left_hand', 'right_hand'),
    keypoint_edges=((0, 1), (0, 2)),
    part_names=('background', 'body'),
    part_colors=((0, 0, 0), (250, 0, 0)),
)
BOX = (100.0, 80.0, 160.0, 200.0)
BARE = DrawingParams(draw_parts=False, draw_skeleton=False, draw_attributes=False)


def _image(width=320, height=240):
    return np.full((height, width, 3), 90, np.uint8)


def _track(box=BOX, track_id=1, state=TrackState.CONFIRMED, is_matched=True, **changes):
    x1, y1, x2, y2 = box
    middle = (x1 + x2) / 2
    keypoints = [(middle, y1 + 20, 0.9), (x1 + 10, y2 - 40, 0.9), (x2 - 10, y2 - 40, 0.9)]
    box_xyxy = np.array(box, np.float32)
    estimate = PersonEstimate(
        Detection(box_xyxy),
        keypoints=np.array(keypoints, np.float32),
        part_mask=PartMask(np.ones((8, 4), np.uint8), box_xyxy),
    )
    attributes = {'gender': np.array([0.1, 0.9], np.float32)}
    track = TrackedPerson(
        track_id,
        state,
        is_matched,
        box_xyxy,
        np.zeros(2, np.float32),
        1.0,
        0.0,
        attributes,
        estimate,
    )
    return replace(track, **changes)


def _changed(image, drawn):
    """Bounding xyxy of all pixels that differ."""
    rows, columns = np.nonzero((image != drawn).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_input_image_is_never_drawn_on():
    image = _image()
    image.setflags(write=False)
    drawn = draw_tracks(image, [_track()], INFO)
    assert drawn.flags.writeable
    assert (image == 90).all()
    assert (drawn != 90).any()


def test_nobody_leaves_the_image_as_it_is():
    assert np.array_equal(draw_tracks(_image(), [], INFO), _image())


def test_drawing_is_the_same_every_time():
    tracks = [_track(track_id=i, box=(20 * i, 50, 20 * i + 60, 200)) for i in range(1, 9)]
    first, second = (draw_tracks(_image(), tracks, INFO) for _ in range(2))
    assert np.array_equal(first, second)


def test_order_of_tracks_does_not_matter():
    tracks = [_track(track_id=i, box=(30 * i, 40, 30 * i + 60, 150 + 7 * i)) for i in range(1, 6)]
    forward = draw_tracks(_image(), tracks, INFO)
    assert np.array_equal(forward, draw_tracks(_image(), tracks[::-1], INFO))


def test_box_is_drawn_in_the_colour_of_the_person_on_its_edge():
    drawn = draw_tracks(_image(), [_track()], INFO, BARE)
    assert np.abs(drawn[140, 100].astype(int) - person_color(1)).max() < 100
    assert (drawn[140, 104:156] == 90).all()


def test_person_who_was_not_seen_has_no_skeleton_parts_or_attributes():
    image = _image()
    predicted = _track(state=TrackState.OCCLUDED, is_matched=False)
    drawn = draw_tracks(image, [predicted], INFO)
    assert (drawn[90:195, 110:150] == 90).all()
    assert np.array_equal(drawn, draw_tracks(image, [predicted], INFO, BARE))


def test_predicted_box_is_drawn_weaker_than_a_seen_one():
    seen, predicted = (
        draw_tracks(_image(), [_track(is_matched=matched)], INFO, BARE)[110:180, 95:105]
        for matched in (True, False)
    )
    strength = [np.abs(drawn.astype(int) - 90).sum() for drawn in (seen, predicted)]
    assert 0 < strength[1] < 0.7 * strength[0]


def test_lost_person_is_drawn_only_when_asked_for():
    lost = [_track(state=TrackState.LOST, is_matched=False)]
    assert np.array_equal(draw_tracks(_image(), lost, INFO), _image())
    assert not np.array_equal(
        draw_tracks(_image(), lost, INFO, DrawingParams(draw_lost=True)), _image()
    )


def test_keypoint_with_low_score_is_left_out():
    track = _track()
    keypoints = track.estimate.keypoints.copy()
    keypoints[1, 2] = DrawingParams().min_keypoint_score - 0.01
    doubtful = replace(track, estimate=replace(track.estimate, keypoints=keypoints))
    params = replace(BARE, draw_skeleton=True)
    sure, unsure = (draw_tracks(_image(), [t], INFO, params) for t in (track, doubtful))
    left_hand, right_hand = np.s_[156:164, 106:114], np.s_[156:164, 146:154]
    assert (sure[left_hand] != 90).any()
    assert (unsure[left_hand] == 90).all()
    assert np.array_equal(sure[right_hand], unsure[right_hand])


def test_limbs_are_coloured_by_side():
    assert side_color('neck', 'left_shoulder') == LEFT_SIDE
    assert side_color('RightElbow', 'RightWrist') == RIGHT_SIDE
    assert side_color('left_hip', 'right_hip') == side_color('neck', 'head')
    drawn = draw_tracks(_image(), [_track()], INFO, replace(BARE, draw_skeleton=True))
    left, right = drawn[120:150, 105:128], drawn[120:150, 132:155]
    assert left.argmax(axis=2)[(left != 90).any(axis=2)].max() == 0  # blue
    assert right.argmax(axis=2)[(right != 90).any(axis=2)].min() == 2  # red


def test_part_pixels_are_a_blend_of_image_and_part_colour():
    canvas = _image()
    mask = PartMask(np.array([[0, 1]], np.uint8), np.array([100, 80, 160, 200], np.float32))
    draw_parts(canvas, mask, INFO, WHITE, opacity=0.5)
    assert (canvas[100:180, 101:128] == 90).all()
    assert (canvas[100:180, 132:158] == [45, 45, 170]).all()


def test_part_without_a_known_colour_has_that_of_the_person():
    canvas = _image()
    mask = PartMask(np.full((2, 2), 7, np.uint8), np.array([100, 80, 160, 200], np.float32))
    draw_parts(canvas, mask, ModelInfo(''), (10, 20, 30), opacity=1.0)
    assert (canvas[90:190, 110:150] == [10, 20, 30]).all()


@pytest.mark.parametrize(
    'box',
    [(-50, -40, 30, 60), (300, 200, 400, 300), (-500, -500, 900, 900), (-1e6, 10, 1e6, 1e6)],
    ids=['upper left', 'lower right', 'around all', 'huge'],
)
def test_boxes_that_stick_out_of_the_image_are_cut(box):
    assert (draw_tracks(_image(), [_track(box=box)], INFO) != 90).any()


@pytest.mark.parametrize(
    'box',
    [(-90, 10, -20, 80), (320, 10, 400, 90), (10, 240, 60, 300), (50, 50, 50, 90), (np.nan,) * 4],
    ids=['left', 'right', 'below', 'no width', 'not a number'],
)
def test_box_without_a_visible_pixel_is_not_drawn(box):
    assert np.array_equal(draw_tracks(_image(), [_track(box=box)], INFO), _image())


def test_keypoints_that_are_no_numbers_are_left_out():
    track = _track()
    keypoints = np.full((3, 3), [np.nan, np.inf, 1.0], np.float32)
    broken = replace(track, estimate=replace(track.estimate, keypoints=keypoints))
    params = replace(BARE, draw_skeleton=True)
    expected = draw_tracks(_image(), [track], INFO, BARE)
    assert np.array_equal(draw_tracks(_image(), [broken], INFO, params), expected)


def test_image_smaller_than_its_labels_is_drawn_all_the_same():
    track = _track(box=(1, 1, 11, 9), track_id=123456789)
    assert draw_tracks(_image(12, 10), [track], INFO).shape == (10, 12, 3)


def test_text_grows_with_the_image():
    labels = []
    for scale in (1, 3):
        image = _image(960 * scale, 540 * scale)
        box = tuple(scale * v for v in (400, 300, 460, 500))
        drawn = draw_tracks(image, [_track(box=box)], INFO, BARE)
        labels.append(box[1] - _changed(image, drawn)[1])
    assert 2.5 < labels[1] / labels[0] < 3.5


def test_state_is_written_beside_the_id_unless_confirmed():
    widths = []
    for state in (TrackState.CONFIRMED, TrackState.TENTATIVE):
        drawn = draw_tracks(_image(), [_track(state=state)], INFO, BARE)
        above = (drawn[:76] != 90).any(axis=(0, 2))
        widths.append(above.sum())
    assert widths[1] > 2 * widths[0]


def test_person_who_came_back_is_marked():
    plain, marked = (id_plate('#7', 9, (90, 200, 90), back, False) for back in (False, True))
    assert marked.size[0] == plain.size[0] + 18
    image, marked_image = _image(), _image()
    plain.paint(image, 0, 0)
    marked.paint(marked_image, 0, 0)
    mark = marked_image[:, plain.size[0] : marked.size[0] - 4]
    assert (mark[4:14] < 60).any()


def test_faded_plate_lets_the_image_through():
    image = _image()
    id_plate('#7', 9, (250, 250, 250), False, faded=True).paint(image, 0, 0)
    assert (image[1, 6:20] == 170).all()


def test_labels_that_are_kept_are_bounded():
    """A day of people who look different must not fill the memory."""
    for number in range(300):
        attribute_card((f'{number}',), 9, (250, 250, 250))
        id_plate(f'#{number}', 9, (250, 250, 250), False, False)
    for made in (attribute_card, id_plate):
        assert made.cache_info().currsize == made.cache_info().maxsize <= 128


def test_twenty_ids_in_a_row_have_different_colours():
    colors = np.array([person_color(i) for i in range(1, 200)], float)
    for start in range(180):
        some = colors[start : start + 20]
        distances = np.linalg.norm(some[:, None] - some, axis=2) + 1e3 * np.eye(20)
        assert distances.min() > 20


def test_colour_is_bright_enough_for_dark_text():
    luma = np.array([person_color(i) for i in range(1, 500)]) @ [0.114, 0.587, 0.299]
    assert luma.min() > 90


def test_colour_exists_for_the_largest_id():
    assert len(person_color(2**64 - 1)) == 3


def test_attributes_are_told_in_words():
    attributes = {
        'gender': np.array([0.1, 0.9]),
        'hair': np.array([0.0, 1.0]),
        'upper_color': np.array([0.2, 0.8]),
        'hand_bag': np.array([0.3, 0.7]),
        'upper_length': np.array([0.75, 0.25]),
    }
    phrases = attribute_phrases(attributes, INFO.attributes, 0.7)
    assert phrases == ['female', 'long hair', 'upper light blue long', 'hand bag']


@pytest.mark.parametrize(
    ('attributes', 'specs'),
    [
        ({'hand_bag': np.array([0.99, 0.01])}, INFO.attributes),
        ({'gender': np.array([0.6, 0.4])}, INFO.attributes),
        ({'gender': np.array([np.nan, np.nan])}, INFO.attributes),
        ({'gender': np.array([0.0, 1.0])}, ()),
        ({}, INFO.attributes),
    ],
    ids=['no', 'unsure', 'unknown', 'no names', 'none'],
)
def test_nothing_is_told_about_attributes_that_are(attributes, specs):
    assert attribute_phrases(attributes, specs, 0.7) == []


def test_lines_break_between_phrases_only():
    assert wrap_phrases(['female', 'adult', 'a very long phrase', 'hat'], 13) == [
        'female, adult',
        'a very long phrase',
        'hat',
    ]


def test_labels_do_not_lie_on_each_other():
    boxes = np.array([[50.0, 50, 90, 150], [52.0, 50, 92, 150], [54.0, 50, 94, 150]])
    layout = LabelLayout((200, 200), boxes)
    candidates = [(50.0, 30.0), (100.0, 30.0), (50.0, 152.0)]
    corners = [layout.place((40, 18), candidates, owner) for owner in range(3)]
    assert set(corners) == {(50, 30), (100, 30), (50, 152)}


def test_label_is_moved_into_the_image():
    layout = LabelLayout((200, 100), np.array([[0.0, 0, 50, 50]]))
    assert layout.place((40, 10), [(-20.0, -15.0)], 0) == (0, 0)
    assert layout.place((40, 10), [(190.0, 95.0)], 0) == (160, 90)


def test_label_that_would_hide_others_is_left_out():
    boxes = np.array([[0.0, 0, 50, 50], [50.0, 0, 100, 50]])
    layout = LabelLayout((100, 50), boxes)
    assert layout.place((30, 30), [(60.0, 0.0)], owner=0, max_cost=0.3) is None
    assert layout.place((30, 30), [(60.0, 0.0), (0.0, 0.0)], owner=0) == (0, 0)


def test_parameters_outside_their_bounds_are_refused():
    with pytest.raises(ValueError, match='part_opacity'):
        DrawingParams(part_opacity=1.5)
