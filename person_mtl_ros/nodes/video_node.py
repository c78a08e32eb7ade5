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


class VideoNode(ManagedNode):
    """Plays pictures in real time; stamps are those of the clock at publishing."""

    node_name = 'video_node'
    params_classes = (VideoNodeParams,)

    _video: VideoSource | None = None

    def configure(self) -> None:  # noqa: D102
        params = self.params(VideoNodeParams)
        path = Path(params.source)
        self._sequence: Sequence | None = None
        if (path / 'seqinfo.ini').is_file():
            self._sequence = load_sequence(path)
            if not self._sequence.has_pictures:
                raise SequenceError(f'{path}: no pictures; expected a video or img1/ to publish')
            rate = self._sequence.frame_rate
        else:
            self._video = VideoSource(params.source)
            rate = self._video.frame_rate
        self._period_sec = 1.0 / (params.rate or rate)
        self._images = self.create_lifecycle_publisher(
            Image, 'image', qos_profile(params.image_reliability, 1)
        )
        self._detections = None
        if self._sequence is not None and self._sequence.has_detections:
            self._detections = self.create_lifecycle_publisher(
                Detection2DArray, 'detections', qos_profile('reliable', 10)
            )

    def activate(self) -> None:  # noqa: D102
        self._frames = self._iterate()
        self._is_playing = False
        self.while_active.callback(self._let_go)
        self._timer = self.every(self._period_sec, self._publish_next)

    def cleanup(self) -> None:  # noqa: D102
        if self._video is not None:
            self._video.close()
        self._video = None

    def _let_go(self) -> None:
        """Close the camera, also one that has not delivered anything yet."""
        self._frames.close()
        if self._video is not None:
            self._video.close()

    def _iterate(self) -> Generator[Frame, None, None]:
        if self._sequence is not None:
            yield from self._sequence
        elif self._video is not None:
            for index, stamp_sec, image_bgr in self._video:
                yield Frame(index, stamp_sec, image_bgr, ())

    def _publish_next(self) -> None:
        if not self._is_playing:
            readers = self._images.get_subscription_count()
            wanted = self.params(VideoNodeParams).wait_for_subscribers
            self._is_playing = readers >= wanted
            if not self._is_playing:
                self.get_logger().info(
                    f'waiting: {readers} of {wanted} readers of {self._images.topic_name}',
                    throttle_duration_sec=5.0,
                )
            return
        begin = time.monotonic()
        try:
            frame = next(self._frames)
        except StopIteration:
            self._ended()
            return
        except ValueError as error:  # a picture that does not decode
            self.get_logger().error(str(error))
            self.diagnostics.warn('source', str(error))
            self._timer.cancel()
            return
        stamp = self.get_clock().now().to_msg()
        header = Header(stamp=stamp, frame_id=self.params(VideoNodeParams).frame_id)
        assert frame.image_bgr is not None
        self._images.publish(image_to_message(header, frame.image_bgr))
        if self._detections is not None:
            self._detections.publish(detections_to_message(header, frame.detections))
        self.diagnostics.tick('images published')
        self.diagnostics.latency('read and publish', time.monotonic() - begin)

    def _ended(self) -> None:
        if self.params(VideoNodeParams).loop:
            self._frames = self._iterate()
            return
        self.get_logger().info('end of the source')
        self._timer.cancel()


def main() -> None:
    """Entry point of ``ros2 run person_mtl video_node``."""
    sys.exit(run_node(VideoNode))


if __name__ == '__main__':
    main()
