"""Life cycle, parameters, diagnostics and shutdown that all our nodes share."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.diagnostics import Diagnostics
from person_mtl_ros.nodes.latest_worker import LatestWorker
from person_mtl_ros.nodes.log_throttle import LogThrottle
from person_mtl_ros.nodes.message_gaps import MESSAGE_INFO_IS_GIVEN, MessageGaps
from person_mtl_ros.nodes.node_parameters import (
    ParameterError,
    declare_parameters,
    refuse_unknown_parameters,
    with_changes,
)
from person_mtl_ros.nodes.qos import qos_mismatch
from person_mtl_ros.parameters import parameter

# How often the log repeats itself.
WARNING_PERIOD_SEC = 10.0
ERROR_PERIOD_SEC = 5.0


@dataclass(frozen=True)
class LifeCycleParams:
    """What every node of this package has."""

    autostart: bool = parameter(
        True,
        'configure and activate at once; false waits for a lifecycle manager',
        read_only=True,
    )


class ManagedNode(LifecycleNode):
    """
    A lifecycle node that starts itself unless told not to.

    A node defines ``node_name`` and ``params_classes`` and overrides :meth:`configure` (load,
    warm up), its inverse :meth:`cleanup`, and :meth:`activate` (subscribe), whose inverse is kept
    in ``while_active``. What they raise is logged as one line and fails the transition.

    :raises ParameterError: for an unknown parameter or a value outside its bounds.
    """

    node_name: ClassVar[str]
    params_classes: ClassVar[tuple[type, ...]] = ()

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__(self.node_name, **node_arguments)
        try:
            self._life_cycle = declare_parameters(self, LifeCycleParams)
            self._params: dict[type, Any] = {
                cls: declare_parameters(self, cls) for cls in self.params_classes
            }
            refuse_unknown_parameters(self)
        except (ParameterError, ParameterException) as error:
            raise ParameterError(f'{self.node_name}: {error}') from error
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self.diagnostics = Diagnostics(self)
        # What is to be undone when the node is no longer active, the latest first.
        self.while_active = ExitStack()
        self._log_throttle = LogThrottle()
        self._outputs: list[Any] = []
        self._is_configured = False

    def params(self, params_class: type) -> Any:
        """Parameters of one of :attr:`params_classes` as they are now."""
        return self._params[params_class]

    def configure(self) -> None:
        """Load what takes time."""

    def activate(self) -> None:
        """Create subscriptions, timers and workers."""

    def cleanup(self) -> None:
        """Free what :meth:`configure` loaded."""

    def parameters_changed(self) -> None:
        """Use parameters that were changed while the node runs."""

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> Any:
        """Create a publisher that lives until :meth:`cleanup`."""
        self._outputs.append(super().create_lifecycle_publisher(*args, **kwargs))
        return self._outputs[-1]

    def every(self, period_sec: float, callback: Callable[[], None]) -> Timer:
        """Call back while the node is active, also where nobody publishes ``/clock``."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        timer = self.create_timer(period_sec, callback, clock=steady)
        self.while_active.callback(self.destroy_timer, timer)
        return timer

    def subscribe(
        self,
        message_type: Any,
        topic: str,
        callback: Callable[[Any], None],
        qos: QoSProfile,
        reliability_parameter: str = '',
    ) -> Subscription:
        """
        Subscribe while the node is active; say so when a publisher's QoS makes that impossible.

        A callback that raises costs its message, which is counted, and nothing else. Messages
        that never arrive are counted too, and how long the others were on the way is told: from
        when they were published, where the clocks agree, to their callback.

        :param reliability_parameter: the parameter that ``qos`` follows, if there is one.
        """
        guarded = self.guarded(topic, callback)
        gaps = MessageGaps()
        is_latched = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL

        def counted(message: Any, info: Any) -> None:
            lost = gaps.before(info)
            if lost:
                self.diagnostics.count(f'{topic} lost on the way', lost)
            way_ns = time.time_ns() - info.get('source_timestamp', math.inf)
            if way_ns >= 0 and not is_latched:
                self.diagnostics.latency(f'{topic} on the way', way_ns / 1e9)
            guarded(message)

        def watch_qos() -> None:
            publishers = self.get_publishers_info_by_topic(subscription.topic_name)
            why = qos_mismatch([p.qos_profile for p in publishers], qos, reliability_parameter)
            text = f"a publisher of '{topic}' offers a QoS that does not match: {why}"
            self.warn(f'qos of {topic}', text if why else '')

        subscription = self.create_subscription(
            message_type, topic, counted if MESSAGE_INFO_IS_GIVEN else guarded, qos
        )
        self.while_active.callback(self.destroy_subscription, subscription)
        self.every(1.0, watch_qos)
        return subscription

    def guarded(self, topic: str, callback: Callable[..., None]) -> Callable[..., None]:
        """Wrap what takes the messages of a topic: one that raises is counted and logged."""
        what = f'error in {topic}'

        def taken(*message: Any) -> None:
            text = ''
            try:
                callback(*message)
            except Exception as error:  # a message must never end the node
                if not self.context.ok():  # Ctrl-C ends the context before the callback
                    return
                text = f"message of '{topic}' dropped: {error}"
                self.diagnostics.count(f'messages dropped: {what}')
                if self._log_throttle.is_due(what, ERROR_PERIOD_SEC):
                    self.get_logger().error(text)
            self.diagnostics.warn(what, text)

        return taken

    def warn(self, what: str, text: str) -> None:
        """Warn in diagnostics, and now and then in the log; an empty text takes it back."""
        if text and self._log_throttle.is_due(what, WARNING_PERIOD_SEC):
            self.get_logger().warning(text)
        self.diagnostics.warn(what, text)

    def tell_age(self, header: Any) -> None:
        """Note how long ago the image of a result just published was taken."""
        age_ns = self.get_clock().now().nanoseconds - stamp_ns(header)
        if age_ns >= 0:  # negative: clocks differ
            self.diagnostics.latency('image stamp to output', age_ns / 1e9)

    def publishers_of(self, subscriptions: Sequence[Subscription]) -> str:
        """Say how many publishers the topics have, such as ``1 of /image, 0 of /detections``."""
        topics = [subscription.topic_name for subscription in subscriptions]
        return ', '.join(f'{self.count_publishers(topic)} of {topic}' for topic in topics)

    def start_worker(
        self,
        items: str,
        output: str,
        work: Callable[[Any], None],
        on_error: Callable[[Exception], str],
    ) -> LatestWorker[Any]:
        """
        Start a thread, while the node is active, for what takes long.

        Items that fail are counted and logged, and diagnostics warn until one succeeds.

        :param items: what it works on, for the counters.
        :param output: what comes out, for the warning.
        :param on_error: returns the reason in a few words.
        """
        what = f'no {output}'

        def reported(item: Any) -> None:
            work(item)
            self.diagnostics.warn(what, '')

        def failed(error: Exception) -> None:
            if not self.context.ok():  # Ctrl-C ends the context before the work
                return
            self.diagnostics.warn(what, f'{output} not published: {error}')
            self.diagnostics.count(f'{items} dropped: {on_error(error)}')
            if self._log_throttle.is_due(what, ERROR_PERIOD_SEC):
                self.get_logger().error(str(error))

        worker = LatestWorker(reported, failed)
        self.while_active.callback(
            lambda: self.diagnostics.count(f'{items} dropped: deactivated', worker.stop())
        )
        return worker

    def start(self) -> bool:
        """
        Configure and activate, unless ``autostart`` is false.

        :returns: False when that failed; the reason has been logged.
        """
        if not self._life_cycle.autostart:
            return True
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def stop(self) -> None:
        """Bring the node down from whatever state it is in."""
        self._end_activity()
        self._clean_up()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        result = self._attempt(self.configure, super().on_configure, state)
        self._is_configured = result == TransitionCallbackReturn.SUCCESS
        if self._is_configured:
            self.diagnostics.state = 'inactive'
        else:
            self._clean_up()
        return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        # Publishers first: a subscription may deliver at once.
        super().on_activate(state)
        result = self._attempt(self.activate, lambda _: TransitionCallbackReturn.SUCCESS, state)
        if result == TransitionCallbackReturn.SUCCESS:
            self.diagnostics.state = 'active'
        else:
            self._end_activity()
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        return self._attempt(self._end_activity, super().on_deactivate, state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        return self._attempt(self._clean_up, super().on_cleanup, state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: D102
        return self._attempt(self.stop, super().on_shutdown, state)

    def _end_activity(self) -> None:
        self.while_active.close()
        self.diagnostics.clear_warnings()
        self.diagnostics.state = 'inactive'

    def _clean_up(self) -> None:
        self._is_configured = False
        self.diagnostics.state = 'unconfigured'
        self.cleanup()
        for publisher in self._outputs:
            self.destroy_lifecycle_publisher(publisher)
        self._outputs.clear()

    def _attempt(self, step: Any, then: Any, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            step()
        except Exception as error:  # rclpy passes no cause on: say it here
            self.get_logger().fatal(str(error))
            return TransitionCallbackReturn.FAILURE
        return then(state)

    def _on_set_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        changed = dict(self._params)
        for cls, params in self._params.items():
            changed[cls], result = with_changes(params, changes)
            if not result.successful:
                return result
        self._params = changed
        if self._is_configured:
            self.parameters_changed()
        return SetParametersResult(successful=True)
