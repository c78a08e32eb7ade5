"""Node: video file, image folder, camera or MOT-layout folder -> images (and detections)."""

import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.evaluation.sequence import Frame, Sequence, SequenceError, load_sequence
from person_mtl_ros.nodes.conversions import detections_to_message, image_to_message
from person_mtl_ros.nodes.frame_player import FramePlayer
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.qos import RELIABILITIES, qos_profile
from person_mtl_ros.nodes.running import run_node
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.video import VideoSource


@dataclass(frozen=True)
class VideoNodeParams:
    """Parameters of the video node."""

    source: str = parameter(
        '',
        'video file, folder of images, camera number or device, or a folder in the MOTChallenge '
        'layout, whose detections are published too',
        read_only=True,
    )
    rate: float = parameter(
        0.0, 'images per second; 0 keeps the rate of the source', 'Hz', 0.0, 1000.0, read_only=True
    )
    loop: bool = parameter(False, 'start again at the end, stamps going on', read_only=True)
    wait_for_subscribers: int = parameter(
        1,
        'readers of the images to wait for before the first one: loading a network takes longer '
        'than many clips',
        '',
        0,
        100,
        read_only=True,
    )
    frame_id: str = parameter('camera', 'frame of the published images', read_only=True)
    image_reliability: str = parameter(
        'reliable',
        'reliable matches every subscriber',
        choices=RELIABILITIES,
        read_only=True,
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if not self.source:
            raise ValueError('source is empty; expected a video, a folder or a camera')


SILENCE_SEC = 5.0  # that one image may take before a warning


class VideoNode(ManagedNode):
    """Plays pictures in real time; stamps are those of the clock at publishing."""

    node_name = 'video_node'
    params_classes = (VideoNodeParams,)

    _source: Sequence | VideoSource | None = None

    def configure(self) -> None:  # noqa: D102
        params = self.params(VideoNodeParams)
        path = Path(params.source)
        if (path / 'seqinfo.ini').is_file():
            self._source = load_sequence(path)
            if not self._source.has_pictures:
                raise SequenceError(f'{path}: no pictures; expected a video or img1/ to publish')
        else:
            self._source = VideoSource(params.source)
        self._period_sec = 1.0 / (params.rate or self._source.frame_rate)
        self._images = self.create_lifecycle_publisher(
            Image, 'image', qos_profile(params.image_reliability, 1)
        )
        self._detections = None
        if isinstance(self._source, Sequence) and self._source.has_detections:
            self._detections = self.create_lifecycle_publisher(
                Detection2DArray, 'detections', qos_profile('reliable', 10)
            )

    def activate(self) -> None:  # noqa: D102
        self._player = FramePlayer(
            self._frames(), self._period_sec, self._has_readers, self._publish, self._ended
        )
        self.while_active.callback(self._stop)
        self.every(1.0, self._watch)

    def cleanup(self) -> None:  # noqa: D102
        self._let_go()
        self._source = None

    def _stop(self) -> None:
        if not self._player.stop():
            source = self.params(VideoNodeParams).source
            self.get_logger().warning(f'{source} does not answer: it is let go when it does')
        self._let_go()

    def _let_go(self) -> None:
        """Close a camera that has not been read yet; any other is closed by who reads it."""
        if isinstance(self._source, VideoSource):
            self._source.close()

    def _frames(self) -> Generator[Frame, None, None]:
        source, loop = self._source, self.params(VideoNodeParams).loop
        assert source is not None
        while True:
            if isinstance(source, Sequence):
                yield from source
            else:
                for index, stamp_sec, image_bgr in source:
                    yield Frame(index, stamp_sec, image_bgr, ())
            if not loop:
                return

    def _has_readers(self) -> bool:
        readers = self._images.get_subscription_count()
        wanted = self.params(VideoNodeParams).wait_for_subscribers
        if readers < wanted:
            self.get_logger().info(
                f'waiting: {readers} of {wanted} readers of {self._images.topic_name}',
                throttle_duration_sec=5.0,
            )
        return readers >= wanted

    def _publish(self, frame: Frame, read_sec: float) -> None:
        begin = time.monotonic()
        stamp = self.get_clock().now().to_msg()
        header = Header(stamp=stamp, frame_id=self.params(VideoNodeParams).frame_id)
        assert frame.image_bgr is not None
        self._images.publish(image_to_message(header, frame.image_bgr))
        if self._detections is not None:
            self._detections.publish(detections_to_message(header, frame.detections))
        self.diagnostics.tick('images published')
        self.diagnostics.latency('read', read_sec)
        self.diagnostics.latency('publish', time.monotonic() - begin)

    def _ended(self, error: Exception | None) -> None:
        if error is None:
            self.get_logger().info('end of the source')
        elif self.context.ok():  # Ctrl-C ends the context before the thread
            self.get_logger().error(str(error))
            self.diagnostics.warn('source', str(error))

    def _watch(self) -> None:
        silent = self._player.waiting_sec
        source = self.params(VideoNodeParams).source
        text = f'no image from {source} for {silent:.0f} s' if silent > SILENCE_SEC else ''
        self.warn('silence', text)


def main() -> None:
    """Entry point of ``ros2 run person_mtl video_node``."""
    sys.exit(run_node(VideoNode))


if __name__ == '__main__':
    main()
