"""What training takes of torchvision; see ``torchvision_import`` for why not directly."""

import person_mtl_ros.networks.torchvision_import  # noqa: F401, before all other imports of it

# isort: split
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

__all__ = ['F', 'InterpolationMode', 'tv_tensors', 'v2']
