import sys

import cv2
import numpy as np
import pytest
from command_line import run
from evaluation.generated_sequences import make_sequence
from yolox_network import save_yolox

from person_mtl_ros.commands.errors import CommandError
from person_mtl_ros.commands.sources import detected_frames
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.yolox_detector import DetectorError


def test_a_bag_without_ros_is_one_line(tmp_path, monkeypatch, capsys):
    for module in ('person_mtl_ros.evaluation.bag_source', 'person_mtl_ros.images'):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    assert run('track', tmp_path / 'walk.mcap', '--out', tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'reading a bag needs ROS 2' in line and 'cv_bridge' in line


@pytest.mark.parametrize('command', ['track', 'evaluate'])
def test_the_log_tells_in_one_line_what_runs_the_network(walk, weights, tmp_path, caplog, command):
    arguments = ('--weights', weights, '--backend', 'torch', '--device', 'cpu')
    assert run(command, walk, *arguments, '--out', tmp_path) == 0
    messages = [record.getMessage() for record in caplog.records if record.name != 'root']
    assert messages == ['backend torch on cpu in fp32']


def test_a_detector_that_is_named_wins_over_the_detections_of_the_source(tmp_path):
    folder = make_sequence(
        tmp_path / 'blue', length=1, images=1, det='1,-1,10.5,5.25,20,40,0.9,-1,-1,-1\n', gt=None
    )
    image = np.zeros((64, 96, 3), np.uint8)
    image[24:48, 24:48] = (255, 0, 0)  # BGR; the network takes blue for people
    cv2.imwrite(str(folder / 'img1' / '000001.png'), image)
    sequence = load_sequence(folder)
    (own,) = (frame.detections for frame in detected_frames(sequence))
    assert [d.box_xyxy.tolist() for d in own] == [[10.5, 5.25, 30.5, 45.25]]
    network = save_yolox(tmp_path / 'yolox.onnx')
    (found,) = (frame.detections for frame in detected_frames(sequence, str(network)))
    x0, y0, x1, y1 = found[0].box_xyxy
    assert 24 < (x0 + x1) / 2 < 48 and 24 < (y0 + y1) / 2 < 48


def test_a_bag_that_was_not_ended_is_told_from_a_folder_of_images(tmp_path, capsys):
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'bag_0.mcap').touch()
    assert run('track', tmp_path / 'bag', '--out', tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'a bag without metadata.yaml' in line and 'bag_0.mcap' in line


def test_a_detector_needs_pictures_and_has_to_be_one(tmp_path):
    blind = load_sequence(make_sequence(tmp_path / 'blind'))
    with pytest.raises(CommandError, match='blind: no pictures, in which --detector could find'):
        detected_frames(blind, 'hog')
    seen = load_sequence(make_sequence(tmp_path / 'seen', images=6))
    with pytest.raises(DetectorError, match=r'nowhere\.onnx: no such file'):
        detected_frames(seen, str(tmp_path / 'nowhere.onnx'))
