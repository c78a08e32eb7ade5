"""The Fast DDS profile that lets large images through shared memory."""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory

# Jazzy and older: Fast DDS 2, which knows only the old name of the variable; 3 warns about it.
# launch/settings.launch.py has its own copy: a launch file cannot import this package.
DISTROS_WITH_FASTDDS_2 = ('humble', 'iron', 'jazzy')


def use_fastdds_profile() -> None:
    """
    Set the profile for this process and those it starts, unless the user has set one.

    By default Fast DDS gives a process 512 KB of shared memory and drops larger images. A variable
    that is set but empty means none.
    """
    profile = Path(get_package_share_directory('person_mtl')) / 'config' / 'fastdds.xml'
    is_old = os.environ.get('ROS_DISTRO') in DISTROS_WITH_FASTDDS_2
    prefix = 'FASTRTPS' if is_old else 'FASTDDS'
    variable = f'{prefix}_DEFAULT_PROFILES_FILE'
    if os.environ.setdefault(variable, str(profile)) == '':
        del os.environ[variable]  # Fast DDS would take it for the name of a file
