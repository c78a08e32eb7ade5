import threading

from person_mtl_ros.nodes.latest_worker import LatestWorker

DEADLINE_SEC = 20.0


class Work:
    """Work that waits for a word before it ends."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.done = []

    def __call__(self, item):
        self.begun.release()
        assert self.may_end.acquire(timeout=DEADLINE_SEC)
        if isinstance(item, Exception):
            raise item
        self.done.append((item, threading.current_thread()))


def test_the_newest_item_replaces_the_one_that_waits():
    work = Work()
    worker = LatestWorker(work, print)
    assert worker.put('first') is False
    assert work.begun.acquire(timeout=DEADLINE_SEC)
    assert worker.put('second') is False
    assert worker.put('third') is True
    work.may_end.release(2)
    assert work.begun.acquire(timeout=DEADLINE_SEC)
    assert worker.stop() is False
    assert [item for item, _ in work.done] == ['first', 'third']


def test_work_is_done_in_one_thread_that_is_not_the_callers():
    work = Work()
    worker = LatestWorker(work, print)
    for item in range(3):
        worker.put(item)
        assert work.begun.acquire(timeout=DEADLINE_SEC)
        work.may_end.release()
    worker.stop()
    threads = {thread for _, thread in work.done}
    assert len(threads) == 1 and threading.current_thread() not in threads


def test_an_error_is_handed_over_and_the_next_item_works():
    work, errors = Work(), []
    worker = LatestWorker(work, errors.append)
    failure = RuntimeError('device lost')
    work.may_end.release(2)
    worker.put(failure)
    assert work.begun.acquire(timeout=DEADLINE_SEC)
    worker.put('next')
    assert work.begun.acquire(timeout=DEADLINE_SEC)
    worker.stop()
    assert errors == [failure]
    assert [item for item, _ in work.done] == ['next']


def test_stopping_finishes_the_item_at_work_and_tells_of_the_one_that_waits():
    work = Work()
    worker = LatestWorker(work, print)
    worker.put('at work')
    assert work.begun.acquire(timeout=DEADLINE_SEC)
    worker.put('waiting')
    threading.Timer(0.05, work.may_end.release).start()
    assert worker.stop() is True
    assert [item for item, _ in work.done] == ['at work']


def test_stopping_an_idle_worker_ends_it():
    before = threading.active_count()
    worker = LatestWorker(print, print)
    assert worker.stop() is False
    assert threading.active_count() == before
