"""
People who are cut by the border of the image, as they leave it or stand before the robot.

A detector gives the box of what is in the image, so the crop shows that part, around its own
middle and as large as fits, and beyond the border the colour of nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from person_mtl_ros.crops import FILL_BGR
from training.datasets.sample import HIDDEN, IGNORED_PART, VISIBLE
from training.torchvision_v2 import tv_tensors

SIDES = ('left', 'right', 'bottom')
SMALLEST_SHARE, LARGEST_SHARE = 0.35, 0.9  # of a person that is in the image
PERSON_ASPECT = 0.4  # width of a person's box, of its height

FILL_RGB = FILL_BGR[::-1]  # as beyond the border of an image on the robot


@dataclass(frozen=True)
class Border:
    """Where the image ends in a crop, and how it moves the crop."""

    matrix: NDArray[np.float64]  # (2, 3) from pixels of the crop to those of the one cut short
    beyond: tuple[slice, slice]  # rows and columns outside the image

    def end_image(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """
        Empty what is beyond the border; joints there are hidden, parts are IGNORED_PART.

        :param fields: moved, ``image`` and where labelled ``keypoints``, ``states`` and ``parts``.
        """
        ended = dict(fields)
        image = fields['image'].as_subclass(Tensor).clone()
        rows, columns = self.beyond
        image[:, rows, columns] = torch.tensor(FILL_RGB, dtype=torch.uint8)[:, None, None]
        ended['image'] = tv_tensors.Image(image)
        if 'parts' in fields:
            parts = fields['parts'].as_subclass(Tensor).clone()
            parts[self.beyond] = IGNORED_PART
            ended['parts'] = tv_tensors.Mask(parts)
        if 'keypoints' in fields:
            x, y = fields['keypoints'].as_subclass(Tensor).unbind(1)
            is_beyond = _inside(y, self.beyond[0]) & _inside(x, self.beyond[1])
            ended['states'] = fields['states'].masked_fill(
                is_beyond & (fields['states'] == VISIBLE), HIDDEN
            )
        return ended


def random_border(size_hw: tuple[int, int], context: float) -> Border:
    """Draw a side and a place from torch's generator, for a person in the middle of a crop."""
    side = SIDES[int(torch.randint(len(SIDES), ()).item())]
    share = SMALLEST_SHARE + (LARGEST_SHARE - SMALLEST_SHARE) * torch.rand(()).item()
    return border_at(side, share, size_hw, context)


def border_at(side: str, share: float, size_hw: tuple[int, int], context: float) -> Border:
    """
    Let the image end in a person.

    :param side: of ``SIDES``, where.
    :param share: of the person that is in the image.
    :param size_hw: of the crop, whose middle the person is in.
    :param context: factor by which the crop is larger than the person, see ``CropParams``.
    """
    crop_height, crop_width = size_hw
    person_height = min(crop_height, crop_width / PERSON_ASPECT) / context
    person_width = PERSON_ASPECT * person_height
    center_x, center_y = crop_width / 2, crop_height / 2
    if side == 'bottom':
        seen_height, seen_width = share * person_height, person_width
        middle = center_x, center_y - (1 - share) * person_height / 2
    else:
        direction = 1 if side == 'left' else -1
        seen_height, seen_width = person_height, share * person_width
        middle = center_x + direction * (1 - share) * person_width / 2, center_y
    scale = crop_height / (context * max(seen_height, seen_width * crop_height / crop_width))
    beyond = {
        'bottom': (slice(round(center_y + scale * seen_height / 2), None), slice(None)),
        'left': (slice(None), slice(None, round(center_x - scale * seen_width / 2))),
        'right': (slice(None), slice(round(center_x + scale * seen_width / 2), None)),
    }[side]
    offset = np.array([center_x, center_y]) - scale * np.array(middle)
    return Border(np.column_stack((np.eye(2) * scale, offset)), beyond)


def _inside(places: Tensor, part: slice) -> Tensor:
    start = -torch.inf if part.start is None else part.start
    stop = torch.inf if part.stop is None else part.stop
    return (places >= start) & (places < stop)
