"""One thread that reads frames and hands them on at their rate."""

import math
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing

from person_mtl_ros.evaluation.sequence import Frame

READY_PERIOD_SEC = 0.1  # between two questions whether to begin
JOIN_SEC = 2.0  # that reading may take to end before it is left alone


class FramePlayer:
    """
    Plays frames in its own thread, so that a slow or hung camera delays nobody else.

    :param frames: read, and closed, in the thread.
    :param period_sec: from one frame to the next; a source may be slower.
    :param is_ready: asked until it says so, before the first frame is read.
    :param play: called with a frame and how long it took to read, in seconds.
    :param on_end: called after the last frame with None, or with the exception that ended it; not
        when it was stopped.
    """

    def __init__(
        self,
        frames: Generator[Frame, None, None],
        period_sec: float,
        is_ready: Callable[[], bool],
        play: Callable[[Frame, float], None],
        on_end: Callable[[Exception | None], None],
    ) -> None:
        self._frames = frames
        self._period_sec = period_sec
        self._is_ready = is_ready
        self._play = play
        self._on_end = on_end
        self._reading_since = math.inf  # time.monotonic
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name='player', daemon=True)
        self._thread.start()

    @property
    def waiting_sec(self) -> float:
        """How long it has been reading the next frame; 0 while it does something else."""
        return max(0.0, time.monotonic() - self._reading_since)

    def stop(self) -> bool:
        """
        Finish the frame at work, end the thread.

        :returns: False if the source does not answer; once it does, the thread closes it and ends.
        """
        self._stopping.set()
        self._thread.join(JOIN_SEC)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with closing(self._frames):
                while not self._stopping.is_set() and not self._is_ready():
                    self._stopping.wait(READY_PERIOD_SEC)
                self._play_all()
        except Exception as error:
            self._end(error)
        else:
            self._end(None)

    def _play_all(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(due - time.monotonic()):
            begin = self._reading_since = time.monotonic()
            frame = next(self._frames, None)
            read_sec = time.monotonic() - begin
            self._reading_since = math.inf
            if frame is None or self._stopping.is_set():
                return
            self._play(frame, read_sec)
            # What is late by less than a frame is made up for; more would come in a burst.
            due = max(due + self._period_sec, time.monotonic() - self._period_sec)

    def _end(self, error: Exception | None) -> None:
        self._reading_since = math.inf
        if not self._stopping.is_set():
            self._on_end(error)
