"""The part of ``message_filters`` that person_mtl uses, for machines without it."""

import threading

from rclpy.time import Time

__all__ = ['ApproximateTimeSynchronizer', 'SimpleFilter', 'TimeSynchronizer']


class SimpleFilter:
    """A source of messages that others register with."""

    def __init__(self):
        self._callbacks = []

    def registerCallback(self, callback, *args):
        """Call ``callback(message, *args)`` for every message; returns the connection's number."""
        self._callbacks.append((callback, args))
        return len(self._callbacks) - 1

    def signalMessage(self, *messages):
        """Pass messages on."""
        for callback, args in self._callbacks:
            callback(*messages, *args)


class TimeSynchronizer(SimpleFilter):
    """Pass messages on together when all inputs have one with the same stamp."""

    def __init__(self, fs, queue_size):
        super().__init__()
        self.queue_size = queue_size
        self.lock = threading.Lock()
        self.queues = [{} for _ in fs]
        for source, queue in zip(fs, self.queues, strict=True):
            source.registerCallback(self.add, queue)

    def add(self, message, queue):
        """Take a message of one input; keep the newest ``queue_size`` stamps."""
        with self.lock:
            queue[Time.from_msg(message.header.stamp).nanoseconds] = message
            while len(queue) > self.queue_size:
                del queue[min(queue)]
            self._match(Time.from_msg(message.header.stamp).nanoseconds, queue)

    def _match(self, stamp, _):
        if all(stamp in queue for queue in self.queues):
            self.signalMessage(*(queue.pop(stamp) for queue in self.queues))


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """Pass messages on together when all inputs have one closer than ``slop`` seconds."""

    def __init__(self, fs, queue_size, slop):
        self.slop_ns = int(slop * 1e9)
        super().__init__(fs, queue_size)

    def _match(self, stamp, own):
        stamps = [
            stamp if queue is own else min(queue, key=lambda s: abs(s - stamp), default=None)
            for queue in self.queues
        ]
        if stamp not in own:  # older than all of a full queue
            return
        if None in stamps or max(stamps) - min(stamps) >= self.slop_ns:
            return
        self.signalMessage(*(queue.pop(s) for queue, s in zip(self.queues, stamps, strict=True)))
