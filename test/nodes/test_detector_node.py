import cv2
import numpy as np
import pytest
from bench import Bench, header_at, image_at
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray
from yolox_network import save_yolox

from person_mtl_ros.nodes.conversions import byte_array, image_to_message, stamp_ns

NODE = 'detector_node'


class Street:
    """Publishes images to a running detector node."""

    def __init__(self, bench: Bench, message_type=Image, topic='image', **parameters) -> None:
        self.bench = bench
        bench.start(NODE, working_height_px=240, **parameters)
        self.images = bench.publisher(message_type, topic)
        self.found = bench.listen(Detection2DArray, 'detections')

    def show(self, message):
        """Publish an image until it is answered; discovery may still be under way."""
        wanted = stamp_ns(message.header)

        def is_answered():
            return any(stamp_ns(m.header) == wanted for m in self.found)

        while not is_answered():
            self.images.publish(message)
            self.bench.spin_for(0.2)
        return next(m for m in self.found if stamp_ns(m.header) == wanted)


@pytest.fixture(scope='module')
def street(shared_bench):
    return Street(shared_bench)


def _grey(stamp, height=240, width=320):
    return image_to_message(header_at(stamp), np.full((height, width, 3), 128, np.uint8))


def test_an_empty_array_is_published_when_nobody_is_there(street):
    answer = street.show(_grey(1.0))
    assert list(answer.detections) == []
    assert answer.header == header_at(1.0)


@pytest.mark.parametrize('size', [(1, 1), (8, 2000), (2000, 8), (64, 48)])
def test_images_of_any_size_are_answered(street, size):
    stamp = 10.0 + size[0] + size[1] / 10000
    assert street.show(_grey(stamp, *size)) is not None


def test_an_unreadable_image_is_counted_and_the_next_works(street):
    key = 'images dropped: image cannot be read'
    before = street.bench.count(NODE, key)
    broken = image_at(5.0)
    broken.encoding = 'jpeg2000'
    street.images.publish(broken)
    street.bench.until(lambda: street.bench.count(NODE, key) == before + 1)
    street.show(_grey(6.0))


def test_parameters_change_while_it_runs(street):
    def set_stride(value):
        parameters = [Parameter('stride_px', value=value).to_parameter_msg()]
        name = f'/{NODE}/set_parameters'
        return street.bench.call(SetParameters, name, parameters=parameters).results[0]

    assert set_stride(16).successful
    result = set_stride(12)
    assert not result.successful and 'multiple of 8' in result.reason
    street.show(_grey(7.0))


def test_compressed_images_are_read(bench):
    street = Street(bench, CompressedImage, 'image/compressed', image_transport='compressed')
    jpeg = cv2.imencode('.jpg', np.full((240, 320, 3), 128, np.uint8))[1]
    message = CompressedImage(header=header_at(1.0), format='jpeg', data=byte_array(jpeg))
    assert list(street.show(message).detections) == []
    key = 'images dropped: image cannot be read'
    street.images.publish(CompressedImage(header=header_at(2.0), format='jpeg'))
    bench.until(lambda: bench.count(NODE, key) == 1)


def test_a_yolox_network_of_the_user_finds_people(bench, tmp_path):
    network = save_yolox(tmp_path / 'yolox.onnx')  # takes blue for people
    street = Street(bench, network=str(network), yolox_side_px=64)
    image = np.zeros((64, 64, 3), np.uint8)
    image[32:40, 16:24] = (255, 0, 0)
    (found,) = street.show(image_to_message(header_at(1.0), image)).detections
    center = found.bbox.center.position
    assert (center.x, center.y) == pytest.approx((20, 36), abs=1e-3)
    assert found.results[0].hypothesis.score == pytest.approx(1, abs=1e-3)
    parameters = [Parameter('yolox_min_score', value=0.6).to_parameter_msg()]
    name = f'/{NODE}/set_parameters'
    assert bench.call(SetParameters, name, parameters=parameters).results[0].successful
    dimmed = image_to_message(header_at(2.0), image // 2)
    assert list(street.show(dimmed).detections) == []
