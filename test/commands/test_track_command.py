import json

import cv2
import numpy as np
import pytest
from command_line import LENGTH, params_file, run
from evaluation.generated_sequences import HEIGHT, WIDTH, make_sequence

from person_mtl_ros.backends import DeviceError
from person_mtl_ros.commands import sources
from person_mtl_ros.evaluation.mot_files import read_mot_file
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.video import VideoError


def test_track_writes_tracks_people_and_a_video(walk, weights, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('track', walk, '--weights', weights, '--out', out) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        'overlay.mp4',
        'persons.jsonl',
        'tracks.txt',
    ]
    table = read_mot_file(out / 'tracks.txt', unique_ids=True)
    assert set(table.ids) == {1} and set(table.frames) <= set(range(1, LENGTH + 1))
    head, *lines = (json.loads(line) for line in (out / 'persons.jsonl').open())
    assert head['model_id'] and head['keypoint_names'][0] == 'head'
    assert [line['frame'] for line in lines] == list(range(1, LENGTH + 1))
    person = lines[-1]['persons'][0]
    assert person['track_id'] == 1 and person['state'] == 'CONFIRMED'
    assert len(person['embedding']) == 128 and set(person['attributes']) == set(head['attributes'])
    video = cv2.VideoCapture(str(out / 'overlay.mp4'))
    pictures = []
    while (item := video.read())[0]:
        pictures.append(item[1])
    assert [picture.shape for picture in pictures] == [(HEIGHT, WIDTH, 3)] * LENGTH
    assert '1 people' in capsys.readouterr().out


def test_track_finds_people_in_a_plain_video_by_itself(clip, weights, tmp_path, capsys):
    out = tmp_path / 'out'
    assert run('track', clip, '--weights', weights, '--out', out, '--no-overlay') == 0
    assert sorted(path.name for path in out.iterdir()) == ['persons.jsonl', 'tracks.txt']
    assert len((out / 'persons.jsonl').read_text().splitlines()) == 1 + 4
    assert 'no detections given, using hog' in capsys.readouterr().out


def test_a_device_that_fails_is_one_line(walk, weights, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise DeviceError('cuda:0 failed on a batch of 1: out of memory')

    monkeypatch.setattr(Predictor, 'predict', fail)
    out = tmp_path / 'out'
    assert run('track', walk, '--weights', weights, '--out', out) == 2
    assert capsys.readouterr().err == (
        'person-mtl track: cuda:0 failed on a batch of 1: out of memory\n'
    )
    assert list(out.iterdir()) == []


def test_track_that_breaks_in_the_middle_leaves_nothing_half_written(weights, tmp_path, capsys):
    folder = make_sequence(tmp_path / 'walk', images=6)
    (folder / 'img1' / '000004.png').write_bytes(b'broken')
    out = tmp_path / 'out'
    assert run('track', folder, '--weights', weights, '--out', out) == 2
    assert list(out.rglob('*')) == []
    assert '000004.png' in capsys.readouterr().err


class FakeCamera:
    """Four pictures, then what ends a camera."""

    frame_rate, size, length, is_live = 10.0, (128, 96), None, True

    def __init__(self, end, frames=4):
        self.end, self.frames = end, frames

    def __iter__(self):
        for index in range(1, self.frames + 1):
            yield index, 1000 + index / 10, np.full((96, 128, 3), 50 * index, np.uint8)
        raise self.end


CAMERA_ENDS = [KeyboardInterrupt(), VideoError('camera 0 stopped delivering after 4 frames')]


@pytest.mark.parametrize('end', CAMERA_ENDS, ids=['interrupt', 'unplugged'])
def test_what_a_camera_has_shown_is_kept_at_its_end(end, weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sources, 'VideoSource', lambda *_: FakeCamera(end))
    out = tmp_path / 'out'
    assert run('track', '0', '--weights', weights, '--out', out) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        'overlay.mp4',
        'persons.jsonl',
        'tracks.txt',
    ]
    assert len((out / 'persons.jsonl').read_text().splitlines()) == 1 + 4
    assert cv2.VideoCapture(str(out / 'overlay.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert '0 people in 4 frames' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('end', 'code'), list(zip(CAMERA_ENDS, (130, 2), strict=True)), ids=['interrupt', 'unplugged']
)
def test_a_camera_that_has_shown_nothing_leaves_nothing(end, code, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, 'VideoSource', lambda *_: FakeCamera(end, frames=0))
    out = tmp_path / 'out'
    assert run('track', '0', '--weights', weights, '--out', out) == code
    assert list(out.iterdir()) == []


def test_an_interrupted_recording_leaves_nothing(clip, weights, tmp_path, monkeypatch):
    recording = FakeCamera(KeyboardInterrupt())
    recording.is_live = False
    monkeypatch.setattr(sources, 'VideoSource', lambda *_: recording)
    out = tmp_path / 'out'
    assert run('track', clip, '--weights', weights, '--out', out) == 130
    assert list(out.iterdir()) == []


def test_a_folder_of_images_has_the_frame_rate_it_is_given(walk, weights, tmp_path):
    out = tmp_path / 'out'
    arguments = ('--frame-rate', '4', '--weights', weights, '--out', out)
    assert run('track', walk / 'img1', *arguments) == 0
    lines = (out / 'persons.jsonl').read_text().splitlines()
    assert [json.loads(line)['stamp_sec'] for line in lines[1:4]] == [0.25, 0.5, 0.75]


def test_tracker_parameters_come_from_the_file_of_the_nodes(walk, weights, tmp_path):
    params = params_file(tmp_path, 'confirm_sec: 60.0\n    publish_lost: true')
    out = tmp_path / 'out'
    arguments = ('--weights', weights, '--out', out, '--no-overlay')
    assert run('track', walk, *arguments, '--params', params) == 0
    assert (out / 'tracks.txt').read_text() == ''  # nobody is confirmed so early


def test_parameters_can_be_set_by_hand(walk, weights, tmp_path):
    params = params_file(tmp_path, 'confirm_sec: 0.0')
    for setting, is_empty in (('confirm_sec=60', True), ('gallery_size=0', False)):
        out = tmp_path / setting
        arguments = ('--weights', weights, '--out', out, '--no-overlay', '--set', setting)
        assert run('track', walk, *arguments, '--params', params) == 0
        assert ((out / 'tracks.txt').read_text() == '') == is_empty


def test_tracking_looks_at_as_many_people_as_it_is_told(weights, tmp_path):
    places = [(frame, 20 * person) for frame in range(1, LENGTH + 1) for person in range(2)]
    det = ''.join(f'{frame},-1,{left},5,16,40,0.9,-1,-1,-1\n' for frame, left in places)
    folder = make_sequence(tmp_path / 'two', length=LENGTH, images=LENGTH, det=det)
    arguments = ('--weights', weights, '--out', tmp_path, '--no-overlay')
    assert run('track', folder, *arguments, '--set', 'max_persons_per_frame=1') == 0
    frames = [json.loads(line) for line in (tmp_path / 'persons.jsonl').open()][1:]
    seen = [[p for p in frame['persons'] if p['is_matched']] for frame in frames]
    assert max(map(len, seen)) == 2
    assert all(sum('embedding' in person for person in persons) <= 1 for persons in seen)
    ages = {person['result_age_sec'] for persons in seen for person in persons}
    assert 0.0 in ages and len(ages) > 1
