import itertools

import numpy as np
import pytest

from person_mtl_ros.backends.frame_ring import FrameRing


class Buffer:
    def __init__(self) -> None:
        self.written: list[int] = []

    def write(self, image_bgr: np.ndarray) -> None:
        self.written.append(int(image_bgr[0]))


def _ring() -> tuple[FrameRing, list[Buffer]]:
    buffers = [Buffer(), Buffer()]
    return FrameRing(buffers), buffers


def test_the_next_image_comes_while_one_is_worked_on() -> None:
    ring, buffers = _ring()
    images = [np.array([i]) for i in range(5)]
    ring.prefetch(images[0])
    for image, following in itertools.pairwise(images):
        ring.prefetch(following)
        buffer = ring.take(image)
        assert buffer.written[-1] == image[0]
    assert [buffer.written for buffer in buffers] == [[0, 2, 4], [1, 3]]


def test_an_image_that_was_not_announced_is_brought_at_once() -> None:
    ring, _ = _ring()
    assert ring.take(np.array([7])).written == [7]


def test_an_image_that_was_announced_is_not_brought_again() -> None:
    ring, buffers = _ring()
    image = np.array([3])
    ring.prefetch(image)
    assert ring.take(image) is buffers[0]
    assert [buffer.written for buffer in buffers] == [[3], []]


@pytest.mark.parametrize('announced_between', [0, 1, 2])
def test_an_array_that_is_announced_again_holds_another_image(announced_between: int) -> None:
    ring, _ = _ring()
    image = np.array([1])
    ring.prefetch(image)  # never taken: nobody was there
    for number in range(announced_between):
        ring.prefetch(np.array([10 + number]))
    image[0] = 2
    ring.prefetch(image)
    assert ring.take(image).written[-1] == 2


def test_a_buffer_that_could_not_be_written_holds_no_image() -> None:
    ring, buffers = _ring()
    image = np.array([1])
    ring.prefetch(image)
    ring.prefetch(np.array([2]))
    with pytest.raises(IndexError):
        ring.prefetch(np.array([]))  # over the first, before it was taken
    assert ring.take(image).written[-1] == 1
    assert buffers[0].written == [1, 1]


def test_an_array_that_is_filled_anew_is_another_image() -> None:
    ring, _ = _ring()
    image = np.array([1])
    ring.take(image)
    image[0] = 2
    assert ring.take(image).written[-1] == 2


def test_equal_images_are_not_mistaken_for_each_other() -> None:
    ring, buffers = _ring()
    ring.prefetch(np.array([1]))
    ring.take(np.array([1]))
    assert [buffer.written for buffer in buffers] == [[1], [1]]
