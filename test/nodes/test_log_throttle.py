import pytest

pytest.importorskip('rclpy')

from person_mtl_ros.nodes import log_throttle
from person_mtl_ros.nodes.log_throttle import LogThrottle


def test_each_subject_is_logged_once_a_period(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(log_throttle.time, 'monotonic', lambda: now[0])
    throttle = LogThrottle()
    due = []
    for second in range(7):
        now[0] = second
        due += [(second, subject) for subject in 'ab' if throttle.is_due(subject, 3.0)]
    assert due == [(second, subject) for second in (0, 3, 6) for subject in 'ab']


def test_a_subject_that_began_later_keeps_its_own_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(log_throttle.time, 'monotonic', lambda: now[0])
    throttle = LogThrottle()
    assert throttle.is_due('a', 3.0)
    now[0] = 2.0
    assert throttle.is_due('b', 3.0)
    now[0] = 3.0
    assert throttle.is_due('a', 3.0) and not throttle.is_due('b', 3.0)
