"""One thread that always works on the newest item."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar('Item')


class LatestWorker(Generic[Item]):
    """
    Calls ``work(item)`` in its own thread; an item not yet begun is replaced by a newer one.

    So a slow network never makes a queue grow: latency stays below two processing times.

    :param work: what to do with an item.
    :param on_error: called with the exception when ``work`` raises; the thread goes on.
    """

    def __init__(
        self, work: Callable[[Item], None], on_error: Callable[[Exception], None]
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._item: Item | None = None
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name='worker', daemon=True)
        self._thread.start()

    def put(self, item: Item) -> bool:
        """
        Hand over an item.

        :returns: whether an older one that was still waiting is dropped for it.
        """
        with self._changed:
            dropped = self._item is not None
            self._item = item
            self._changed.notify()
        return dropped

    def stop(self) -> bool:
        """
        Finish the item at work, end the thread.

        :returns: whether an item that was still waiting is dropped.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        return self._item is not None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._item is not None)
                if self._stopping:
                    return
                item, self._item = self._item, None
            try:
                self._work(item)  # type: ignore[arg-type]
            except Exception as error:  # a message must never end the node
                self._on_error(error)
