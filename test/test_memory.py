import platform
import resource
import subprocess
import sys

import pytest

# As a camera image passes through a node: several copies, then all of them are freed.
COPY_IMAGES = """
import resource, sys
from person_mtl_ros.memory import keep_memory_of_images
if sys.argv[1] == 'keep':
    keep_memory_of_images()
image = bytes(1280 * 720 * 3)
def faults_of_an_image():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    copies = [bytearray(image) for _ in range(4)]
    del copies
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(sorted(faults_of_an_image() for _ in range(20))[10])
"""


def _faults(mode: str) -> int:
    done = subprocess.run(
        [sys.executable, '-c', COPY_IMAGES, mode], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='needs glibc')
def test_the_memory_of_an_image_is_kept_for_the_next():
    pages = 4 * 1280 * 720 * 3 // resource.getpagesize()
    assert _faults('as it is') > pages // 2
    assert _faults('keep') < pages // 100
