import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = 'person_mtl_ros'
NUMPY_AND_OURS = ('numpy', f'{CORE}.parameters', f'{CORE}.structures')
ROS = [
    'ament_index_python',
    'builtin_interfaces',
    'cv_bridge',
    'diagnostic_msgs',
    'geometry_msgs',
    'launch',
    'launch_ros',
    'lifecycle_msgs',
    'message_filters',
    'nav_msgs',
    'person_mtl',
    'rcl_interfaces',
    'rclpy',
    'sensor_msgs',
    'std_msgs',
    'std_srvs',
    'vision_msgs',
    'visualization_msgs',
]

# A robot that runs an exported network has no torch.
TORCH = ('torch', 'torchvision', f'{CORE}.networks')

# What a part may import beside itself and the standard library.
ONLY = {
    f'{CORE}.parameters': (),
    f'{CORE}.structures': ('numpy',),
    f'{CORE}.crops': ('cv2', *NUMPY_AND_OURS),
    f'{CORE}.drawing': ('cv2', *NUMPY_AND_OURS),
    f'{CORE}.tracking': ('scipy', *NUMPY_AND_OURS),
    f'{CORE}.tasks': (),
    f'{CORE}.networks': ('torch', 'torchvision', f'{CORE}.tasks'),
    'launch': ('launch', 'launch_ros'),
}
# What all other parts may not import; the longest name that fits counts.
NEVER = {
    f'{CORE}.nodes': ('training', *TORCH),
    f'{CORE}.commands': ('training', *TORCH, *ROS),
    f'{CORE}.images': ('training', f'{CORE}.nodes', *TORCH, *set(ROS) - {'cv_bridge'}),
    f'{CORE}.evaluation': ('training', f'{CORE}.nodes', *TORCH, *ROS),
    f'{CORE}.benchmark_ceiling': ('training', f'{CORE}.nodes', *ROS),
    f'{CORE}.benchmark_network': ('training', f'{CORE}.nodes', *ROS),
    f'{CORE}.backends.export': ('training', f'{CORE}.nodes', *ROS),
    f'{CORE}.backends.torch_backend': ('training', f'{CORE}.nodes', *ROS),
    f'{CORE}.backends.torch_gpu': ('training', f'{CORE}.nodes', *ROS),
    CORE: ('training', f'{CORE}.nodes', *TORCH, *ROS),
    # Reads what the robot recorded.
    'training.collect': (f'{CORE}.nodes', f'{CORE}.tracking', *ROS),
    'training': (f'{CORE}.nodes', f'{CORE}.tracking', f'{CORE}.evaluation', *ROS),
}
PARTS = (CORE, 'training', 'launch')
FILES = sorted(path for part in PARTS for path in ROOT.glob(f'{part}/**/*.py'))


def is_in(module: str, parts) -> bool:
    return any(f'{module}.'.startswith(f'{part}.') for part in parts)


def imported(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return {name for name in names if name.split('.')[0] not in sys.stdlib_module_names}


def violations(module: str, source: str) -> set[str]:
    part = max((part for part in (*ONLY, *NEVER) if is_in(module, [part])), key=len)
    if part in ONLY:
        return {name for name in imported(source) if not is_in(name, (part, *ONLY[part]))}
    return {name for name in imported(source) if is_in(name, NEVER[part])}


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_imports_what_its_part_may(path):
    module = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    assert not violations(module, path.read_text())


@pytest.mark.parametrize(
    ('module', 'source', 'forbidden'),
    [
        (f'{CORE}.tracking.track', 'import torch', {'torch'}),
        (f'{CORE}.tracking.track', 'import math\nimport scipy.linalg', set()),
        (f'{CORE}.video', 'def f():\n    import rclpy.node', {'rclpy.node'}),
        (f'{CORE}.nodes.video_node', 'import rclpy', set()),
        (f'{CORE}.predictor', 'import torch.nn', {'torch.nn'}),
        (f'{CORE}.backends.torch_backend', 'import torch.nn', set()),
        (f'{CORE}.images', 'from cv_bridge import CvBridge', set()),
        (f'{CORE}.structures', f'from {CORE} import crops', {f'{CORE}.crops'}),
        ('training.engine', f'from {CORE}.nodes.qos import q', {f'{CORE}.nodes.qos.q'}),
    ],
)
def test_rules_tell_right_from_wrong(module, source, forbidden):
    assert violations(module, source) == forbidden
