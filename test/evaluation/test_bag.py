from pathlib import Path

import numpy as np
import pytest
from generated_sequences import HEIGHT, WIDTH, make_sequence
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from person_mtl_ros.evaluation.bag import (
    DETECTIONS,
    IMAGE,
    BagError,
    make_typestore,
    write_bag,
)
from person_mtl_ros.evaluation.sequence import SequenceError, load_sequence

pytest.importorskip('cv_bridge', reason='images of bags are converted by cv_bridge')
from person_mtl_ros.evaluation.bag_source import BagSource


def assert_same_frames(frames, others, max_pixel_error=0.0):
    for frame, other in zip(frames, others, strict=True):
        assert (other.index, other.stamp_sec) == (frame.index, frame.stamp_sec)
        difference = np.abs(other.image_bgr.astype(int) - frame.image_bgr)
        assert difference.mean() <= max_pixel_error
        for one, two in zip(frame.detections, other.detections, strict=True):
            np.testing.assert_array_equal(two.box_xyxy, one.box_xyxy)
            assert (two.score, two.detection_id, two.index) == (
                one.score,
                one.detection_id,
                one.index,
            )


@pytest.fixture
def sequence(tmp_path):
    return load_sequence(make_sequence(tmp_path / 'walk', images=6))


def test_bag_holds_the_frames_of_the_folder(tmp_path, sequence):
    write_bag(sequence, tmp_path / 'bag')
    source = BagSource(tmp_path / 'bag', gt_file=tmp_path / 'walk/gt/gt.txt')
    for _ in range(2):
        assert_same_frames(sequence, source)
    assert (source.name, len(source), source.image_size) == ('bag', 6, (WIDTH, HEIGHT))
    assert source.frame_rate == pytest.approx(10.0)
    assert source.has_detections
    assert source.notes == ()
    np.testing.assert_array_equal(source.ground_truth.frames, sequence.ground_truth.frames)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['bag', 'walk']


def test_real_sequence_survives_the_bag(shared_data, tmp_path):
    sequence = load_sequence(shared_data / 'mot15/TUD-Campus')
    write_bag(sequence, tmp_path / 'bag')
    source = BagSource(tmp_path / 'bag', gt_file=shared_data / 'mot15/TUD-Campus/gt/gt.txt')
    assert_same_frames(sequence, source)


def test_real_sequence_in_jpeg_is_nearly_the_same(shared_data, tmp_path):
    sequence = load_sequence(shared_data / 'mot15/TUD-Campus')
    write_bag(sequence, tmp_path / 'bag', compressed=True)
    assert_same_frames(sequence, BagSource(tmp_path / 'bag'), max_pixel_error=3.0)
    with Reader(tmp_path / 'bag') as reader:
        assert set(reader.topics) == {'/image/compressed', '/detections'}


def test_metadata_is_what_rosbag2_expects(tmp_path, sequence):
    write_bag(sequence, tmp_path / 'bag')
    with Reader(tmp_path / 'bag') as reader:
        assert {c.topic: (c.msgtype, c.msgcount) for c in reader.connections} == {
            '/image': (IMAGE, 6),
            '/detections': (DETECTIONS, 6),
        }
        # The hash that rosidl gives the type, so that recorded and live messages are one type.
        assert {c.topic: c.digest for c in reader.connections}['/detections'] == (
            'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968'
        )
        assert (reader.start_time, reader.duration) == (100_000_000, 500_000_001)
    metadata = (tmp_path / 'bag/metadata.yaml').read_text()
    assert 'storage_identifier: mcap' in metadata
    assert sorted(path.name for path in (tmp_path / 'bag').iterdir()) == [
        'bag.mcap',
        'metadata.yaml',
    ]


def test_message_definitions_are_those_of_the_package():
    """The stand-in package and the table in bag.py say the same."""
    typestore = make_typestore()
    folder = Path(__file__).resolve().parents[2] / 'compat/vision_msgs/msg'
    for path in folder.glob('*.msg'):
        definition, _ = typestore.generate_msgdef(f'vision_msgs/msg/{path.stem}', ros_version=2)
        own_part = definition.split('=' * 80)[0]
        fields = [line.split('#')[0].split() for line in path.read_text().splitlines()]
        assert [line.split() for line in own_part.splitlines() if line] == [f for f in fields if f]


def test_existing_path_is_not_touched(tmp_path, sequence):
    (tmp_path / 'bag').mkdir()
    with pytest.raises(BagError, match='bag: exists already'):
        write_bag(sequence, tmp_path / 'bag')
    assert list((tmp_path / 'bag').iterdir()) == []


def test_failed_bag_leaves_nothing(tmp_path, sequence):
    (tmp_path / 'walk/img1/000004.png').write_bytes(b'')
    with pytest.raises(SequenceError, match=r'000004\.png'):
        write_bag(sequence, tmp_path / 'bag')
    assert [path.name for path in tmp_path.iterdir()] == ['walk']


def test_bag_without_pictures_or_folder_is_an_error(tmp_path, sequence):
    blind = load_sequence(make_sequence(tmp_path / 'blind'))
    with pytest.raises(BagError, match='blind: has no pictures'):
        write_bag(blind, tmp_path / 'bag')
    with pytest.raises(BagError, match='cannot be written: No such file'):
        write_bag(sequence, tmp_path / 'nowhere/bag')


class HandmadeBag:
    """Writes the messages that a test asks for."""

    def __init__(self, path, storage=StoragePlugin.MCAP):
        self.path = path
        self.typestore = make_typestore()
        self.types = self.typestore.types
        self.writer = Writer(path, version=8, storage_plugin=storage)
        self.connections = {}

    def __enter__(self):
        self.writer.open()
        return self

    def __exit__(self, *_):
        self.writer.close()

    def add(self, topic, message, stamp_ns):
        name = message.__msgtype__
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(
                topic, name, typestore=self.typestore
            )
        data = self.typestore.serialize_cdr(message, name)
        self.writer.write(self.connections[topic], stamp_ns, data)

    def header(self, stamp_ns):
        stamp = self.types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
        return self.types['std_msgs/msg/Header'](stamp, 'camera')

    def add_image(self, stamp_ns, topic='/image', encoding='mono8', size=12, recorded_ns=None):
        data = np.arange(size, dtype=np.uint8)
        message = self.types[IMAGE](self.header(stamp_ns), 3, 4, encoding, 0, 4, data)
        self.add(topic, message, stamp_ns if recorded_ns is None else recorded_ns)

    def add_detections(self, stamp_ns, widths=(2.0,), class_id='person', topic='/detections'):
        header = self.header(stamp_ns)
        vision = {
            name.rsplit('/')[-1]: t for name, t in self.types.items() if 'vision_msgs' in name
        }
        geometry = {
            name.rsplit('/')[-1]: t for name, t in self.types.items() if 'geometry_msgs' in name
        }
        pose = geometry['PoseWithCovariance'](
            geometry['Pose'](geometry['Point'](0, 0, 0), geometry['Quaternion'](0, 0, 0, 1)),
            np.zeros(36),
        )
        items = []
        for width in widths:
            hypothesis = vision['ObjectHypothesis'](class_id, 0.5)
            center = vision['Pose2D'](vision['Point2D'](2.0, 1.5), 0.0)
            items.append(
                vision['Detection2D'](
                    header,
                    [vision['ObjectHypothesisWithPose'](hypothesis, pose)],
                    vision['BoundingBox2D'](center, width, 2.0),
                    'x',
                )
            )
        self.add(topic, vision['Detection2DArray'](header, items), stamp_ns)


@pytest.mark.parametrize('storage', list(StoragePlugin), ids=lambda plugin: plugin.name)
def test_both_storages_are_read(tmp_path, storage):
    with HandmadeBag(tmp_path / 'bag', storage) as bag:
        bag.add_image(10**9)
        bag.add_detections(10**9)
    (frame,) = BagSource(tmp_path / 'bag')
    assert frame.stamp_sec == 1.0
    np.testing.assert_array_equal(frame.image_bgr[:, :, 0], np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(frame.detections[0].box_xyxy, [1.0, 0.5, 3.0, 2.5])
    assert (frame.detections[0].score, frame.detections[0].detection_id) == (0.5, 'x')


def test_detections_find_their_image_by_stamp_in_any_order(tmp_path):
    with HandmadeBag(tmp_path / 'bag') as bag:
        bag.add_detections(30, (4.0,))
        bag.add_image(10)
        bag.add_image(20)
        bag.add_image(30)
        bag.add_detections(10, (2.0, 3.0))
        bag.add_detections(25)
    source = BagSource(tmp_path / 'bag')
    widths = [[float(d.box_xyxy[2] - d.box_xyxy[0]) for d in frame.detections] for frame in source]
    assert widths == [[2.0, 3.0], [], [4.0]]
    assert '1 of 3 images have no message of detections' in source.notes[0]
    assert '1 of 3 messages of detections have no image' in source.notes[1]


def test_slop_pairs_the_nearest(tmp_path):
    with HandmadeBag(tmp_path / 'bag') as bag:
        for stamp in (0, 100, 200):
            bag.add_image(10**9 + stamp * 10**6)
        bag.add_detections(10**9 + 20 * 10**6, (2.0,))  # 20 ms after the first
        bag.add_detections(10**9 + 190 * 10**6, (3.0,))  # 10 ms before the third
        bag.add_detections(10**9 + 170 * 10**6, (4.0,))  # 30 ms before the third, which is taken
    with pytest.raises(BagError, match=r'within 0 s; the closest are 0\.01 s apart'):
        BagSource(tmp_path / 'bag')
    source = BagSource(tmp_path / 'bag', slop_sec=0.05)
    widths = [[float(d.box_xyxy[2] - d.box_xyxy[0]) for d in frame.detections] for frame in source]
    assert widths == [[2.0], [], [3.0]]


def test_images_whose_stamps_tell_no_time_are_left_out_and_counted(tmp_path):
    second = 10**9
    with HandmadeBag(tmp_path / 'bag') as bag:
        # The last one begins again, as the time of a bag that is played in a loop.
        stamps = (0, 5 * second, 6 * second, 6 * second, 6 * second - 1, 7 * second, 2 * second)
        for number, stamp in enumerate(stamps):
            bag.add_image(stamp, recorded_ns=number)
        bag.add_detections(0)
        for stamp in (2, 5, 6):
            bag.add_detections(stamp * second)
    source = BagSource(tmp_path / 'bag')
    frames = list(source)
    assert [frame.index for frame in frames] == [2, 3, 6, 7]
    assert [frame.stamp_sec for frame in frames] == [5, 6, 7, 2]
    assert [len(frame.detections) for frame in frames] == [1, 1, 0, 1]
    assert [note.split(': ', 1)[1] for note in source.notes] == [
        '1 of 7 images left out: late',
        '1 of 7 images left out: repeated stamp',
        '1 of 7 images left out: zero stamp',
        '1 of 7 images have no message of detections',
    ]


def test_a_bag_without_stamps_is_an_error(tmp_path):
    with HandmadeBag(tmp_path / 'bag') as bag:
        for _ in range(3):
            bag.add_image(0)
            bag.add_detections(0)
    with pytest.raises(BagError, match='no image on /image has a stamp'):
        BagSource(tmp_path / 'bag')


def test_bad_boxes_and_other_classes_are_counted(tmp_path):
    with HandmadeBag(tmp_path / 'bag') as bag:
        bag.add_image(1)
        bag.add_image(2)
        bag.add_detections(1, (float('nan'), 0.0, 2.0))
        bag.add_detections(2, (2.0,), class_id='dog')
    source = BagSource(tmp_path / 'bag')
    assert [len(frame.detections) for frame in source] == [1, 0]
    assert [note.split(': ', 1)[1] for note in source.notes] == [
        '1 detections left out: box not finite',
        '1 detections left out: box without area',
        '1 detections left out: class is not a person',
    ]
    source = BagSource(tmp_path / 'bag', person_class_ids=['dog'])
    assert [len(frame.detections) for frame in source] == [0, 1]


def test_topics_are_named_when_ambiguous_or_missing(tmp_path):
    with HandmadeBag(tmp_path / 'bag') as bag:
        bag.add_image(1, '/left')
        bag.add_image(1, '/right')
    with pytest.raises(BagError, match='has /left, /right; choose with --image-topic'):
        BagSource(tmp_path / 'bag')
    with pytest.raises(BagError, match=r'no topic of type vision_msgs.* it has /left \(sensor'):
        BagSource(tmp_path / 'bag', image_topic='/left')
    with pytest.raises(BagError, match=r'no topic /middle of type .*Image'):
        BagSource(tmp_path / 'bag', image_topic='/middle')
    source = BagSource(tmp_path / 'bag', image_topic='/left', require_detections=False)
    assert not source.has_detections
    assert [frame.detections for frame in source] == [()]


def test_image_that_cannot_be_shown_is_named(tmp_path):
    with HandmadeBag(tmp_path / 'bag') as bag:
        bag.add_image(1)
        bag.add_image(2, size=5)
        bag.add_detections(1)
    source = BagSource(tmp_path / 'bag')
    with pytest.raises(BagError, match='image 2 on /image: image data of 5 bytes'):
        list(source)


def break_bag(path, how):
    if how == 'missing':
        return path.with_name('nowhere')
    if how == 'no metadata':
        (path / 'metadata.yaml').unlink()
    if how == 'truncated':
        storage = path / 'bag.mcap'
        storage.write_bytes(storage.read_bytes()[:200])
    if how == 'garbage':
        (path / 'bag.mcap').write_bytes(b'x' * 1000)
    if how == 'garbage metadata':
        (path / 'metadata.yaml').write_text('{')
    return path


@pytest.mark.parametrize(
    'how', ['missing', 'no metadata', 'truncated', 'garbage', 'garbage metadata']
)
def test_broken_bags_are_named_in_one_line(tmp_path, sequence, how):
    write_bag(sequence, tmp_path / 'bag')
    path = break_bag(tmp_path / 'bag', how)
    with pytest.raises(BagError, match=f'{path.name}: ') as error:
        BagSource(path)
    assert '\n' not in str(error.value)


def test_ground_truth_beyond_the_last_image_is_an_error(tmp_path, sequence):
    write_bag(sequence, tmp_path / 'bag')
    (tmp_path / 'gt.txt').write_text('7,1,1,2,3,4,1,-1,-1,-1')
    with pytest.raises(BagError, match=r'gt\.txt: has frame 7; .* has 6 images'):
        BagSource(tmp_path / 'bag', gt_file=tmp_path / 'gt.txt')
