import time
from collections import Counter
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from bench import detections_at, header_at, image_at
from hypothesis import given, settings
from hypothesis import strategies as st

from person_mtl_ros.nodes import pairing
from person_mtl_ros.nodes.pairing import Pairing, PairingParams

SILENT_SEC = 10.0


class Books(Counter):
    """Counters of a node without the node."""

    def count(self, name, amount=1):
        self[name] += amount

    tick = count

    def latency(self, stage, seconds):
        self[f'{stage} timed'] += 1
        self[f'{stage} seconds'] += seconds


class Logger:
    def __init__(self):
        self.lines = []

    def warning(self, text, **_):
        self.lines.append(text)

    error = warning


class Desk:
    """A pairing, what came out of it and its books."""

    def __init__(self, on_pair=None, queue_parameter='sync_queue', **params):
        self.pairs = []
        self.books = Books()
        self.log = Logger()
        self.pairing = Pairing(
            SimpleNamespace(get_logger=lambda: self.log),
            PairingParams(**params),
            self.books,
            partner='detections',
            on_pair=on_pair or (lambda *pair: self.pairs.append([_seconds(m) for m in pair])),
            queue_parameter=queue_parameter,
        )

    def image(self, *stamps):
        for stamp in stamps:
            self.pairing.add_image(SimpleNamespace(header=header_at(stamp)))

    def detections(self, *stamps):
        for stamp in stamps:
            self.pairing.add_partner(SimpleNamespace(header=header_at(stamp)))

    def accounts(self, name):
        refused = sum(v for k, v in self.books.items() if k.startswith(f'{name} refused'))
        dropped = sum(v for k, v in self.books.items() if k.startswith(f'{name} dropped'))
        return self.books['pairs'], refused, dropped


def _seconds(message):
    return round(message.header.stamp.sec + message.header.stamp.nanosec / 1e9, 6)


def test_equal_stamps_are_paired_in_either_order():
    desk = Desk()
    desk.image(1.0)
    desk.detections(1.0, 2.0)
    desk.image(2.0)
    assert desk.pairs == [[1.0, 1.0], [2.0, 2.0]]


def test_how_long_images_wait_for_their_detections_is_told(monkeypatch):
    now = [100.0]
    monkeypatch.setattr('person_mtl_ros.nodes.pairing.time.monotonic', lambda: now[0])
    desk = Desk()
    desk.image(1.0, 2.0)
    now[0] += 0.25
    desk.detections(2.0, 3.0)
    now[0] += 0.5
    desk.image(3.0)
    assert desk.books['pairing timed'] == 2
    assert desk.books['pairing seconds'] == 0.25


def test_exact_takes_nothing_but_equal_stamps():
    desk = Desk()
    desk.image(1.0)
    desk.detections(1.000001)
    assert desk.pairs == []
    assert desk.pairing.waiting_images == 1


def test_late_detections_find_their_image_while_it_is_kept():
    desk = Desk(sync_queue=3)
    desk.image(1.0, 1.1, 1.2)
    desk.detections(1.0, 1.1)
    desk.image(1.3)
    desk.detections(1.2, 1.3)
    assert [pair[0] for pair in desk.pairs] == [1.0, 1.1, 1.2, 1.3]
    assert desk.pairing.waiting_images == 0


def test_images_that_wait_too_long_are_counted():
    desk = Desk(sync_queue=2)
    desk.image(1.0, 1.1, 1.2, 1.3)
    assert desk.books['image dropped: no detections with its stamp'] == 2
    assert desk.pairing.waiting_images == 2
    desk.detections(1.0, 1.2)
    assert desk.pairs == [[1.2, 1.2]]


def _play(desk, monkeypatch, delay_sec, seconds=10, rate=30, shift_sec=0.0):
    """Images, and detections that arrive later; their stamps are wrong by a shift."""
    now = [100.0]
    monkeypatch.setattr(pairing.time, 'monotonic', lambda: now[0])
    stamps = [1.0 + index / rate for index in range(seconds * rate)]
    arrivals = [(stamp, desk.image, stamp) for stamp in stamps]
    arrivals += [(stamp + delay_sec, desk.detections, stamp + shift_sec) for stamp in stamps]
    for when, send, stamp in sorted(arrivals, key=lambda arrival: arrival[0]):
        if when <= stamps[-1]:
            now[0] = 100.0 + when
            send(stamp)


def test_one_second_of_latency_at_30_hz_is_bridged(monkeypatch):
    desk = Desk()
    _play(desk, monkeypatch, delay_sec=0.99)
    assert len(desk.pairs) == 270


@pytest.mark.parametrize('sync', ['exact', 'approximate'])
def test_detections_later_than_the_queue_are_told_from_wrong_stamps(monkeypatch, sync):
    desk = Desk(sync=sync, sync_slop=0.01, sync_queue=15)
    _play(desk, monkeypatch, delay_sec=0.57)
    assert desk.pairs == []
    assert desk.pairing.explain_silence(SILENT_SEC) == (
        'detections arrive 0.57 s after their image, which is no longer kept: sync_queue is 15, '
        'set it to at least 18'
    )
    for name in ('image', 'detections'):
        assert desk.books[f'{name} dropped: detections too late for sync_queue'] > 200
    late = desk.books['detections too late timed']
    assert late == desk.books['detections received'] == 282
    assert desk.books['detections too late seconds'] == pytest.approx(late * 0.57)
    enough = Desk(sync=sync, sync_slop=0.01, sync_queue=18)
    _play(enough, monkeypatch, delay_sec=0.57)
    assert len(enough.pairs) == 282


def test_a_queue_has_the_name_that_users_know_it_by(monkeypatch):
    desk = Desk(queue_parameter='image_queue', sync_queue=2)
    _play(desk, monkeypatch, delay_sec=0.5)
    assert 'image_queue is 2, set it to at least 16' in desk.pairing.explain_silence(SILENT_SEC)
    assert desk.books['image dropped: detections too late for image_queue']


def test_detections_that_no_queue_can_wait_for_fall_behind(monkeypatch):
    desk = Desk()
    _play(desk, monkeypatch, delay_sec=8.0)
    text = desk.pairing.explain_silence(SILENT_SEC)
    assert '8.00 s after' in text and '241 images later' in text and 'falls behind' in text


@pytest.mark.parametrize('sync', ['exact', 'approximate'])
def test_wrong_stamps_are_not_taken_for_late_detections(monkeypatch, sync):
    desk = Desk(sync=sync, sync_slop=0.01)
    _play(desk, monkeypatch, delay_sec=0.1, shift_sec=0.015)
    assert 'stamps do not match' in desk.pairing.explain_silence(SILENT_SEC)
    assert not any('too late' in name for name in desk.books)


def test_lateness_is_forgotten_with_detections_in_time():
    desk = Desk(sync_queue=2)
    desk.image(1.0, 1.1, 1.2)
    desk.detections(1.0)
    assert 'at least 3' in desk.pairing.explain_silence(SILENT_SEC)
    desk.detections(1.1, 1.15)
    assert 'stamps do not match' in desk.pairing.explain_silence(SILENT_SEC)


def test_detections_that_wait_too_long_are_counted():
    desk = Desk(sync_queue=2)
    desk.detections(1.0, 1.1, 1.2)
    assert desk.books['detections dropped: no image with its stamp'] == 1


def test_approximate_pairs_within_the_slop_only():
    desk = Desk(sync='approximate', sync_slop=0.05)
    desk.image(1.0)
    desk.detections(1.04)
    desk.image(2.0)
    desk.detections(2.06)
    assert desk.pairs == [[1.0, 1.04]]


def test_approximate_takes_the_nearest_image():
    desk = Desk(sync='approximate', sync_slop=0.05)
    desk.image(1.0, 1.03, 1.06)
    desk.detections(1.032)
    assert desk.pairs == [[1.03, 1.032]]
    assert desk.pairing.waiting_images == 2


@pytest.mark.parametrize('stamp', [0.0, -1.0, -1e9])
def test_a_stamp_that_was_never_set_is_refused(stamp):
    desk = Desk()
    desk.image(stamp)
    assert desk.books['image refused: zero stamp'] == 1
    assert desk.pairing.waiting_images == 0


def test_repeated_and_late_stamps_are_refused():
    desk = Desk()
    desk.image(1.0, 1.5, 1.5, 1.4)
    assert desk.books['image refused: repeated stamp'] == 1
    assert desk.books['image refused: late'] == 1
    desk.detections(1.5)
    assert desk.pairs == [[1.5, 1.5]]


def test_time_that_jumps_back_starts_afresh():
    desk = Desk()
    desk.image(100.0, 100.1)
    desk.image(1.0)
    assert desk.books['time jumps back'] == 1
    assert desk.books['image dropped: time jumped back'] == 2
    desk.detections(1.0)
    assert desk.pairs == [[1.0, 1.0]]
    assert 'from 100.100 s to 1.000 s' in desk.log.lines[0]


def test_a_callback_that_raises_costs_its_pair_only():
    calls = []

    def fail_once(image, _):
        calls.append(_seconds(image))
        if len(calls) == 1:
            raise RuntimeError('broken')

    desk = Desk(on_pair=fail_once)
    desk.image(1.0, 2.0)
    desk.detections(1.0, 2.0)
    assert calls == [1.0, 2.0]
    assert desk.books['pairs dropped: error'] == 1
    assert 'broken' in desk.log.lines[0]


def test_silence_is_explained_by_what_has_arrived():
    desk = Desk()
    assert desk.pairing.explain_silence(SILENT_SEC) == 'no image received'
    desk.image(1.0)
    assert desk.pairing.explain_silence(SILENT_SEC) == 'no detections received'
    desk.detections(5.0)
    text = desk.pairing.explain_silence(SILENT_SEC)
    assert '1.000 s' in text and '5.000 s' in text and "sync 'exact'" in text


def test_silence_after_the_last_pair_is_no_matter_of_stamps():
    desk = Desk()
    desk.image(1.0)
    desk.detections(1.0)
    assert desk.pairing.explain_silence(SILENT_SEC) == 'no image received any more'
    desk.image(2.0)
    assert desk.pairing.explain_silence(SILENT_SEC) == 'no detections received any more'


def test_silence_of_inputs_that_have_stopped_is_no_matter_of_stamps(monkeypatch):
    desk = Desk()
    desk.image(1.0)
    desk.detections(1.0, 2.0)  # one image was lost
    desk.image(3.0)  # its detections were
    now = time.monotonic()
    monkeypatch.setattr(pairing.time, 'monotonic', lambda: now + SILENT_SEC)
    text = desk.pairing.explain_silence(SILENT_SEC)
    assert text == 'no image and no detections received any more'
    desk.image(4.0)
    assert desk.pairing.explain_silence(SILENT_SEC) == 'no detections received any more'
    desk.detections(5.0)
    assert 'stamps do not match' in desk.pairing.explain_silence(SILENT_SEC)


def test_silence_of_refused_messages_is_explained_by_the_refusal():
    desk = Desk()
    desk.image(0.0, 0.0)
    assert desk.pairing.explain_silence(SILENT_SEC) == 'image refused: zero stamp'
    desk.detections(1.0, 1.0)
    assert 'detections refused: repeated stamp' in desk.pairing.explain_silence(SILENT_SEC)
    desk.image(1.0)
    desk.detections(2.0)
    assert 'refused' not in desk.pairing.explain_silence(SILENT_SEC)


STAMPS = st.integers(-1, 60).map(lambda tenths: tenths / 10)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), STAMPS), max_size=60),
    st.sampled_from(['exact', 'approximate']),
    st.integers(1, 4),
)
def test_every_message_ends_in_exactly_one_account(events, sync, queue):
    desk = Desk(sync=sync, sync_slop=0.15, sync_queue=queue)
    for is_image, stamp in events:
        (desk.image if is_image else desk.detections)(stamp)
    waiting = {name: len(desk.pairing._waiting[name]) for name in ('image', 'detections')}
    assert waiting['image'] == desk.pairing.waiting_images <= queue
    for name, is_kind in (('image', True), ('detections', False)):
        received = sum(1 for is_image, _ in events if is_image == is_kind)
        assert desk.books[f'{name} received'] == received
        assert received == sum(desk.accounts(name)) + waiting[name]
    assert len(desk.pairs) == desk.books['pairs'] == desk.pairing.pairs
    limit = 0.0 if sync == 'exact' else 0.15
    assert all(abs(image - found) <= limit for image, found in desk.pairs)


def test_real_messages_are_handed_on_untouched():
    pairs = []
    desk = Desk(on_pair=lambda *pair: pairs.append(pair))
    image, detections = image_at(1.0), detections_at(1.0)
    desk.pairing.add_image(image)
    desk.pairing.add_partner(detections)
    assert pairs[0][0] is image and pairs[0][1] is detections


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'sync': 'sometimes'}, "sync is 'sometimes'; expected 'exact' | 'approximate'"),
        ({'sync_slop': 0.0}, 'sync_slop is 0.0; expected 0.001 <= x <= 10 s'),
        ({'sync_queue': 0}, 'sync_queue is 0; expected 1 <= x <= 200 messages'),
    ],
)
def test_parameters_out_of_bounds_are_refused(values, words):
    with pytest.raises(ValueError, match=words.replace('|', r'\|')):
        PairingParams(**values)
