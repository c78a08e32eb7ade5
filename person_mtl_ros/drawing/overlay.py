"""Everybody with box, id, parts, skeleton and attributes, drawn into a camera image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from person_mtl_ros.drawing.attribute_text import attribute_phrases, wrap_phrases
from person_mtl_ros.drawing.body import draw_box, draw_dashed_box, draw_parts, draw_skeleton
from person_mtl_ros.drawing.colors import person_color
from person_mtl_ros.drawing.label_layout import LabelLayout
from person_mtl_ros.drawing.labels import attribute_card, id_plate
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import ModelInfo, TrackedPerson, TrackState, UInt8Array

MIN_CAP_HEIGHT = 6  # px; smaller letters cannot be read
LINE_LENGTH = 26  # characters of a line of attributes
CARD_MAX_HEIGHT = 0.9  # of the person; around small people it would be clutter
CARD_MAX_COST = 0.15  # of a card on other people: then better none


@dataclass(frozen=True)
class DrawingParams:
    """What is drawn, and how large."""

    draw_parts: bool = parameter(True, 'blend the body parts over people')
    draw_skeleton: bool = parameter(True, 'draw keypoints and limbs')
    draw_attributes: bool = parameter(True, 'write what people look like beside them')
    draw_lost: bool = parameter(False, 'draw where people out of view are thought to be')
    min_keypoint_score: float = parameter(
        0.1,
        'keypoints below are left out; a heatmap with two peaks scores low, its mean may do',
        '',
        0.0,
        1.0,
    )
    min_attribute_probability: float = parameter(
        0.7, 'attributes below are left out: a wrong word is worse than none', '', 0.0, 1.0
    )
    part_opacity: float = parameter(
        0.45, 'of the part colours; about half lets clothes shine through', '', 0.0, 1.0
    )
    text_height: float = parameter(
        0.017, 'capital letters, share of the image height: 9 px of 540', '', 0.005, 0.1
    )

    def __post_init__(self) -> None:
        check_parameters(self)


DEFAULT_PARAMS = DrawingParams()


def draw_tracks(
    image_bgr: UInt8Array,
    tracks: Sequence[TrackedPerson],
    info: ModelInfo,
    params: DrawingParams = DEFAULT_PARAMS,
) -> UInt8Array:
    """
    Draw everybody into a copy of an image.

    People who are seen in this very image get skeleton, parts and attributes; for the others
    there is only a prediction, so their box is dashed and pale.

    :param image_bgr: (H, W, 3); not changed.
    :param tracks: people, in pixels of this image.
    :param info: what their numbers mean; where it is silent, parts have one colour, skeletons no
        limbs and attributes no words.
    :returns: (H, W, 3) BGR.
    """
    canvas = image_bgr.copy()
    height, width = canvas.shape[:2]
    shown = [track for track in tracks if _is_shown(track, width, height, params)]
    shown.sort(key=lambda track: track.box_xyxy[3])  # who stands lower is nearer: drawn last
    for track in shown:
        _draw_person(canvas, track, info, params)
    cap_height = max(MIN_CAP_HEIGHT, round(params.text_height * height))
    boxes = np.array([track.box_xyxy for track in shown], float).reshape(-1, 4)
    layout = LabelLayout((width, height), boxes)
    nearest_first = list(enumerate(shown))[::-1]
    for owner, track in nearest_first:
        _draw_id(canvas, track, layout, owner, cap_height)
    for owner, track in nearest_first:
        if track.is_matched and params.draw_attributes:
            phrases = attribute_phrases(
                track.attributes, info.attributes, params.min_attribute_probability
            )
            _draw_card(canvas, track, phrases, layout, owner, cap_height)
    return canvas


def _is_shown(track: TrackedPerson, width: int, height: int, params: DrawingParams) -> bool:
    x1, y1, x2, y2 = track.box_xyxy.tolist()
    inside = x1 < min(x2, width) and y1 < min(y2, height) and x2 > 0 and y2 > 0
    return inside and (params.draw_lost or track.state != TrackState.LOST)


def _draw_person(
    canvas: UInt8Array, track: TrackedPerson, info: ModelInfo, params: DrawingParams
) -> None:
    color = person_color(track.track_id)
    if not track.is_matched:
        draw_dashed_box(canvas, track.box_xyxy, color)
        return
    estimate = track.estimate
    if params.draw_parts and estimate is not None and estimate.part_mask is not None:
        draw_parts(canvas, estimate.part_mask, info, color, params.part_opacity)
    draw_box(canvas, track.box_xyxy, color, accent=track.state == TrackState.CONFIRMED)
    if params.draw_skeleton and estimate is not None:
        draw_skeleton(canvas, estimate.keypoints, info, params.min_keypoint_score)


def _draw_id(
    canvas: UInt8Array, track: TrackedPerson, layout: LabelLayout, owner: int, cap_height: int
) -> None:
    text = f'#{track.track_id}'
    if track.state != TrackState.CONFIRMED:
        text += f' {track.state.name.lower()}'
    color = person_color(track.track_id)
    plate = id_plate(text, cap_height, color, track.recovered, faded=not track.is_matched)
    width, height = plate.size
    x1, y1, x2, y2 = track.box_xyxy.tolist()
    above = y1 - height - 2
    candidates = [(x1, above), (x2 - width, above), (x1 + 3, y1 + 3), (x1, y2 + 2)]
    corner = layout.place(plate.size, candidates, owner)
    assert corner is not None  # without a limit there always is one
    plate.paint(canvas, *corner)


def _draw_card(
    canvas: UInt8Array,
    track: TrackedPerson,
    phrases: list[str],
    layout: LabelLayout,
    owner: int,
    cap_height: int,
) -> None:
    if not phrases:
        return
    lines = wrap_phrases(phrases, LINE_LENGTH)
    card = attribute_card(tuple(lines), cap_height, person_color(track.track_id))
    width, height = card.size
    x1, y1, x2, y2 = track.box_xyxy.tolist()
    if height > CARD_MAX_HEIGHT * (y2 - y1):
        return
    right, left, low = x2 + 3, x1 - width - 3, y2 - height
    candidates = [(right, y1), (left, y1), (x1, y2 + 3), (right, low), (left, low)]
    corner = layout.place(card.size, candidates, owner, CARD_MAX_COST)
    if corner is not None:
        card.paint(canvas, *corner)
