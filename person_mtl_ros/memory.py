"""What the C library does with the memory of images that are done with."""

import ctypes

# Names of mallopt(3) and our values, bytes.
_M_TRIM_THRESHOLD, _MOST_KEPT = -1, 256 << 20
_M_MMAP_THRESHOLD, _LARGEST_KEPT = (
    -3,
    32 << 20,
)  # a BGR image of 4K; glibc before 2.35 takes no more


def keep_memory_of_images() -> None:
    """
    Let this process keep the memory of an image for the next one.

    By default glibc gives blocks of this size back to the kernel and asks for them anew with
    every image; the page faults then cost more than the copies. Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)
