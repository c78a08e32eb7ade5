"""
Moves image, joints and parts together, by one affine map.

torchvision's affine takes 1.0 ms for image and mask of a 160x80 crop, keeps the size, and counts
joints from pixel centres where ours lie on [0, width] x [0, height]. One call of OpenCV mirrors,
turns, shifts, cuts and resizes in a fraction of that.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.datasets.sample import IGNORED_PART, LabelSet
from training.torchvision_v2 import tv_tensors, v2
from training.transforms.borders import FILL_RGB, random_border
from training.transforms.policy import AugmentationPolicy

Matrix = NDArray[np.float64]  # (2, 3) from pixels of one crop to those of another, continuous


class Geometry(v2.Transform):
    """
    Mirror, rotate, scale, shift and let the image end at random, and cut out the network's crop.

    :param size_hw: of the result.
    :param margin: factor by which the crop that comes in is larger than the network's.
    :param policy: how far; None moves nothing.
    :param labels: which joints and parts change places in a mirror.
    :param context: of the crops, see ``CropParams``.
    """

    def __init__(
        self,
        size_hw: tuple[int, int],
        margin: float,
        policy: AugmentationPolicy | None,
        labels: LabelSet,
        context: float,
    ) -> None:
        super().__init__()
        self._size_hw, self._margin, self._policy = size_hw, margin, policy
        self._context = context
        self._keypoint_flip = list(labels.keypoint_flip)
        self._part_flip = torch.tensor(labels.part_flip, dtype=torch.uint8)

    def forward(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """
        Move all fields; what comes in from beyond the crop is IGNORED_PART, as in the data sets.

        :param fields: ``image`` and where labelled ``keypoints``, ``states`` and ``parts``.
        """
        is_mirrored, border = False, None
        matrix = centre_matrix(fields['image'].shape[1:], self._size_hw, self._margin)
        if self._policy is not None:
            is_mirrored = torch.rand(()).item() < self._policy.flip_probability
            matrix = compose(random_matrix(self._size_hw, self._policy, is_mirrored), matrix)
            # No number is drawn where there are no borders: older recipes keep their crops.
            if self._policy.border_probability and (
                torch.rand(()).item() < self._policy.border_probability
            ):
                border = random_border(self._size_hw, self._context)
                matrix = compose(border.matrix, matrix)
        params = {'matrix': matrix, 'goes_on': border is not None}
        moved = {name: self.transform(value, params) for name, value in fields.items()}
        if is_mirrored and 'keypoints' in moved:
            moved['keypoints'] = tv_tensors.wrap(
                moved['keypoints'][self._keypoint_flip], like=moved['keypoints']
            )
            moved['states'] = moved['states'][self._keypoint_flip]
        if is_mirrored and 'parts' in moved:
            moved['parts'] = tv_tensors.Mask(mirrored_parts(moved['parts'], self._part_flip))
        return moved if border is None else border.end_image(moved)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """
        Map one field by ``params['matrix']``; other fields stay.

        Where ``params['goes_on']`` a picture is mirrored at its sides, since it is to end nowhere
        but at the border that was drawn.
        """
        matrix = params['matrix']
        if isinstance(inpt, tv_tensors.KeyPoints):
            points = inpt.as_subclass(Tensor).numpy() @ matrix[:, :2].T + matrix[:, 2]
            return tv_tensors.KeyPoints(
                torch.from_numpy(points.astype(np.float32)), canvas_size=self._size_hw
            )
        if isinstance(inpt, tv_tensors.Mask):
            parts = warp(inpt.numpy(), matrix, self._size_hw, cv2.INTER_NEAREST, IGNORED_PART)
            return tv_tensors.Mask(torch.from_numpy(parts))
        if isinstance(inpt, tv_tensors.Image):
            pixels = inpt.permute(1, 2, 0).numpy()
            fill = None if params['goes_on'] else FILL_RGB
            image = warp(pixels, matrix, self._size_hw, cv2.INTER_LINEAR, fill)
            return tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1))
        return inpt


def centre_matrix(from_hw: Sequence[int], to_hw: tuple[int, int], margin: float) -> Matrix:
    """Map the middle of a crop, ``1 / margin`` of its sides, to a whole one."""
    scale = np.array([to_hw[1] / from_hw[1], to_hw[0] / from_hw[0]]) * margin
    offset = np.array(to_hw[::-1]) / 2 - scale * np.array(from_hw[::-1]) / 2
    return np.column_stack((np.diag(scale), offset))


def random_matrix(
    size_hw: tuple[int, int], policy: AugmentationPolicy, is_mirrored: bool
) -> Matrix:
    """Draw a map of a crop to itself, around its centre, from torch's generator."""
    angle, scale, *shift = (2 * torch.rand(4, dtype=torch.float64) - 1).tolist()
    angle *= math.radians(policy.rotation_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = math.exp(scale * policy.scale) * np.array([[cosine, -sine], [sine, cosine]])
    if is_mirrored:
        turn = turn * (-1, 1)
    size = np.array(size_hw[::-1], np.float64)
    offset = size / 2 + policy.shift * np.array(shift) * size - turn @ size / 2
    return np.column_stack((turn, offset))


def compose(second: Matrix, first: Matrix) -> Matrix:
    """Map by ``first``, then by ``second``."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack((linear, second[:, :2] @ first[:, 2] + second[:, 2]))


def warp(
    pixels: NDArray,
    matrix: Matrix,
    size_hw: tuple[int, int],
    interpolation: int,
    fill: int | Sequence[int] | None,
) -> NDArray:
    """
    Resample a crop.

    :param pixels: (H, W) or (H, W, C).
    :param matrix: from its pixels to those of the result.
    :param size_hw: of the result.
    :param interpolation: of OpenCV.
    :param fill: value of what comes in from outside; None mirrors what is inside.
    """
    # OpenCV counts from the centre of the first pixel, we from its corner.
    centers = matrix.copy()
    centers[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    return cv2.warpAffine(
        np.ascontiguousarray(pixels),
        centers,
        size_hw[::-1],
        flags=interpolation,
        borderMode=cv2.BORDER_REFLECT_101 if fill is None else cv2.BORDER_CONSTANT,
        borderValue=0 if fill is None else fill,
    )


def mirrored_parts(parts: Tensor, part_flip: Tensor) -> Tensor:
    """Exchange left and right classes; labels that are no class, as IGNORED_PART, stay."""
    table = torch.arange(256, dtype=torch.uint8)
    table[: len(part_flip)] = part_flip
    return table[parts.as_subclass(Tensor).long()]
