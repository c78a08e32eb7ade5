import threading
import time

import pytest

from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.nodes import frame_player
from person_mtl_ros.nodes.frame_player import FramePlayer

DEADLINE_SEC = 20.0


class Source:
    """Frames that can be waited for; notes whether it is closed."""

    def __init__(self, count=3, error=None):
        self.count, self.error = count, error
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_read = self.is_closed = False

    def frames(self):
        try:
            for index in range(1, self.count + 1):
                self.is_read = True
                self.goes_on.wait(DEADLINE_SEC)
                yield Frame(index, index / 30.0, None, ())
            if self.error is not None:
                raise self.error
        finally:
            self.is_closed = True


class Stage:
    """A player of a source and what came out of it."""

    def __init__(self, source, period_sec=0.001, is_ready=lambda: True):
        self.played, self.ends = [], []
        self.player = FramePlayer(
            source.frames(),
            period_sec,
            is_ready,
            lambda frame, read_sec: self.played.append(frame.index),
            self.ends.append,
        )


def _wait_for(condition):
    deadline = time.monotonic() + DEADLINE_SEC
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


@pytest.mark.parametrize('error', [None, ValueError('broken')])
def test_all_frames_are_played_and_the_end_is_told_once(error):
    source = Source(error=error)
    stage = Stage(source)
    _wait_for(lambda: stage.ends)
    assert stage.played == [1, 2, 3] and stage.ends == [error] and source.is_closed
    assert stage.player.stop()
    assert stage.ends == [error]


def test_nothing_is_read_before_it_is_ready():
    source, readers = Source(), []
    stage = Stage(source, is_ready=lambda: len(readers) > 1)
    for _ in range(2):
        assert not source.is_read
        readers.append('one')
    _wait_for(lambda: stage.ends)
    assert stage.played == [1, 2, 3]


def test_one_that_is_stopped_before_it_is_ready_reads_nothing():
    source = Source()
    stage = Stage(source, is_ready=lambda: False)
    assert stage.player.stop()
    assert not source.is_read and stage.ends == []


def test_frames_come_at_their_rate():
    now = time.monotonic()
    stage = Stage(Source(count=6), period_sec=0.05)
    _wait_for(lambda: stage.ends)
    # The first comes at once; one later than its time shortens the way to the next.
    assert time.monotonic() - now >= 4 * 0.05


def test_a_source_that_hangs_is_left_alone_and_closed_when_it_answers(monkeypatch):
    monkeypatch.setattr(frame_player, 'JOIN_SEC', 0.05)
    source = Source()
    source.goes_on.clear()
    stage = Stage(source)
    _wait_for(lambda: stage.player.waiting_sec > 0.1)
    assert not stage.player.stop()
    assert not source.is_closed
    source.goes_on.set()
    _wait_for(lambda: source.is_closed)
    assert stage.player.stop()
    assert stage.played == [] and stage.ends == [] and stage.player.waiting_sec == 0.0
