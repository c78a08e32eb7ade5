import itertools
import threading
import time

import cv2
import numpy as np
import pytest
import rclpy
from bench import DEADLINE_SEC, Bench
from evaluation.generated_sequences import HEIGHT, WIDTH, make_sequence
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.detections import xyxy_from_bounding_box
from person_mtl_ros.images import bgr_from_image
from person_mtl_ros.nodes import frame_player, video_node
from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.qos import qos_profile
from person_mtl_ros.nodes.video_node import VideoNode
from person_mtl_ros.video import VideoWriter

NODE = 'video_node'


def _listen(bench: Bench) -> tuple[list, list]:
    """Images and detections; subscribed before the node starts, so that nothing is missed."""
    images: list = []
    detections: list = []
    qos = qos_profile('reliable', 100)
    bench.node.create_subscription(Image, 'image', images.append, qos)
    bench.node.create_subscription(Detection2DArray, 'detections', detections.append, qos)
    return images, detections


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / 'clip.mp4'
    with VideoWriter(path, 10.0) as video:
        for brightness in range(0, 240, 20):
            video.write(np.full((48, 64, 3), brightness, np.uint8))
    return path


def _assert_increasing(messages):
    stamps = [stamp_ns(m.header) for m in messages]
    assert all(a < b for a, b in itertools.pairwise(stamps))
    assert stamps[0] > 0


def test_a_clip_is_published_completely_and_then_ends(bench, clip):
    images, detections = _listen(bench)
    bench.start(NODE, source=clip, frame_id='front')
    bench.until(lambda: len(images) == 12)
    bench.spin_for(0.5)
    assert len(images) == 12 and detections == []
    _assert_increasing(images)
    assert {m.header.frame_id for m in images} == {'front'}
    brightness = [bgr_from_image(m).mean() for m in images]
    np.testing.assert_allclose(brightness, range(0, 240, 20), atol=6)
    bench.until(lambda: bench.count(NODE, 'images published') == 12)
    assert bench.terminate(NODE) == 0


def test_a_mot_folder_is_published_with_its_detections(bench, tmp_path):
    folder = make_sequence(tmp_path / 'walk', images=6)
    images, detections = _listen(bench)
    bench.start(NODE, source=folder)
    bench.until(lambda: len(images) == len(detections) == 6)
    assert [m.header.stamp for m in images] == [m.header.stamp for m in detections]
    _assert_increasing(images)
    for index, message in enumerate(images, start=1):
        expected = cv2.imread(str(folder / 'img1' / f'{index:06d}.png'))
        np.testing.assert_array_equal(bgr_from_image(message), expected)
    assert [len(m.detections) for m in detections] == [1, 0, 1, 0, 0, 0]
    box = xyxy_from_bounding_box(detections[0].detections[0].bbox)
    np.testing.assert_array_equal(box, np.float32([10.5, 5.25, 30.5, 45.25]))
    assert (images[0].width, images[0].height) == (WIDTH, HEIGHT)


def test_in_a_loop_stamps_go_on(bench, tmp_path):
    folder = make_sequence(tmp_path / 'walk', length=3, images=3)
    images, _ = _listen(bench)
    bench.start(NODE, source=folder, loop=True, rate=20.0)
    bench.until(lambda: len(images) >= 8)
    _assert_increasing(images)
    first, again = (bgr_from_image(images[i]) for i in (0, 3))
    np.testing.assert_array_equal(first, again)


def test_an_image_that_breaks_in_the_middle_is_said_and_the_node_stays(bench, tmp_path):
    folder = make_sequence(tmp_path / 'walk', images=6)
    (folder / 'img1' / '000003.png').write_bytes(b'broken')
    images, _ = _listen(bench)
    process = bench.start(NODE, source=folder)
    bench.until(lambda: len(images) == 2)
    bench.spin_for(0.5)
    assert len(images) == 2 and process.poll() is None
    assert bench.terminate(NODE) == 0
    assert '000003.png: not a readable image' in process.stderr.read()


@pytest.mark.parametrize('again', ['deactivate activate', 'deactivate cleanup configure activate'])
def test_it_plays_from_the_start_when_it_is_activated_again(bench, clip, again):
    images, _ = _listen(bench)
    bench.start(NODE, source=clip, rate=20.0)
    bench.until(lambda: len(images) == 12)
    for transition in again.split():
        assert bench.change_state(NODE, transition)
    bench.until(lambda: len(images) == 24)


class Camera:
    """A camera that one reader at a time can open."""

    frame_rate = 30.0
    held = 0

    def __init__(self, source):
        self._open()

    def _open(self):
        assert Camera.held == 0, 'in use by somebody else'
        Camera.held, self.is_open = 1, True

    def __iter__(self):
        if not self.is_open:
            self._open()
        try:
            yield 1, 1.0, np.zeros((48, 64, 3), np.uint8)
        finally:
            self.close()

    def close(self):
        if self.is_open:
            Camera.held, self.is_open = 0, False


@pytest.fixture
def camera_node(monkeypatch):
    """A node in this process that plays a camera of this file."""
    monkeypatch.setattr(video_node, 'VideoSource', Camera)
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=0)
    values = {'source': '0', 'wait_for_subscribers': 0}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    node = VideoNode(context=context, parameter_overrides=overrides)
    yield node
    node.stop()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_camera_is_free_whenever_the_node_does_not_need_it(camera_node):
    held = []
    for transition in (
        *('configure', 'cleanup', 'configure'),
        *('activate', 'deactivate', 'activate', 'deactivate', 'cleanup'),
    ):
        result = getattr(camera_node, f'trigger_{transition}')()
        assert result == TransitionCallbackReturn.SUCCESS
        held.append(Camera.held)
    assert held[:3] == [1, 0, 1]
    assert [held[i] for i in (4, 6, 7)] == [0, 0, 0]


class HungCamera(Camera):
    """A camera whose second image does not come until it is told to."""

    answers = threading.Event()

    def __iter__(self):
        yield from super().__iter__()
        self.answers.wait(DEADLINE_SEC)
        yield from super().__iter__()


def test_a_camera_that_hangs_is_warned_of_and_stops_nobody_else(camera_node, monkeypatch):
    monkeypatch.setattr(video_node, 'VideoSource', HungCamera)
    monkeypatch.setattr(video_node, 'SILENCE_SEC', 0.0)
    monkeypatch.setattr(frame_player, 'JOIN_SEC', 0.05)
    others = rclpy.create_node('others', context=camera_node.context)
    ticks = []
    others.create_timer(0.01, lambda: ticks.append(1))
    executor = SingleThreadedExecutor(context=camera_node.context)
    for node in (camera_node, others):
        executor.add_node(node)
    assert camera_node.start()
    diagnostics = camera_node.diagnostics
    deadline = time.monotonic() + DEADLINE_SEC / 2
    while 'no image from 0' not in diagnostics.status().message and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    assert 'no image from 0' in diagnostics.status().message
    assert len(ticks) > 5
    assert diagnostics.counts()['images published'] == 1
    for transition in ('deactivate', 'cleanup'):
        result = getattr(camera_node, f'trigger_{transition}')()
        assert result == TransitionCallbackReturn.SUCCESS
    HungCamera.answers.set()
    player = camera_node._player
    while not player.stop() and time.monotonic() < deadline:
        pass
    executor.shutdown()
    others.destroy_node()
    assert player.stop()
    assert diagnostics.counts()['images published'] == 1 and Camera.held == 0


def _no_pictures(folder):
    return make_sequence(folder / 'walk')


def _text(folder):
    (folder / 'clip.mp4').write_text('not a video')
    return folder / 'clip.mp4'


def _empty(folder):
    (folder / 'empty').mkdir()
    return folder / 'empty'


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (lambda folder: folder / 'nowhere.mp4', 'no such video file, image folder or camera'),
        (_text, 'not a readable video'),
        (_empty, 'no images in this folder'),
        (_no_pictures, 'no pictures'),
        (lambda folder: '/dev/video97', 'cannot be opened'),
        (lambda folder: '', 'source is empty'),
    ],
    ids=['missing', 'no_video', 'empty_folder', 'no_pictures', 'no_camera', 'not_given'],
)
def test_a_source_that_cannot_be_played_ends_the_node_with_one_line(bench, tmp_path, make, words):
    source = make(tmp_path)
    bench.start(NODE, **({'source': source} if source else {}))
    code, stderr = bench.end(NODE)
    assert code == 2
    assert len(stderr.splitlines()) == 1, stderr
    assert words in stderr and str(source) in stderr
