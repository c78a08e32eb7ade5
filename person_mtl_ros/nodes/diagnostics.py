"""What a node tells about itself on ``/diagnostics``."""

import threading
import time
from collections import Counter, defaultdict, deque

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from person_mtl_ros.evaluation.latency import Latency

PERIOD_SEC = 1.0
RATE_WINDOW_SEC = 5.0
MAX_ARRIVALS = 1000  # per input, within the window


class Diagnostics:
    """
    Counters, rates and latencies of a node, published once a second.

    Counts never go back, so that a reader can tell how many of which kind in any interval.
    Thread safe.

    :param node: the node that speaks; the status is named after it.
    """

    def __init__(self, node: Node) -> None:
        self.state = 'unconfigured'  # of the life cycle; the message when all is well
        self._node = node
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._values: dict[str, str] = {}
        self._warnings: dict[str, str] = {}
        self._latency = Latency()
        self._arrivals: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MAX_ARRIVALS))
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = node.create_timer(
            # Also where nobody publishes /clock.
            PERIOD_SEC,
            self.publish,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[name] += amount

    def tick(self, name: str) -> None:
        """Note the arrival of a message, for its count and rate."""
        with self._lock:
            self._counts[name] += 1
            self._arrivals[name].append(time.monotonic())

    def latency(self, stage: str, seconds: float) -> None:
        """Add a measured time of a stage."""
        with self._lock:
            self._latency.add(stage, seconds)

    def set_value(self, name: str, value: object) -> None:
        """Show a value."""
        with self._lock:
            self._values[name] = str(value)

    def warn(self, topic: str, text: str) -> None:
        """Show a warning until it is taken back with an empty text."""
        with self._lock:
            self._warnings[topic] = text

    def clear_warnings(self) -> None:
        """Take all warnings back."""
        with self._lock:
            self._warnings.clear()

    def counts(self) -> dict[str, int]:
        """All counters so far."""
        with self._lock:
            return dict(self._counts)

    def status(self) -> DiagnosticStatus:
        """Everything known now."""
        now = time.monotonic()
        with self._lock:
            values = dict(self._values)
            values |= {name: str(count) for name, count in sorted(self._counts.items())}
            for name, arrivals in self._arrivals.items():
                recent = [t for t in arrivals if t > now - RATE_WINDOW_SEC]
                rate = len(recent) / (now - recent[0]) if len(recent) > 1 else 0.0
                values[f'{name} rate [Hz]'] = f'{rate:.1f}'
            for stage, times in self._latency.summary().items():
                for share in ('p50', 'p95', 'p99'):
                    values[f'{stage} {share} [ms]'] = f'{1e3 * times[f"{share}_sec"]:.2f}'
            warnings = [text for text in self._warnings.values() if text]
        return DiagnosticStatus(
            level=DiagnosticStatus.WARN if warnings else DiagnosticStatus.OK,
            name=self._node.get_fully_qualified_name().lstrip('/'),
            message='; '.join(warnings) or self.state,
            hardware_id=values.get('device', ''),
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )

    def publish(self) -> None:
        """Send the status."""
        message = DiagnosticArray(status=[self.status()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
