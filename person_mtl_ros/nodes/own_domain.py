"""A ROS domain for oneself, so that nobody else's nodes answer."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Domains whose ports lie below those that Linux hands out to programs (32768 and up).
DOMAINS = range(1, 102)


@contextmanager
def own_domain() -> Iterator[int]:
    """
    Take a ROS domain in which no other program of this computer is, until the block ends.

    :raises RuntimeError: when all are taken.
    """
    folder = Path(tempfile.gettempdir())
    for domain_id in random.SystemRandom().sample(DOMAINS, len(DOMAINS)):
        # A lock ends with its process; the empty file may stay.
        with (folder / f'person_mtl_{os.getuid()}_{domain_id}.lock').open('a') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if _is_quiet(domain_id):
                yield domain_id
                return
    raise RuntimeError(f'none of the {len(DOMAINS)} ROS domains is free')


def _is_quiet(domain_id: int) -> bool:
    """Whether the first participant of a domain would get its port (RTPS 2.5, section 9.6.2.3)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', 7410 + 250 * domain_id))
        except OSError:
            return False
    return True
