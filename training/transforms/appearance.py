"""
Changes how a crop looks, not where things are: colour, resolution, noise, covered places.

Clothes keep their colour, since attributes name it and ReID goes by it. All draw from torch's
generator.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.datasets.sample import HIDDEN, VISIBLE
from training.torchvision_v2 import F, InterpolationMode, tv_tensors, v2
from training.transforms.policy import AugmentationPolicy

BACKGROUND = 0  # class of what covers a person

_ImageOnly = (tv_tensors.Image,)


class ColorJitter(v2.Transform):
    """
    Change brightness, white balance, contrast and saturation, as one linear map of the colours.

    torchvision's ``ColorJitter`` has no white balance and takes a pass for each of the others.
    """

    _transformed_types = _ImageOnly

    def __init__(self, policy: AugmentationPolicy) -> None:
        super().__init__()
        self._policy = policy

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the (3, 3) matrix and the offset."""
        policy = self._policy
        normal = torch.randn(6).tolist()
        gain = np.exp(policy.gain * normal[0] + policy.white_balance * np.array(normal[1:4]))
        contrast = np.exp(policy.contrast * normal[4])
        saturation = np.exp(policy.saturation * normal[5])
        toward_gray = np.eye(3) * saturation + (1 - saturation) / 3
        matrix = contrast * toward_gray @ np.diag(gain)
        return {
            'matrix': torch.from_numpy(matrix.astype(np.float32)),
            'offset': float(128 * (1 - contrast)),
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> tv_tensors.Image:
        """Map the colours of (3, H, W) uint8."""
        pixels = inpt.as_subclass(Tensor).flatten(1).float()
        mapped = params['matrix'] @ pixels + params['offset']
        image = mapped.round_().clamp_(0, 255).to(torch.uint8).view(inpt.shape)
        return tv_tensors.Image(image)


class LowResolution(v2.Transform):
    """Shrink to 0.3 to 0.8 of the size and enlarge again, as if the person were far away."""

    _transformed_types = _ImageOnly

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the factor."""
        return {'scale': 0.3 + 0.5 * torch.rand(()).item()}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize (3, H, W) down, averaging, and up."""
        size = list(inpt.shape[1:])
        small = [max(round(params['scale'] * side), 1) for side in size]
        image = F.resize(inpt, small, InterpolationMode.BILINEAR, antialias=True)
        return F.resize(image, size, InterpolationMode.BILINEAR, antialias=True)


class SensorNoise(v2.Transform):
    """Add noise of a random strength up to ``largest``, the standard deviation in grey values."""

    _transformed_types = _ImageOnly

    def __init__(self, largest: float) -> None:
        super().__init__()
        self._largest = largest

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the strength."""
        return {'sigma': self._largest * torch.rand(()).item()}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Add it to (3, H, W) uint8."""
        return F.gaussian_noise(inpt, sigma=params['sigma'] / 255)


class RandomErasing(v2.Transform):
    """
    Cover a rectangle with one colour (random erasing, Zhong et al. 2020).

    torchvision's transform of that name knows only the image; here what it covers is background
    and a joint under it is hidden.
    """

    def forward(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """
        Cover a part of all fields.

        :param fields: ``image`` and where labelled ``keypoints``, ``states`` and ``parts``.
        """
        covered = dict(fields)
        height, width = fields['image'].shape[1:]
        extent_y, extent_x, place_y, place_x = torch.rand(4).tolist()
        h, w = int((0.1 + 0.3 * extent_y) * height), int((0.1 + 0.3 * extent_x) * width)
        top, left = int(place_y * (height - h + 1)), int(place_x * (width - w + 1))
        color = torch.randint(256, (3, 1, 1), dtype=torch.uint8)
        covered['image'] = F.erase(fields['image'], top, left, h, w, color)
        if 'parts' in fields:
            parts = fields['parts'].clone()
            parts[top : top + h, left : left + w] = BACKGROUND
            covered['parts'] = tv_tensors.Mask(parts)
        if 'keypoints' in fields:
            x, y = fields['keypoints'].as_subclass(Tensor).unbind(1)
            is_under = (x >= left) & (x < left + w) & (y >= top) & (y < top + h)
            covered['states'] = fields['states'].masked_fill(
                is_under & (fields['states'] == VISIBLE), HIDDEN
            )
        return covered
