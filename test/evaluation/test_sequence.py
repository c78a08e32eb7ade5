import numpy as np
import pytest
from generated_sequences import HEIGHT, WIDTH, make_sequence

from person_mtl_ros.evaluation.sequence import SequenceError, load_sequence
from person_mtl_ros.video import VideoWriter


def write_video(path, frames, size=(WIDTH, HEIGHT)):
    with VideoWriter(path, 10.0) as video:
        for _ in range(frames):
            video.write(np.zeros((size[1], size[0], 3), np.uint8))


def test_frames_carry_stamps_pictures_and_detections(tmp_path):
    sequence = load_sequence(make_sequence(tmp_path / 'walk', images=6))
    frames = list(sequence)
    assert [frame.index for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert [frame.stamp_sec for frame in frames] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert all(frame.image_bgr.shape == (HEIGHT, WIDTH, 3) for frame in frames)
    assert [len(frame.detections) for frame in frames] == [1, 0, 1, 0, 0, 0]
    np.testing.assert_array_equal(frames[0].detections[0].box_xyxy, [10.5, 5.25, 30.5, 45.25])
    assert frames[0].detections[0].score == 0.9
    assert (sequence.name, sequence.frame_rate, len(sequence)) == ('walk', 10.0, 6)
    assert sequence.image_size == (WIDTH, HEIGHT)
    assert sequence.notes == ()
    assert len(list(sequence)) == 6  # again from the start


def test_sequence_without_pictures_and_files_is_empty_frames(tmp_path):
    sequence = load_sequence(make_sequence(tmp_path / 'blind', det=None, gt=None))
    assert [frame.image_bgr for frame in sequence] == [None] * 6
    assert [frame.detections for frame in sequence] == [()] * 6
    assert not sequence.has_detections
    assert sequence.ground_truth is None
    assert 'no pictures' in sequence.notes[0]


def test_sequence_ends_with_the_last_image_of_the_folder(tmp_path):
    sequence = load_sequence(make_sequence(tmp_path / 'short', images=2))
    assert len(list(sequence)) == len(sequence) == 2
    assert '2 of 6 images' in sequence.notes[0]


def test_video_with_all_frames_is_read(tmp_path):
    folder = make_sequence(tmp_path / 'video')
    write_video(folder / 'video.mp4', 6)
    assert len(list(load_sequence(folder))) == 6


def test_video_that_ends_too_early_is_an_error(tmp_path):
    folder = make_sequence(tmp_path / 'video')
    write_video(folder / 'video.mp4', 4)
    with pytest.raises(SequenceError, match=r'video\.mp4: ends after frame 4.*6 frames'):
        list(load_sequence(folder))


def test_unusable_boxes_are_left_out_and_counted(tmp_path):
    rows = [
        '1,-1,nan,5,20,40,0.9',
        '1,-1,10,5,0,40,0.9',
        '1,-1,10,5,20,-4,0.9',
        '1,-1,500,5,20,40,0.9',  # outside the image
        '1,-1,10,5,1e39,40,0.9',
        '1,-1,10,5,20,40,inf',
        '1,-1,10,5,20,40,0.7',
    ]
    sequence = load_sequence(make_sequence(tmp_path / 'bad', det='\n'.join(rows)))
    (detection,) = sequence.detections[0]
    assert (detection.score, detection.index) == (0.7, 0)
    assert 'left out 6 boxes' in sequence.notes[-1]


def test_margins_become_probabilities(tmp_path):
    det = '1,-1,10,5,20,40,0\n1,-1,10,5,20,40,-2\n1,-1,10,5,20,40,30\n'
    sequence = load_sequence(make_sequence(tmp_path / 'svm', det=det))
    scores = [detection.score for detection in sequence.detections[0]]
    assert scores == pytest.approx([0.5, 1 / (1 + np.exp(2)), 1.0])
    assert 'mapped' in sequence.notes[-1]


def test_scores_of_minus_one_mean_unknown(tmp_path):
    sequence = load_sequence(make_sequence(tmp_path / 'unknown', det='1,-1,10,5,20,40,-1\n'))
    assert sequence.detections[0][0].score == 1.0


def break_nothing_but(name, text):
    def breaker(folder):
        (folder / name).write_text(text)

    return breaker


def named(name):
    return (
        f'[Sequence]\nname={name}\nframeRate=10\nseqLength=6\nimWidth={WIDTH}\nimHeight={HEIGHT}\n'
    )


@pytest.mark.parametrize(
    ('breaker', 'message'),
    [
        (lambda folder: (folder / 'seqinfo.ini').unlink(), r'seqinfo\.ini: missing; expected'),
        (break_nothing_but('seqinfo.ini', 'what?'), r'seqinfo\.ini: not an INI file'),
        (
            break_nothing_but('seqinfo.ini', '[Sequence]\nframeRate=0\nseqLength=3'),
            r'frameRate is 0; expected',
        ),
        (
            break_nothing_but('seqinfo.ini', '[Sequence]\nframeRate=3'),
            r'seqLength is nothing; expected',
        ),
        (break_nothing_but('det/det.txt', '1,-1,1,2,3,4,1\n\n1,-1,x,2,3,4,1'), r'det\.txt:3: .*x'),
        (break_nothing_but('det/det.txt', '1,-1,1,2'), r'det\.txt:1: .*at least 7 numbers'),
        (break_nothing_but('det/det.txt', '0,-1,1,2,3,4,1'), r'det\.txt:1: frame 0'),
        (break_nothing_but('det/det.txt', '1.5,-1,1,2,3,4,1'), r'det\.txt:1: frame 1\.5'),
        (break_nothing_but('det/det.txt', 'nan,-1,1,2,3,4,1'), r'det\.txt:1: frame nan'),
        (break_nothing_but('det/det.txt', '1e300,-1,1,2,3,4,1'), r'det\.txt:1: frame 1e\+300'),
        (break_nothing_but('det/det.txt', '7,-1,1,2,3,4,1'), r'frame 7; .* 6 frames'),
        (
            break_nothing_but('gt/gt.txt', '1,1,1,2,3,4,1\n1,1,1,2,3,4,1'),
            r'gt\.txt:2: id 1 is twice',
        ),
        (break_nothing_but('gt/gt.txt', '1,-1,1,2,3,4,1'), r'gt\.txt:1: id -1; people have ids'),
        (break_nothing_but('gt/gt.txt', '1,1,1,2,3,4,1,99,1'), r'gt\.txt:1: class 99; expected'),
        (break_nothing_but('gt/gt.txt', '1,1,1,2,3,4,1,0,1'), r'gt\.txt:1: class 0; expected'),
        (break_nothing_but('seqinfo.ini', named('../../x')), r"name is '../../x'; expected one"),
        (break_nothing_but('seqinfo.ini', named('/x')), r"name is '/x'; expected one without"),
        (
            break_nothing_but('seqinfo.ini', named('x').replace('=6', '=100000000')),
            r'seqLength is 100000000; expected at most',
        ),
        (
            break_nothing_but('gt/gt.txt', '2,1,1,2,nan,4,1'),
            r'gt\.txt: the box of id 1 in frame 2',
        ),
        (lambda folder: (folder / 'img1/000003.png').unlink(), r'000004\.png: in the place of'),
        (break_nothing_but('img1/000001.png', 'no picture'), r'000001\.png: not a readable image'),
    ],
)
def test_broken_folders_are_named_in_one_line(tmp_path, breaker, message):
    folder = make_sequence(tmp_path / 'broken', images=6)
    breaker(folder)
    with pytest.raises(SequenceError, match=message) as error:
        load_sequence(folder)
    assert '\n' not in str(error.value)


def test_a_name_with_a_percent_sign_is_a_name(tmp_path):
    folder = make_sequence(tmp_path / 'half')
    (folder / 'seqinfo.ini').write_text(named('50%'))
    assert load_sequence(folder).name == '50%'


def test_broken_image_in_the_middle_is_named(tmp_path):
    folder = make_sequence(tmp_path / 'broken', images=6)
    (folder / 'img1/000004.png').write_bytes(b'')
    sequence = load_sequence(folder)
    with pytest.raises(SequenceError, match=r'000004\.png: not a readable image \(0 bytes\)'):
        list(sequence)


def test_wrong_picture_size_is_an_error(tmp_path):
    folder = make_sequence(tmp_path / 'size')
    write_video(folder / 'video.mp4', 6, (32, 32))
    with pytest.raises(SequenceError, match=r'32x32 pixels; .*96x64'):
        load_sequence(folder)


def test_two_videos_are_ambiguous(tmp_path):
    folder = make_sequence(tmp_path / 'two')
    for name in ('a.mp4', 'b.avi'):
        (folder / name).write_bytes(b'')
    with pytest.raises(SequenceError, match=r'2 videos \(a\.mp4, b\.avi\)'):
        load_sequence(folder)


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(SequenceError, match='no such folder'):
        load_sequence(tmp_path / 'nowhere')


@pytest.mark.parametrize(
    ('name', 'length', 'counted_rows', 'has_pictures'),
    [
        ('mot15/TUD-Campus', 71, 359, True),
        ('mot15/PETS09-S2L1', 795, 4476, True),
        ('mot15/KITTI-17', 145, 683, False),
        ('mot15/ETH-Sunnyday', 354, 1858, False),
        ('mot17-mini/MOT17-02-FRCNN', 4, 88, True),
    ],
)
def test_real_sequences_load(shared_data, name, length, counted_rows, has_pictures):
    sequence = load_sequence(shared_data / name)
    assert len(sequence) == length
    assert len(sequence.ground_truth.counted) == counted_rows
    assert sequence.has_detections
    frames = list(sequence)
    assert len(frames) == length
    assert all((frame.image_bgr is not None) == has_pictures for frame in frames)
