"""Quality-of-service profiles from the strings people write in parameter files."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

RELIABILITIES = ('best_effort', 'reliable')


def qos_profile(reliability: str, depth: int) -> QoSProfile:
    """
    Volatile keep-last profile.

    :param reliability: ``best_effort`` (matches every publisher) or ``reliable``.
    :param depth: messages kept for a slow reader.
    """
    return QoSProfile(
        reliability=ReliabilityPolicy.BEST_EFFORT
        if reliability == 'best_effort'
        else ReliabilityPolicy.RELIABLE,
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
    )


def latched_profile() -> QoSProfile:
    """Reliable, kept for whoever comes later."""
    return QoSProfile(
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
    )
