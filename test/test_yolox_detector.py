import numpy as np
import pytest
from yolox_network import save_yolox

from person_mtl_ros.yolox_detector import DetectorError, YoloxDetector, YoloxDetectorParams

BLUE, RED = (255, 0, 0), (0, 0, 255)  # BGR


def picture(height, width, *squares):
    """Black, with squares of (x, y, side, color)."""
    image = np.zeros((height, width, 3), np.uint8)
    for x, y, side, color in squares:
        image[y : y + side, x : x + side] = color
    return image


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return save_yolox(tmp_path_factory.mktemp('yolox') / 'yolox.onnx')


@pytest.fixture
def detector(network):
    return YoloxDetector(network, YoloxDetectorParams(yolox_side_px=64))


def boxes_of(detections):
    return [detection.box_xyxy.tolist() for detection in detections]


def test_people_are_where_they_are_and_others_are_not(detector):
    found = detector.detect(picture(64, 64, (16, 32, 8, BLUE), (40, 16, 8, RED)))
    # The middle of the cell is (20, 36); a person is 2 x 4 cells of 8 pixels.
    assert boxes_of(found) == [pytest.approx([12, 20, 28, 52], abs=1e-3)]
    assert found[0].score == pytest.approx(1, abs=1e-3)


def test_boxes_are_in_pixels_of_the_image_whatever_its_size(detector):
    found = detector.detect(picture(300, 400, (200, 100, 50, BLUE)))
    # One pixel of the network is 6.25 of the image, so that the square fills a cell.
    assert boxes_of(found) == [pytest.approx([175, 25, 275, 225], abs=0.1)]


def test_what_is_beside_the_image_is_nobody(detector):
    """The filling is grey, which this network takes for people."""
    assert detector.detect(picture(100, 400)) == []
    assert detector.detect(picture(400, 100)) == []


def test_boxes_end_at_the_border_of_the_image(detector):
    found = detector.detect(picture(64, 64, (0, 56, 8, BLUE)))
    assert boxes_of(found) == [pytest.approx([0, 44, 12, 64], abs=1e-3)]


def test_best_first_and_weak_ones_are_dropped(detector):
    squares = [(0, 32, 8, (64, 0, 0)), (24, 32, 8, (128, 0, 0)), (48, 32, 8, BLUE)]
    image = picture(64, 64, *squares)
    found = detector.detect(image)
    assert [round(d.score, 2) for d in found] == [1.0, 0.5, 0.25]
    assert [d.index for d in found] == [0, 1, 2]
    detector.params = YoloxDetectorParams(yolox_side_px=64, yolox_min_score=0.4)
    assert [round(d.score, 2) for d in detector.detect(image)] == [1.0, 0.5]


def test_of_boxes_that_overlap_the_best_is_kept(detector):
    # Neighbours in the same column: boxes 32 high, 8 apart, IoU 0.6.
    image = picture(64, 64, (24, 24, 8, (200, 0, 0)), (24, 32, 8, BLUE))
    assert len(detector.detect(image)) == 2
    detector.params = YoloxDetectorParams(yolox_side_px=64, yolox_max_overlap=0.5)
    assert [round(d.score, 2) for d in detector.detect(image)] == [1.0]


@pytest.mark.parametrize('size', [(1, 1), (1, 500), (500, 1), (7, 9), (33, 29)])
def test_images_of_any_size_are_looked_at(detector, size):
    assert detector.detect(picture(*size)) == []


def test_files_that_are_no_detector_are_named_in_one_line(tmp_path):
    with pytest.raises(DetectorError, match=r'missing\.onnx: no such file; expected a YOLOX'):
        YoloxDetector(tmp_path / 'missing.onnx')
    garbage = tmp_path / 'garbage.onnx'
    garbage.write_bytes(b'no network')
    with pytest.raises(DetectorError, match=r'garbage\.onnx: not a YOLOX network') as error:
        YoloxDetector(garbage)
    assert '\n' not in str(error.value)
    other = save_yolox(tmp_path / 'other.onnx', strides=(8, 16))
    with pytest.raises(
        DetectorError, match=r'output has the shape \(1, 40, 7\); expected \(1, 42'
    ):
        YoloxDetector(other)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'yolox_side_px': 400}, 'yolox_side_px is 400; expected a multiple of 32'),
        ({'yolox_min_score': 0.0}, 'yolox_min_score is 0.0'),
    ],
)
def test_parameters_out_of_bounds_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        YoloxDetectorParams(**change)
