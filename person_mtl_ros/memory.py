"""What the C library does with the memory of images that are done with."""

import ctypes
import sys

# Options of mallopt(3) and our values, bytes.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST_KEPT = 32 << 20  # a BGR image of 4K has 25 MB
MOST_KEPT = 256 << 20


def keep_memory_of_images() -> None:
    """
    Let this process keep the memory of an image for the next one.

    By default glibc gives blocks of this size back to the kernel and asks for them anew with
    every image; the page faults then cost more than the copies. Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None) if sys.platform == 'linux' else None
    if mallopt is not None and mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT):
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
