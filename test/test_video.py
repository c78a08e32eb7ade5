import logging
import resource
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from person_mtl_ros.video import VideoError, VideoSource, VideoWriter, list_images, stamp_of

LEVELS = [0, 60, 120, 180, 240]


def write_levels(path, size=(64, 48)):
    """Video of uniformly grey frames."""
    with VideoWriter(path, 20.0) as video:
        for level in LEVELS:
            video.write(np.full((size[1], size[0], 3), level, np.uint8))


def test_written_video_reads_back_in_order(tmp_path):
    path = tmp_path / 'grey.mp4'
    write_levels(path)
    source = VideoSource(path)
    assert (source.frame_rate, source.size, source.length) == (20.0, (64, 48), 5)
    assert not source.is_live
    for _ in range(2):  # a recording can be iterated again
        frames = list(source)
        assert [index for index, _, _ in frames] == [1, 2, 3, 4, 5]
        assert [stamp for _, stamp, _ in frames] == [0.05, 0.1, 0.15, 0.2, 0.25]
        assert [image.mean() for _, _, image in frames] == pytest.approx(LEVELS, abs=4)
    assert list(tmp_path.iterdir()) == [path]


def test_source_stopped_half_way_starts_anew(tmp_path):
    path = tmp_path / 'grey.mp4'
    write_levels(path)
    with VideoSource(path) as source:
        assert next(iter(source))[0] == 1
        assert [index for index, _, _ in source] == [1, 2, 3, 4, 5]


def test_odd_sizes_lose_one_row_and_column(tmp_path):
    path = tmp_path / 'odd.mp4'
    write_levels(path, (65, 49))
    assert VideoSource(path).size == (64, 48)


def test_images_of_a_folder_come_in_numeric_order(tmp_path):
    for number in (10, 9, 1):
        cv2.imwrite(str(tmp_path / f'shot{number}.png'), np.full((8, 16, 3), number, np.uint8))
    (tmp_path / 'notes.txt').write_text('not an image')
    (tmp_path / '.hidden.png').write_bytes(b'')
    assert [path.name for path in list_images(tmp_path)] == [
        'shot1.png',
        'shot9.png',
        'shot10.png',
    ]
    source = VideoSource(tmp_path, frame_rate=4.0)
    assert (source.length, source.size, source.frame_rate) == (3, (16, 8), 4.0)
    assert [(i, s, int(image[0, 0, 0])) for i, s, image in source] == [
        (1, 0.25, 1),
        (2, 0.5, 9),
        (3, 0.75, 10),
    ]


def test_first_stamp_is_not_zero_and_stamps_are_whole_nanoseconds():
    assert stamp_of(1, 30.0) == 0.033333333
    assert stamp_of(30, 30.0) == 1.0


def fill(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda folder: folder / 'none.mp4', r'none\.mp4: no such video file'),
        (lambda folder: fill(folder / 'a.mp4', b''), r'a\.mp4: not a readable video \(0 bytes\)'),
        (lambda folder: fill(folder / 'a.avi', b'x' * 500), r'not a readable video \(500 bytes\)'),
        (lambda folder: folder, 'no images in this folder'),
        (lambda folder: fill(folder / 'a.jpg', b'x').parent, r'a\.jpg: not a readable image'),
        (lambda folder: 99, 'camera 99 cannot be opened'),
        (lambda folder: '/dev/video99', 'camera /dev/video99 cannot be opened'),
    ],
    ids=['missing', 'empty', 'garbage', 'empty folder', 'broken image', 'camera', 'device'],
)
def test_unreadable_sources_are_named_in_one_line(tmp_path, capfd, make, message):
    with pytest.raises(VideoError, match=message) as error:
        VideoSource(make(tmp_path))
    assert '\n' not in str(error.value)
    assert capfd.readouterr() == ('', '')


def test_truncated_video_is_an_error(tmp_path):
    path = tmp_path / 'cut.mp4'
    write_levels(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(VideoError, match=r'cut\.mp4'):
        list(VideoSource(path))


def test_video_that_stops_decoding_is_said_in_the_log(shared_data, tmp_path, caplog):
    whole = (shared_data / 'mot15/TUD-Campus/TUD-Campus.mp4').read_bytes()
    middle = len(whole) // 2
    path = fill(tmp_path / 'hole.mp4', whole[:middle] + bytes(30000) + whole[middle + 30000 :])
    with caplog.at_level(logging.WARNING):
        count = len(list(VideoSource(path)))
    assert 0 < count < 71
    assert f'{count} of 71 frames decode' in caplog.text


def test_images_of_two_sizes_are_an_error(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.zeros((8, 16, 3), np.uint8))
    cv2.imwrite(str(tmp_path / '2.png'), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(VideoError, match=r'2\.png: 8x8 pixels, .* has 16x8'):
        list(VideoSource(tmp_path))


def test_failed_video_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / 'out.mp4', 10.0) as video:
        video.write(np.zeros((48, 64, 3), np.uint8))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@contextmanager
def files_cut_at(size):
    """Which to a writer is the same as a full disk; pytest must not print meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize('missing', [100000, 200], ids=['frames', 'index'])
def test_video_that_does_not_fit_is_an_error_and_leaves_the_old_one(missing, tmp_path, capfd):
    frames = np.random.default_rng(0).integers(0, 255, (20, 96, 128, 3), np.uint8)

    def write(path):
        with VideoWriter(path, 10.0) as video:
            for frame in frames:
                video.write(frame)

    write(tmp_path / 'whole.mp4')
    path = fill(tmp_path / 'out.mp4', b'old')
    size = (tmp_path / 'whole.mp4').stat().st_size - missing
    with (
        pytest.raises(VideoError, match=r'out\.mp4: 0 of 20 frames .* disk full'),
        files_cut_at(size),
    ):
        write(path)
    assert path.read_bytes() == b'old'
    assert len(list(tmp_path.iterdir())) == 2
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
    ('name', 'sizes', 'message'),
    [
        ('out.avi', [], 'ends in .mp4'),
        ('nowhere/out.mp4', [], 'does not exist'),
        ('out.mp4', [], 'no frame was written'),
        ('out.mp4', [(48, 64), (48, 32)], 'the video has 64x48'),
    ],
)
def test_videos_that_cannot_be_written_are_errors(tmp_path, name, sizes, message):
    with (
        pytest.raises(VideoError, match=message),
        VideoWriter(tmp_path / name, 10.0) as video,
    ):
        for size in sizes:
            video.write(np.zeros((*size, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
