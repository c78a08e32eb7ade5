import ast
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import Empty

import person_mtl_ros.nodes
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.qos import latched_profile, qos_profile

DEADLINE_SEC = 20.0
NODES = Path(person_mtl_ros.nodes.__file__).parent


def _attributes_set_by(path: Path) -> set[str]:
    """Names of what a file assigns to ``self``."""
    return {
        item.attr
        for item in ast.walk(ast.parse(path.read_text()))
        if isinstance(item, ast.Attribute)
        and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name)
        and item.value.id == 'self'
    }


@pytest.fixture(scope='module')
def context():
    made = rclpy.Context()
    rclpy.init(args=[], context=made, domain_id=0)
    yield made
    rclpy.shutdown(context=made)


@pytest.fixture(scope='module')
def attributes_of_rclpy(context):
    node = LifecycleNode('plain', context=context)
    names = set(dir(node))
    node.destroy_node()
    return names


class Moody(ManagedNode):
    """Has one of everything; its activation fails while it is told to."""

    node_name = 'moody'
    fails = False

    def configure(self):
        self.output = self.create_lifecycle_publisher(Empty, 'output', 1)

    def activate(self):
        self.worker = self.start_worker('items', 'output', self.work, lambda error: 'error')
        self.input = self.subscribe(Empty, 'input', self.work, qos_profile('reliable', 1))
        self.ticks = 0
        self.every(0.01, self.tick)
        if self.fails:
            raise RuntimeError('not today')

    def work(self, item):
        if item == 'bad':
            raise ValueError('item is bad')

    def tick(self):
        self.ticks += 1


@pytest.fixture
def moody(context):
    # The time of the simulator, which nobody publishes.
    made = Moody(context=context, parameter_overrides=[Parameter('use_sim_time', value=True)])
    yield made
    made.stop()
    made.destroy_node()


def _endpoints(node):
    return [len([*found]) for found in (node.subscriptions, node.timers)]


def test_a_failed_activation_leaves_nothing_behind(moody):
    assert moody.trigger_configure() == TransitionCallbackReturn.SUCCESS
    before = _endpoints(moody)
    moody.fails = True
    assert moody.trigger_activate() == TransitionCallbackReturn.FAILURE
    assert _endpoints(moody) == before
    assert not moody.worker._thread.is_alive()
    assert not moody.output.is_activated
    assert moody.diagnostics.status().message == 'inactive'
    moody.fails = False
    assert moody.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert moody.output.is_activated


def test_the_status_tells_the_state_of_the_life_cycle(moody):
    states = [moody.diagnostics.status().message]
    for trigger in ('configure', 'activate', 'deactivate', 'cleanup'):
        assert getattr(moody, f'trigger_{trigger}')() == TransitionCallbackReturn.SUCCESS
        states.append(moody.diagnostics.status().message)
    assert states == ['unconfigured', 'inactive', 'active', 'inactive', 'unconfigured']


def test_timers_and_diagnostics_run_without_a_clock_to_follow(moody, monkeypatch):
    published = []
    monkeypatch.setattr(moody.diagnostics._publisher, 'publish', published.append)
    assert moody.start()
    executor = SingleThreadedExecutor(context=moody.context)
    executor.add_node(moody)
    deadline = time.monotonic() + DEADLINE_SEC
    while not (moody.ticks and published) and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    assert moody.ticks and published


def _wait_for(condition):
    deadline = time.monotonic() + DEADLINE_SEC
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_work_that_fails_warns_until_it_succeeds_or_the_node_rests(moody):
    assert moody.start()
    moody.worker.put('bad')
    _wait_for(lambda: moody.diagnostics.status().message == 'output not published: item is bad')
    assert moody.diagnostics.status().level == DiagnosticStatus.WARN
    moody.worker.put('good')
    _wait_for(lambda: moody.diagnostics.status().message == 'active')
    moody.worker.put('bad')
    _wait_for(lambda: moody.diagnostics.counts().get('items dropped: error') == 2)
    assert moody.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert moody.diagnostics.status().message == 'inactive'


@pytest.fixture
def logged(moody, monkeypatch):
    """Lines that a node logs, in the order of their coming."""
    lines = []
    monkeypatch.setattr(
        rclpy.impl.rcutils_logger._rclpy,
        'rclpy_logging_rcutils_log',
        lambda severity, name, message, *place: lines.append(message),
    )
    return lines


def test_a_warning_that_repeats_hides_no_other_from_the_log(moody, logged):
    for _ in range(3):
        moody.warn('a', 'AAA')
        moody.warn('b', 'BBB')
    assert logged == ['AAA', 'BBB']


def test_a_topic_that_fails_often_hides_no_other_from_the_log(moody, logged):
    topics = [moody.guarded(topic, moody.work) for topic in ('left', 'right')]
    for _ in range(3):
        for take in topics:
            take('bad')
    assert logged == [f"message of '{topic}' dropped: item is bad" for topic in ('left', 'right')]


def test_a_worker_that_fails_often_hides_no_other_from_the_log(moody, logged):
    def fail(item):
        raise ValueError(item)

    workers = [moody.start_worker('items', name, fail, lambda _: 'error') for name in 'ab']
    for count in range(1, 4):
        for worker, item in zip(workers, ('of a', 'of b'), strict=True):
            worker.put(item)
        _wait_for(lambda n=count: moody.diagnostics.counts().get('items dropped: error') == 2 * n)
    assert sorted(logged) == ['of a', 'of b']


@pytest.fixture
def neighbour(context):
    made = rclpy.create_node('neighbour', context=context)
    yield made
    made.destroy_node()


UNRELIABLE = 'Best effort publisher and reliable subscription'
VOLATILE = 'Volatile publisher and transient local subscription'
BEST_EFFORT, RELIABLE = (qos_profile(name, 1) for name in ('best_effort', 'reliable'))


@pytest.mark.parametrize(
    ('wanted', 'offered', 'parameter', 'words'),
    [
        (RELIABLE, BEST_EFFORT, 'camera_qos', f'{UNRELIABLE}; set camera_qos to best_effort'),
        (RELIABLE, BEST_EFFORT, '', UNRELIABLE),
        (latched_profile(), RELIABLE, 'camera_qos', VOLATILE),
    ],
    ids=['parameter', 'reliability', 'durability'],
)
def test_a_qos_that_does_not_match_is_named_until_its_publisher_is_gone(
    moody, neighbour, wanted, offered, parameter, words
):
    assert moody.start()
    moody.subscribe(Empty, 'camera', print, wanted, parameter)
    executor = SingleThreadedExecutor(context=moody.context)
    executor.add_node(moody)

    def until(text):
        deadline = time.monotonic() + DEADLINE_SEC
        while moody.diagnostics.status().message != text and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
        assert moody.diagnostics.status().message == text

    neighbour.create_publisher(Empty, 'camera', latched_profile())  # which matches, and stays
    other = neighbour.create_publisher(Empty, 'camera', offered)
    until(f"a publisher of 'camera' offers a QoS that does not match: {words}")
    neighbour.destroy_publisher(other)
    until('active')
    executor.shutdown()


@pytest.mark.parametrize('path', [*NODES.glob('*_node.py')], ids=lambda path: path.stem)
def test_nodes_do_not_overwrite_what_rclpy_keeps_in_them(path, attributes_of_rclpy):
    # A list of services called _services, say, would end those of the parameters.
    assert not _attributes_set_by(path) & attributes_of_rclpy
