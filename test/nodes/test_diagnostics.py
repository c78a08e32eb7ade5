import threading

import pytest

pytest.importorskip('rclpy')

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus

from person_mtl_ros.nodes.diagnostics import MAX_ARRIVALS, Diagnostics


@pytest.fixture(scope='module')
def node():
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=0)
    made = rclpy.create_node('observed', namespace='robot', context=context)
    yield made
    made.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def diagnostics(node):
    return Diagnostics(node)


def _values(diagnostics):
    return {entry.key: entry.value for entry in diagnostics.status().values}


def test_a_node_with_nothing_to_complain_about_tells_its_state(diagnostics):
    status = diagnostics.status()
    assert (status.level, status.message) == (DiagnosticStatus.OK, 'unconfigured')
    assert status.name == 'robot/observed'
    assert list(status.values) == []
    diagnostics.state = 'active'
    assert diagnostics.status().message == 'active'


def test_counts_add_up(diagnostics):
    diagnostics.count('dropped')
    diagnostics.count('dropped', 4)
    assert diagnostics.counts() == {'dropped': 5}
    assert _values(diagnostics) == {'dropped': '5'}


def test_arrivals_have_a_count_and_a_rate(diagnostics, monkeypatch):
    now = [100.0]
    monkeypatch.setattr('person_mtl_ros.nodes.diagnostics.time.monotonic', lambda: now[0])
    for _ in range(20):
        diagnostics.tick('image received')
        now[0] += 0.1
    assert _values(diagnostics) == {'image received': '20', 'image received rate [Hz]': '10.0'}
    now[0] += 60.0
    assert _values(diagnostics)['image received rate [Hz]'] == '0.0'


def test_memory_does_not_grow_with_messages(diagnostics):
    for _ in range(3 * MAX_ARRIVALS):
        diagnostics.tick('image received')
    assert len(diagnostics._arrivals['image received']) == MAX_ARRIVALS
    assert diagnostics.counts()['image received'] == 3 * MAX_ARRIVALS


def test_latencies_are_percentiles_in_milliseconds(diagnostics):
    for milliseconds in range(1, 102):
        diagnostics.latency('forward', milliseconds / 1e3)
    values = _values(diagnostics)
    assert float(values['forward p50 [ms]']) == pytest.approx(51.0)
    assert float(values['forward p95 [ms]']) == pytest.approx(96.0)
    assert float(values['forward p99 [ms]']) == pytest.approx(100.0)


def test_warnings_show_until_they_are_taken_back(diagnostics):
    diagnostics.warn('silence', 'no image')
    diagnostics.warn('qos', 'best effort')
    status = diagnostics.status()
    assert (status.level, status.message) == (DiagnosticStatus.WARN, 'no image; best effort')
    diagnostics.warn('silence', '')
    assert diagnostics.status().message == 'best effort'
    diagnostics.warn('qos', '')
    assert diagnostics.status().level == DiagnosticStatus.OK
    diagnostics.warn('silence', 'no image')
    diagnostics.clear_warnings()
    assert diagnostics.status().level == DiagnosticStatus.OK


def test_the_device_is_the_hardware(diagnostics):
    diagnostics.set_value('device', 'cuda:1')
    assert diagnostics.status().hardware_id == 'cuda:1'


def test_threads_lose_no_count(diagnostics):
    def work():
        for _ in range(2000):
            diagnostics.count('n')
            diagnostics.latency('stage', 0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        diagnostics.status()
    for thread in threads:
        thread.join()
    assert diagnostics.counts()['n'] == 8000
