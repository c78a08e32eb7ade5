import array
from dataclasses import replace

import cv2
import fake_checkpoint
import numpy as np
import pytest
from bench import Bench, detection, detections_at, header_at, image_at
from builtin_interfaces.msg import Time
from person_mtl.msg import PersonArray, PersonModelInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.crops import CropParams
from person_mtl_ros.nodes.conversions import image_to_message, stamp_ns
from person_mtl_ros.nodes.person_messages import model_info_from_message

NODE = 'perception_node'


class Camera:
    """Publishes images with detections to a running perception node."""

    def __init__(self, bench: Bench, weights, **parameters) -> None:
        self.bench = bench
        bench.start(NODE, weights=weights, backend='torch', **parameters)
        self.image = bench.publisher(Image, 'image')
        self.detections = bench.publisher(Detection2DArray, 'detections')
        self.persons = bench.listen(PersonArray, 'persons')
        # Discovery of the way back: repeat until something is heard.
        self.now = 1.0
        while not self.persons:
            self.show()
            bench.spin_for(0.5)
        self.persons.clear()

    def show(self, *items, image=None, step=0.1) -> float:
        """Publish the next image and its detections."""
        self.now = round(self.now + step, 6)
        message = image_at(self.now) if image is None else image
        message.header = header_at(self.now)
        self.image.publish(message)
        self.detections.publish(detections_at(self.now, *items))
        return self.now

    def answer(self, stamp: float) -> PersonArray:
        """Wait for the result of an image."""
        wanted = stamp_ns(header_at(stamp))
        self.bench.until(lambda: any(stamp_ns(m.header) == wanted for m in self.persons))
        return next(m for m in self.persons if stamp_ns(m.header) == wanted)


@pytest.fixture
def camera(bench, weights):
    return Camera(bench, weights)


def test_people_get_all_four_answers_in_image_pixels(camera):
    stamp = camera.show(detection(20, 24, 16, 40), detection(44, 24, 16, 40))
    answer = camera.answer(stamp)
    assert (answer.image_width, answer.image_height) == (64, 48)
    assert answer.header.frame_id == 'camera'
    assert [p.detection_index for p in answer.persons] == [0, 1]
    descriptions = camera.bench.listen(PersonModelInfo, 'model_info', latched=True)
    camera.bench.until(lambda: descriptions)
    info = model_info_from_message(descriptions[0])
    for person in answer.persons:
        assert np.linalg.norm(person.embedding) == pytest.approx(1.0, abs=1e-5)
        assert len(person.attribute_probabilities) == sum(len(a.classes) for a in info.attributes)
        assert len(person.keypoints) == len(info.keypoint_names)
        assert len(person.part_mask.data) == person.part_mask.width * person.part_mask.height > 0
        assert person.part_mask.roi.size_y >= person.bbox.size_y


def _view(place, x):
    return image_to_message(header_at(0), np.ascontiguousarray(place[:240, x : x + 320]))


def test_camera_motion_is_told_with_the_image_it_starts_from(shared_camera):
    camera = shared_camera
    noise = np.random.default_rng(0).integers(0, 256, (240, 400, 3), dtype=np.uint8)
    place = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
    first = camera.answer(camera.show(image=_view(place, 0)))
    assert list(first.camera_motion) == []  # the size of the image changed
    second = camera.answer(camera.show(image=_view(place, 10)))
    np.testing.assert_allclose(second.camera_motion, [1, 0, -10, 0, 1, 0], atol=0.2)
    assert second.camera_motion_since == first.header.stamp
    third = camera.answer(camera.show(image=image_at(0)))
    assert list(third.camera_motion) == [] and third.camera_motion_since == Time()


def test_camera_motion_can_be_left_out(bench, weights):
    camera = Camera(bench, weights, camera_motion='false')
    assert list(camera.answer(camera.show()).camera_motion) == []
    assert list(camera.answer(camera.show()).camera_motion) == []


def test_nobody_is_published_too(camera):
    assert list(camera.answer(camera.show()).persons) == []


@pytest.mark.parametrize(
    ('bad', 'reason'),
    [
        (detection(float('nan'), 24, 16, 40), 'box not finite'),
        (detection(20, 24, float('inf'), 40), 'box not finite'),
        (detection(20, 24, 0, 40), 'box without area'),
        (detection(20, 24, -16, 40), 'box inverted'),
        (detection(500, 24, 16, 40), 'box out of image'),
        (detection(1e30, 24, 16, 40), 'box out of image'),
        (detection(20, 24, 16, 40, class_id='dog'), 'class is not a person'),
        (detection(20, 24, 16, 40, score=float('nan')), 'score not in [0, 1]'),
    ],
    ids=['nan', 'infinite', 'zero_area', 'inverted', 'outside', 'huge', 'dog', 'nan_score'],
)
def test_a_bad_detection_costs_only_itself(shared_camera, bad, reason):
    camera = shared_camera
    key = f'detections refused: {reason}'
    before = camera.bench.count(NODE, key)
    answer = camera.answer(camera.show(bad, detection(44, 24, 16, 40)))
    assert [p.detection_index for p in answer.persons] == [1]
    camera.bench.until(lambda: camera.bench.count(NODE, key) == before + 1)


def _short(image):
    image.data = image.data[:-1]
    return image


def _with(image, **fields):
    for name, value in fields.items():
        setattr(image, name, value)
    return image


@pytest.mark.parametrize(
    'broken',
    [
        lambda: _short(image_at(0)),
        lambda: _with(image_at(0), encoding='jpeg2000'),
        lambda: _with(image_at(0), encoding='32FC1'),
        lambda: _with(image_at(0), step=10),
        lambda: _with(image_at(0), width=0),
        lambda: _with(image_at(0), height=2**31),
        lambda: _with(image_at(0), data=array.array('B')),
    ],
    ids=['short', 'unknown', 'depth', 'step', 'no_width', 'huge', 'empty'],
)
def test_an_unreadable_image_costs_only_itself(shared_camera, broken):
    camera = shared_camera
    key = 'pairs dropped: image cannot be read'
    before = camera.bench.count(NODE, key)
    camera.show(detection(20, 24, 16, 40), image=broken())
    camera.bench.until(lambda: camera.bench.count(NODE, key) == before + 1)
    assert len(camera.answer(camera.show(detection(20, 24, 16, 40))).persons) == 1


def test_padded_rows_and_big_endian_are_read(shared_camera):
    padded = image_at(0)
    rows = np.frombuffer(padded.data, np.uint8).reshape(48, 192)
    padded.step = 200
    padded.data = array.array('B', np.pad(rows, ((0, 0), (0, 8))).tobytes())
    plain = shared_camera.answer(shared_camera.show(detection(20, 24, 16, 40)))
    answer = shared_camera.answer(shared_camera.show(detection(20, 24, 16, 40), image=padded))
    np.testing.assert_array_equal(answer.persons[0].embedding, plain.persons[0].embedding)
    wide = Image(height=48, width=64, encoding='mono16', is_bigendian=1, step=128)
    wide.data = array.array('B', bytes(48 * 128))
    assert shared_camera.answer(shared_camera.show(detection(20, 24, 16, 40), image=wide)).persons


def test_bad_stamps_are_refused_and_counted(shared_camera):
    camera, bench = shared_camera, shared_camera.bench
    stamp = camera.show(detection(20, 24, 16, 40))
    camera.answer(stamp)
    for bad_stamp, reason in (
        (0.0, 'zero stamp'),
        (stamp, 'repeated stamp'),
        (stamp - 0.5, 'late'),
    ):
        key = f'image refused: {reason}'
        before = bench.count(NODE, key)
        camera.image.publish(image_at(bad_stamp))
        bench.until(lambda k=key, b=before: bench.count(NODE, k) == b + 1)
    assert camera.answer(camera.show()) is not None


def test_time_that_jumps_back_starts_afresh(bench, weights):
    camera = Camera(bench, weights)
    camera.now = 100.0
    camera.answer(camera.show(detection(20, 24, 16, 40)))
    camera.now = 10.0
    assert len(camera.answer(camera.show(detection(20, 24, 16, 40))).persons) == 1
    bench.until(lambda: bench.count(NODE, 'time jumps back') == 1)


def test_images_without_detections_are_counted_and_explained(bench, weights):
    camera = Camera(bench, weights, sync_queue=2, silence_warning=0.5)
    for step in range(5):
        camera.image.publish(image_at(50.0 + step / 10))
        bench.until(lambda s=step: bench.count(NODE, 'image received') >= s, 5.0)
    bench.until(lambda: bench.count(NODE, 'image dropped: no detections with its stamp') > 0)
    bench.until(lambda: 'no pair for' in bench.levels[NODE])


def test_detections_of_other_classes_only_are_explained(bench, weights):
    camera = Camera(bench, weights, silence_warning=0.5)
    words = "their class ids are 'dog'; person_class_ids is 'person', '0'"
    while words not in bench.levels.get(NODE, ''):
        camera.answer(camera.show(detection(20, 24, 16, 40, class_id='dog')))
        bench.spin_for(0.1)
    while words in bench.levels[NODE]:
        camera.answer(camera.show(detection(20, 24, 16, 40)))
        bench.spin_for(0.1)


def test_of_a_crowd_the_network_looks_at_some_and_all_are_published(bench, weights):
    camera = Camera(bench, weights, max_persons_per_frame=7)
    crowd = [detection(20 + i % 20, 24, 16, 40, score=i / 500) for i in range(500)]
    answer = camera.answer(camera.show(*crowd))
    assert [p.detection_index for p in answer.persons] == list(range(500))
    assert [p.detection_index for p in answer.persons if p.is_evaluated] == list(range(493, 500))
    for person in answer.persons:
        results = (person.embedding, person.attribute_probabilities, person.keypoints)
        assert all(len(result) > 0 for result in results) == person.is_evaluated
        assert any(len(result) > 0 for result in results) == person.is_evaluated
        assert (len(person.part_mask.data) > 0) == (person.sharpness > 0) == person.is_evaluated
        assert person.bbox.size_y == 40 and 0 <= person.score < 1
    bench.until(lambda: bench.count(NODE, 'persons evaluated') == 7)
    assert bench.count(NODE, 'persons published') == 500


def test_more_people_than_a_message_holds_are_counted(bench, weights):
    camera = Camera(bench, weights, max_persons_per_frame=1)
    crowd = [detection(20 + i % 20, 24, 16, 40, score=i / 1030) for i in range(1030)]
    answer = camera.answer(camera.show(*crowd))
    assert [p.detection_index for p in answer.persons] == list(range(6, 1030))
    bench.until(lambda: bench.count(NODE, 'detections refused: more than 1024') == 6)


def test_an_impossible_time_budget_leaves_one_person_per_image(bench, weights):
    camera = Camera(bench, weights, time_budget_ms=0.001)
    people = [detection(20, 24, 16, 40), detection(44, 24, 16, 40), detection(32, 10, 8, 20)]
    looked_at = set()
    while len(looked_at) < 3:
        evaluated = [p for p in camera.answer(camera.show(*people)).persons if p.is_evaluated]
        assert len(evaluated) == 1
        looked_at.add(evaluated[0].detection_index)


def test_a_head_that_is_switched_off_is_empty(bench, weights):
    camera = Camera(bench, weights, heads="['reid']")
    person = camera.answer(camera.show(detection(20, 24, 16, 40))).persons[0]
    assert len(person.embedding) > 0
    assert not person.keypoints and not person.attribute_probabilities
    assert len(person.part_mask.data) == 0


def test_detections_without_results_are_people(shared_camera):
    item = detection(20, 24, 16, 40)
    item.results = []
    answer = shared_camera.answer(shared_camera.show(item))
    assert answer.persons[0].score == 1.0


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'weights': '/nowhere.safetensors'}, ('/nowhere.safetensors', 'no such file')),
        ({'max_persons_per_frame': -1}, ('max_persons_per_frame', '0 <= x <= 1024')),
        ({'sync': 'sometimes'}, ('sync', "'exact' | 'approximate'")),
        ({'wieghts': 'x'}, ('unknown parameter wieghts', 'weights')),
        ({'max_persons_per_frame': 'many'}, ('max_persons_per_frame', 'int')),
    ],
    ids=['missing_file', 'bound', 'choice', 'misspelt', 'type'],
)
def test_what_cannot_be_used_ends_the_node_with_one_line(bench, parameters, words):
    process = bench.start(NODE, **parameters)
    _, stderr = process.communicate(timeout=60.0)
    assert process.returncode == 2
    assert all(word in stderr for word in words), stderr
    assert 'Traceback' not in stderr


def test_a_network_whose_answers_do_not_fit_into_a_message_is_refused(
    bench, tmp_path, monkeypatch
):
    large = replace(fake_checkpoint.INFO, crop=CropParams(height=384, width=192))
    monkeypatch.setattr(fake_checkpoint, 'INFO', large)
    weights = fake_checkpoint.write_fake_checkpoint(tmp_path / 'large.safetensors')
    bench.start(NODE, weights=weights, backend='torch')
    code, stderr = bench.end(NODE)
    assert code == 2
    assert f'checkpoint {weights}: 73728 part mask pixels, at most 65536 fit' in stderr
    told, fault = stderr.splitlines()
    assert 'backend torch on cpu in fp32' in told and 'FATAL' in fault, stderr


def test_the_node_ends_cleanly(camera):
    assert camera.bench.terminate(NODE) == 0


@pytest.fixture(scope='module')
def shared_camera(shared_bench, weights):
    return Camera(shared_bench, weights)
