"""What repeats is logged now and then."""

import math
import time


class LogThrottle:
    """
    Tells when something may be logged again.

    With a record for each subject; that of rclpy is one for each line of code, where a subject
    that repeats hides all others.
    """

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}  # time.monotonic by subject

    def is_due(self, subject: str, period_sec: float) -> bool:
        """Whether the subject has not been logged for a while; if so, it counts as logged now."""
        now = time.monotonic()
        if now - self._logged.get(subject, -math.inf) < period_sec:
            return False
        self._logged[subject] = now
        return True
