"""Against whatever ``message_filters`` is importable: the real package or the stand-in."""

from types import SimpleNamespace

import pytest

pytest.importorskip('message_filters', reason='needs ROS 2 or the stand-ins')

from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from message_filters import ApproximateTimeSynchronizer, SimpleFilter, TimeSynchronizer


def _message(milliseconds):
    stamp = Time(sec=milliseconds // 1000, nanosec=milliseconds % 1000 * 1_000_000)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), at=milliseconds)


class Meeting:
    """Inputs, a synchronizer and what came out of it, in milliseconds."""

    def __init__(self, make, inputs=2):
        self.inputs = [SimpleFilter() for _ in range(inputs)]
        self.met = []
        make(self.inputs).registerCallback(lambda *m: self.met.append([x.at for x in m]))

    def send(self, which, *stamps):
        for stamp in stamps:
            self.inputs[which].signalMessage(_message(stamp))


def _exact(queue):
    return lambda inputs: TimeSynchronizer(inputs, queue)


def _approximate(queue, slop):
    return lambda inputs: ApproximateTimeSynchronizer(inputs, queue, slop)


def test_a_filter_passes_messages_on_with_the_arguments_of_each_callback():
    source, heard = SimpleFilter(), []
    source.registerCallback(lambda *args: heard.append(args), 'a')
    source.registerCallback(lambda *args: heard.append(args), 'b', 2)
    source.signalMessage('m')
    assert heard == [('m', 'a'), ('m', 'b', 2)]


def test_exact_needs_equal_stamps_in_any_order():
    meeting = Meeting(_exact(5))
    meeting.send(0, 10, 20)
    meeting.send(1, 11, 20, 10)
    assert meeting.met == [[20, 20], [10, 10]]


def test_exact_hands_each_message_on_once():
    meeting = Meeting(_exact(5))
    meeting.send(0, 10)
    meeting.send(1, 10, 10)
    assert meeting.met == [[10, 10]]


def test_exact_waits_for_all_inputs():
    meeting = Meeting(_exact(5), inputs=3)
    meeting.send(0, 10)
    meeting.send(1, 10)
    assert meeting.met == []
    meeting.send(2, 10)
    assert meeting.met == [[10, 10, 10]]


def test_the_oldest_stamps_leave_a_full_queue():
    meeting = Meeting(_exact(2))
    meeting.send(0, 10, 20, 30)
    meeting.send(1, 10, 20)
    assert meeting.met == [[20, 20]]


def test_a_stamp_older_than_a_full_queue_is_gone_at_once():
    for make in (_exact(2), _approximate(2, 0.05)):
        meeting = Meeting(make)
        meeting.send(1, 10)
        meeting.send(0, 500, 600, 10)
        assert meeting.met == []


def test_approximate_takes_what_is_closer_than_the_slop():
    meeting = Meeting(_approximate(5, 0.05))
    meeting.send(0, 1000)
    meeting.send(1, 1049)
    meeting.send(0, 2000)
    meeting.send(1, 2050, 2051)
    assert meeting.met == [[1000, 1049]]


def test_approximate_takes_the_nearest():
    meeting = Meeting(_approximate(5, 0.1))
    meeting.send(0, 1000, 1040, 1080)
    meeting.send(1, 1045)
    meeting.send(1, 1081)
    assert meeting.met == [[1040, 1045], [1080, 1081]]


def test_a_callback_may_be_registered_after_messages_came():
    source = [SimpleFilter(), SimpleFilter()]
    synchronizer = TimeSynchronizer(source, 5)
    source[0].signalMessage(_message(10))
    met = []
    synchronizer.registerCallback(lambda *messages: met.append(messages))
    source[1].signalMessage(_message(10))
    assert len(met) == 1


class _Model:
    """The rules in words: newest ``queue`` stamps of each input; nearest first, each once."""

    def __init__(self, queue, slop):
        self.waiting = [[], []]
        self.queue, self.slop = queue, slop
        self.met = []

    def send(self, which, stamp):
        own, other = self.waiting[which], self.waiting[1 - which]
        if stamp not in own:
            own.append(stamp)
        while len(own) > self.queue:
            own.remove(min(own))
        near = min(other, key=lambda s: abs(s - stamp), default=None)
        if stamp not in own or near is None or not self._is_close(stamp, near):
            return
        own.remove(stamp)
        other.remove(near)
        self.met.append([stamp, near] if which == 0 else [near, stamp])

    def _is_close(self, a, b):
        return a == b if self.slop is None else abs(a - b) < self.slop


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40)), max_size=40),
    st.integers(1, 4),
    st.sampled_from([None, 3, 10]),
)
def test_any_order_of_messages_is_paired_by_the_rules(events, queue, slop):
    make = _exact(queue) if slop is None else _approximate(queue, slop / 1000)
    meeting, model = Meeting(make), _Model(queue, slop)
    for which, stamp in events:
        meeting.send(which, stamp)
        model.send(which, stamp)
    assert meeting.met == model.met
