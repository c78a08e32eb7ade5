"""
Tracked people as RViz markers.

There is no depth, so the markers lie in a plane: the image, hung up at the origin of its frame.
Its upper left corner is the origin, x points right and y down as in an optical frame, and a pixel
is ``meters_per_pixel`` wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from rclpy.duration import Duration
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from person_mtl_ros.drawing.colors import person_color, side_color
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import ModelInfo, TrackedPerson, TrackState

LINE_PX = 3.0
TEXT_PX = 24.0
FADED_ALPHA = 0.35


@dataclass(frozen=True)
class MarkerParams:
    """Size and life of the markers."""

    meters_per_pixel: float = parameter(
        0.01, 'size of a pixel in RViz: 640 x 480 becomes 6.4 m x 4.8 m', 'm', 1e-5, 10.0
    )
    marker_lifetime: float = parameter(
        1.0,
        'markers vanish when nothing new comes: longer than the slowest camera',
        's',
        0.01,
        1e4,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


def markers_from_tracks(
    header: Any,
    tracks: Sequence[TrackedPerson],
    info: ModelInfo,
    params: MarkerParams,
    min_keypoint_score: float,
) -> MarkerArray:
    """
    Boxes, skeletons and ids, a namespace for each; what came before is deleted.

    Who is not seen in this image is faded and has no skeleton; who is lost is left out.

    :param header: of the image.
    :param min_keypoint_score: keypoints below are left out.
    """
    result = MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])
    for track in tracks:
        if track.state == TrackState.LOST:
            continue
        result.markers += [
            _box(header, track, params),
            _id_text(header, track, params),
        ]
        if track.is_matched and track.estimate is not None:
            keypoints = track.estimate.keypoints
            seen = keypoints[:, 2] >= min_keypoint_score
            limbs = [(a, b) for a, b in info.keypoint_edges if len(seen) and seen[a] and seen[b]]
            if limbs:
                skeleton = _marker(header, 'skeleton', Marker.LINE_LIST, track, params)
                skeleton.points = _points(keypoints[np.ravel(limbs), :2], params)
                for a, b in limbs:
                    color = side_color(info.keypoint_names[a], info.keypoint_names[b])
                    skeleton.colors += [_rgba(color, 1.0)] * 2
                result.markers.append(skeleton)
    return result


def _box(header: Any, track: TrackedPerson, params: MarkerParams) -> Marker:
    x1, y1, x2, y2 = track.box_xyxy
    marker = _marker(header, 'box', Marker.LINE_STRIP, track, params)
    corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)])
    marker.points = _points(corners, params)
    return marker


def _id_text(header: Any, track: TrackedPerson, params: MarkerParams) -> Marker:
    x1, y1, x2, _ = track.box_xyxy
    marker = _marker(header, 'id', Marker.TEXT_VIEW_FACING, track, params)
    marker.scale.x = 0.0
    marker.scale.z = TEXT_PX * params.meters_per_pixel
    above = np.array([[(x1 + x2) / 2, y1 - TEXT_PX]])
    marker.pose.position = _points(above, params)[0]
    marker.text = f'#{track.track_id}'
    if track.state != TrackState.CONFIRMED:
        marker.text += f' {track.state.name.lower()}'
    return marker


def _marker(
    header: Any, namespace: str, kind: int, track: TrackedPerson, params: MarkerParams
) -> Marker:
    marker = Marker(header=header, ns=namespace, type=kind, action=Marker.ADD)
    marker.id = track.track_id % 2**31  # a signed field
    marker.pose.orientation.w = 1.0
    marker.scale.x = LINE_PX * params.meters_per_pixel
    color = person_color(track.track_id)
    marker.color = _rgba(color, 1.0 if track.is_matched else FADED_ALPHA)
    marker.lifetime = Duration(seconds=params.marker_lifetime).to_msg()
    return marker


def _points(pixels: Any, params: MarkerParams) -> list[Point]:
    return [Point(x=float(x), y=float(y)) for x, y in np.asarray(pixels) * params.meters_per_pixel]


def _rgba(color: tuple[int, int, int], alpha: float) -> ColorRGBA:
    blue, green, red = color
    return ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=alpha)
