import cv2
import numpy as np

from person_mtl_ros.crops import CropParams
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.structures import Detection
from training.collect import collect
from training.datasets.crop_folder import CropFolder

CROP = CropParams(128, 64)


def _frames(count: int) -> list[Frame]:
    """Ten images a second; a person in red of score 0.9, one in blue of 0.2."""
    image = np.full((120, 160, 3), 128, np.uint8)
    image[20:100, 30:60] = (0, 0, 255)
    image[20:100, 100:130] = (255, 0, 0)
    detections = (
        Detection(np.array([30, 20, 60, 100], np.float32), 0.9, '', 0),
        Detection(np.array([100, 20, 130, 100], np.float32), 0.2, '', 1),
    )
    return [Frame(index + 1, index / 10, image, detections) for index in range(count)]


def test_people_are_cut_out_every_now_and_then(tmp_path):
    assert collect(_frames(25), tmp_path, CROP, every_sec=1.0, min_score=0.5) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        '000001_000.jpg',
        '000011_000.jpg',
        '000021_000.jpg',
    ]
    blue, green, red = cv2.imread(str(tmp_path / '000001_000.jpg'))[64, 32]
    assert red > 240 and max(blue, green) < 15


def test_what_was_collected_is_a_data_set(tmp_path):
    collect(_frames(3), tmp_path, CROP, every_sec=0.0, min_score=0.0)
    crops = CropFolder(tmp_path, CROP)
    assert len(crops) == 6
    assert crops[1].image_rgb.shape == (128, 64, 3)
    assert crops[1].image_rgb[64, 32, 2] > 240  # blue, and RGB


def test_frames_without_picture_are_passed_over(tmp_path):
    frames = [Frame(1, 0.0, None, _frames(1)[0].detections)]
    assert collect(frames, tmp_path, CROP, every_sec=0.0, min_score=0.0) == 0
