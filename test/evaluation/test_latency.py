import pytest

from person_mtl_ros.evaluation.latency import WINDOW, Latency


def test_summary_gives_percentiles_per_stage():
    latency = Latency()
    for milliseconds in range(1, 102):
        latency.add('network', milliseconds / 1000)
    latency.add('crop', 0.5)
    summary = latency.summary()
    assert list(summary) == ['network', 'crop']
    assert summary['network'] == pytest.approx(
        {'count': 101, 'p50_sec': 0.051, 'p95_sec': 0.096, 'p99_sec': 0.1}
    )
    assert summary['crop'] == {'count': 1, 'p50_sec': 0.5, 'p95_sec': 0.5, 'p99_sec': 0.5}


def test_nothing_timed_is_an_empty_summary():
    assert Latency().summary() == {}


def test_block_is_timed_unless_it_raises():
    latency = Latency()
    with latency.stage('crop'):
        pass
    with pytest.raises(RuntimeError), latency.stage('network'):
        raise RuntimeError
    assert list(latency.summary()) == ['crop']
    assert latency.summary()['crop']['p50_sec'] >= 0


def test_only_the_latest_durations_count():
    latency = Latency()
    latency.add('crop', 1000.0)
    for _ in range(WINDOW):
        latency.add('crop', 1.0)
    summary = latency.summary()['crop']
    assert summary.pop('count') == WINDOW
    assert set(summary.values()) == {1.0}
