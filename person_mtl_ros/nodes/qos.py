"""Quality of service: profiles from what people write in parameter files, and do two match."""

from collections.abc import Iterable

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)

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


def qos_mismatch(
    offers: Iterable[QoSProfile], wanted: QoSProfile, reliability_parameter: str = ''
) -> str:
    """
    Say why a subscription hears nothing from a publisher; empty if it hears all.

    :param offers: profiles of the publishers.
    :param wanted: profile of the subscription.
    :param reliability_parameter: the parameter that ``wanted`` follows, if there is one.
    """
    for offer in offers:
        compatibility, reason = qos_check_compatible(offer, wanted)
        if compatibility == QoSCompatibility.ERROR:
            text = reason.strip(';').replace(';', ', ').replace('ERROR: ', '')
            if reliability_parameter and offer.reliability == ReliabilityPolicy.BEST_EFFORT:
                text += f'; set {reliability_parameter} to best_effort'
            return text
    return ''
