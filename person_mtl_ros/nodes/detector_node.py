"""Node: camera image -> person detections, for users who have no detector yet."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_msgs.msg import Detection2DArray

from person_mtl_ros.hog_detector import HogDetector, HogDetectorParams
from person_mtl_ros.images import ImageError, bgr_from_message
from person_mtl_ros.nodes.conversions import detections_to_message
from person_mtl_ros.nodes.image_input import ImageInputParams, subscribe_to_image
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.qos import qos_profile
from person_mtl_ros.nodes.running import run_node
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.yolox_detector import YoloxDetector, YoloxDetectorParams


@dataclass(frozen=True)
class DetectorParams:
    """Which detector."""

    network: str = parameter(
        '',
        'file of a YOLOX network (.onnx); empty takes HOG, which needs none and finds fewer',
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)


class DetectorNode(ManagedNode):
    """Finds people with a YOLOX network of the user, or with OpenCV's HOG, which needs none."""

    node_name = 'detector_node'
    params_classes = (ImageInputParams, DetectorParams, HogDetectorParams, YoloxDetectorParams)

    def configure(self) -> None:  # noqa: D102
        self._yolox: YoloxDetector | None = None
        if network := self.params(DetectorParams).network:
            self._yolox = YoloxDetector(Path(network), self.params(YoloxDetectorParams))
        self._hog = HogDetector(self.params(HogDetectorParams))
        self._detections = self.create_lifecycle_publisher(
            Detection2DArray, 'detections', qos_profile('reliable', 10)
        )

    def activate(self) -> None:  # noqa: D102
        self._worker = self.start_worker('images', 'detections', self._detect, self._reason)
        subscribe_to_image(self, self._store, depth=1)

    def parameters_changed(self) -> None:  # noqa: D102
        self._hog = HogDetector(self.params(HogDetectorParams))
        if self._yolox is not None:
            self._yolox.params = self.params(YoloxDetectorParams)

    def _store(self, message: Any) -> None:
        self.diagnostics.tick('image received')
        if self._worker.put(message):
            self.diagnostics.count('images dropped: replaced by a newer one')

    def _detect(self, message: Any) -> None:
        begin = time.monotonic()
        detections = (self._yolox or self._hog).detect(bgr_from_message(message))
        self._detections.publish(detections_to_message(message.header, detections))
        self.diagnostics.count('images processed')
        self.diagnostics.latency('total', time.monotonic() - begin)

    def _reason(self, error: Exception) -> str:
        return 'image cannot be read' if isinstance(error, ImageError) else 'error'


def main() -> None:
    """Entry point of ``ros2 run person_mtl detector_node``."""
    sys.exit(run_node(DetectorNode))


if __name__ == '__main__':
    main()
