"""Messages that were published but never reached a callback."""

from typing import Any

from rclpy.subscription import Subscription

# rclpy hands what it knows of a message to callbacks from ROS 2 Iron on.
MESSAGE_INFO_IS_GIVEN = hasattr(Subscription, 'CallbackType')


class MessageGaps:
    """
    Finds gaps in the numbers that publishers give their messages.

    A full queue, of depth 1 where the latest image wins, and a lossy network both leave no other
    trace. Before ROS 2 Kilted messages do not say who published them; then no gap is found.
    """

    def __init__(self) -> None:
        self._newest: dict[bytes, int] = {}  # publisher -> number

    def before(self, info: Any) -> int:
        """
        Count the messages missing between the last one of a publisher and this one.

        :param info: what rclpy tells about this message.
        """
        publisher, number = info.get('publisher_gid'), info.get('publication_sequence_number')
        if publisher is None or number is None:
            return 0
        last = self._newest.get(publisher['data'], number)
        self._newest[publisher['data']] = max(last, number)
        return max(0, number - last - 1)
