"""Node: camera image + tracked people -> picture and RViz markers to look at."""

import sys
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from person_mtl.msg import TrackedPersonArray
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from person_mtl_ros.drawing import DrawingParams, draw_tracks
from person_mtl_ros.images import ImageError, bgr_from_message
from person_mtl_ros.nodes.conversions import image_to_message
from person_mtl_ros.nodes.image_input import ImageInputParams, subscribe_to_image
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.markers import MarkerParams, markers_from_tracks
from person_mtl_ros.nodes.model_info_input import subscribe_to_model_info
from person_mtl_ros.nodes.pairing import Pairing, PairingParams
from person_mtl_ros.nodes.person_messages import drawable_tracks
from person_mtl_ros.nodes.qos import qos_profile
from person_mtl_ros.nodes.running import run_node
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.structures import ModelInfo, TrackedPerson


@dataclass(frozen=True)
class VisualizerParams:
    """Parameters of the visualizer node beside those of drawing and markers."""

    image_queue: int = parameter(
        30,
        'images kept until their people have gone through network and tracker: 1 s at 30 Hz',
        'images',
        1,
        200,
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


SILENCE_SEC = 5.0  # without a picture although somebody looks, before a warning says why


class _Pair(NamedTuple):
    image: Any
    tracks: Any


class VisualizerNode(ManagedNode):
    """
    Draws everybody into the image they were seen in.

    Nothing is drawn that nobody looks at. The callbacks only store: markers, which need no image,
    and the overlay have a thread each that always takes the newest.
    """

    node_name = 'visualizer_node'
    params_classes = (ImageInputParams, VisualizerParams, DrawingParams, MarkerParams)

    def configure(self) -> None:  # noqa: D102
        self._info = self._described = ModelInfo('')
        self._overlay = self.create_lifecycle_publisher(
            Image, 'overlay', qos_profile('reliable', 1)
        )
        self._markers = self.create_lifecycle_publisher(
            MarkerArray, 'markers', qos_profile('reliable', 1)
        )

    def activate(self) -> None:  # noqa: D102
        params = self.params(VisualizerParams)
        self._pairing = Pairing(
            self,
            PairingParams(sync='exact', sync_queue=params.image_queue),
            self.diagnostics,
            partner='tracked_persons',
            on_pair=self._store,
            queue_parameter='image_queue',
        )
        self._overlay_worker = self.start_worker('pairs', 'overlay', self._draw, self._reason)
        self._marker_worker = self.start_worker('messages', 'markers', self._mark, self._reason)
        self._last_pair = time.monotonic()
        self._inputs = [
            subscribe_to_model_info(self, self._describe),
            subscribe_to_image(self, self._pairing.add_image, depth=5),
            self.subscribe(
                TrackedPersonArray,
                'tracked_persons',
                self._take_tracks,
                qos_profile('reliable', 10),
            ),
        ]
        self.every(1.0, self._watch)

    def _describe(self, info: ModelInfo) -> None:
        # Of another network only a plan until its people come: anybody can publish one.
        self._described = info
        if not self._info.model_id:
            self._use_info(info)

    def _use_info(self, info: ModelInfo) -> None:
        self._info = info
        self.diagnostics.set_value('model id', info.model_id)

    def _take_tracks(self, message: Any) -> None:
        self._pairing.add_partner(message)
        if self._markers.get_subscription_count() and self._marker_worker.put(message):
            self.diagnostics.count('messages dropped: replaced by a newer one')

    def _store(self, image: Any, tracks: Any) -> None:
        self._last_pair = time.monotonic()
        if self._overlay.get_subscription_count() and self._overlay_worker.put(
            _Pair(image, tracks)
        ):
            self.diagnostics.count('pairs dropped: replaced by a newer one')

    def _mark(self, message: Any) -> None:
        tracks, info = self._tracks(message)
        min_score = self.params(DrawingParams).min_keypoint_score
        self._markers.publish(
            markers_from_tracks(message.header, tracks, info, self.params(MarkerParams), min_score)
        )

    def _draw(self, pair: _Pair) -> None:
        begin = time.monotonic()
        image_bgr = bgr_from_message(pair.image)
        tracks, info = self._tracks(pair.tracks)
        overlay_bgr = draw_tracks(image_bgr, tracks, info, self.params(DrawingParams))
        self._overlay.publish(image_to_message(pair.image.header, overlay_bgr))
        self.diagnostics.count('overlays published')
        self.diagnostics.latency('draw', time.monotonic() - begin)

    def _tracks(self, message: Any) -> tuple[list[TrackedPerson], ModelInfo]:
        if message.model_id == self._described.model_id:
            self._use_info(self._described)
        info = self._info
        if message.model_id != info.model_id:
            # Boxes and ids can be shown all the same.
            self.diagnostics.count('drawn without names and colours: model_info does not match')
            info = ModelInfo(message.model_id)
        tracks, faults = drawable_tracks(message, info)
        for fault in faults:
            self.diagnostics.count(f'persons refused: {fault}')
        return tracks, info

    def _reason(self, error: Exception) -> str:
        return 'image cannot be read' if isinstance(error, ImageError) else 'error'

    def _watch(self) -> None:
        silent = time.monotonic() - self._last_pair
        text = ''
        if silent > SILENCE_SEC and self._overlay.get_subscription_count():
            text = (
                f'no image and tracked_persons of the same stamp for {silent:.0f} s: '
                f'{self._pairing.explain_silence(silent)}; '
                f'publishers: {self.publishers_of(self._inputs)}'
            )
        self.warn('silence', text)


def main() -> None:
    """Entry point of ``ros2 run person_mtl visualizer_node``."""
    sys.exit(run_node(VisualizerNode))


if __name__ == '__main__':
    main()
