import subprocess
import sys
from pathlib import Path

from person_mtl_ros.networks import torchvision_import

ROOT = Path(torchvision_import.__file__).parents[2]


def test_import_survives_missing_operators() -> None:
    # A stand-in for torchvision that fails as the CUDA wheel does beside a CPU torch.
    program = """
import sys, types, importlib.abc, importlib.machinery
import torch

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == 'torchvision':
            importers.append(name)
            if not hasattr(torch.ops.torchvision, 'nms'):
                raise RuntimeError('operator torchvision::nms does not exist')
        return None

importers = []
sys.meta_path.insert(0, Finder())
import person_mtl_ros.networks.torchvision_import as module
assert module.torchvision.models.resnet18
"""
    subprocess.run([sys.executable, '-c', program], check=True, cwd=ROOT)


def test_only_one_module_of_each_part_imports_torchvision() -> None:
    importers = [
        path.name
        for folder in ('person_mtl_ros', 'training')
        for path in (ROOT / folder).rglob('*.py')
        if any(
            line.strip().startswith(('import torchvision', 'from torchvision'))
            for line in path.read_text().splitlines()
        )
    ]
    assert importers == ['torchvision_import.py', 'torchvision_v2.py']
