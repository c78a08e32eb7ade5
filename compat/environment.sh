# Environment to build on ROS 2 from PyPI wheels; sourced from the root of the checkout.
export AMENT_PREFIX_PATH="$PWD/.venv"
export CMAKE_PREFIX_PATH="$PWD/.venv"
export LD_LIBRARY_PATH="$PWD/.venv/lib"
export PATH="$PWD/.venv/bin:$PATH"
