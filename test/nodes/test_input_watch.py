from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from bench import detection, detections_at

from person_mtl_ros.detections import NOT_A_PERSON
from person_mtl_ros.nodes import input_watch
from person_mtl_ros.nodes.input_watch import InputWatch, InputWatchParams


class Room:
    """A watch, the warnings it gives and a clock to turn."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        self.warnings = {}
        monkeypatch.setattr(input_watch.time, 'monotonic', lambda: self.now)
        node = SimpleNamespace(
            params=lambda _: InputWatchParams(silence_warning=5.0),
            warn=self.warnings.__setitem__,
            publishers_of=lambda _: '1 of /image',
        )
        pairing = SimpleNamespace(explain_silence=lambda seconds: f'quiet for {seconds}')
        self.watch = InputWatch(node, pairing)

    def after(self, seconds):
        """Warnings some time later."""
        self.now += seconds
        self.watch.check([], ['person', '0'])
        return self.warnings


@pytest.fixture
def room(monkeypatch):
    return Room(monkeypatch)


def test_silence_is_warned_of_until_the_next_pair(room):
    assert room.after(4.0)['silence'] == ''
    text = 'no pair for 6 s: quiet for 6.0; publishers: 1 of /image'
    assert room.after(2.0)['silence'] == text
    room.watch.note_pair()
    assert room.after(4.0)['silence'] == ''


def test_class_ids_are_named_while_none_is_a_person(room):
    message = detections_at(1.0, *(detection(1, 1, 1, 1, name) for name in 'fbadceb'))
    room.watch.note_detections(message, 0, [NOT_A_PERSON] * 7)
    assert room.after(4.0)['classes'] == ''
    room.watch.note_detections(message, 0, [NOT_A_PERSON] * 7)
    assert room.after(2.0)['classes'] == (
        "no detection is a person for 6 s: their class ids are 'a', 'b', 'c', 'd', 'e'; "
        "person_class_ids is 'person', '0'"
    )


@pytest.mark.parametrize(
    ('people', 'faults'),
    [(1, [NOT_A_PERSON]), (0, []), (0, [NOT_A_PERSON, 'box not finite'])],
    ids=['person', 'nobody', 'broken'],
)
def test_only_images_with_nothing_but_other_classes_count(room, people, faults):
    message = detections_at(1.0, detection(1, 1, 1, 1, 'dog'))
    room.watch.note_detections(message, 0, [NOT_A_PERSON])
    room.watch.note_detections(message, people, faults)
    assert room.after(6.0)['classes'] == ''
