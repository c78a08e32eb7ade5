"""How far crops are changed in training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AugmentationPolicy:
    """
    Bounds of the random changes; the defaults change nothing but the side.

    Geometry is drawn uniformly within +- its bound, appearance from a normal distribution.
    """

    flip_probability: float = 0.5
    rotation_deg: float = 0.0
    scale: float = 0.0  # of the logarithm of the size
    shift: float = 0.0  # share of the height and of the width
    gain: float = 0.0  # standard deviation of the logarithm of brightness
    white_balance: float = 0.0  # same, of each channel; more would change the colour of clothes
    contrast: float = 0.0  # same, of the contrast
    saturation: float = 0.0  # same, of the saturation
    low_resolution_probability: float = 0.0  # shrink and enlarge again: far people
    noise: float = 0.0  # largest standard deviation, grey values
    erasing_probability: float = 0.0  # cover a rectangle: occlusion (Zhong et al. 2020)
    border_probability: float = 0.0  # the image ends somewhere in the person

    @property
    def has_geometry(self) -> bool:
        """Whether pixels from beyond the network's crop can come in."""
        return max(self.rotation_deg, self.scale, self.shift, self.border_probability) > 0

    @property
    def margin(self) -> float:
        """Factor on both sides of the network's crop that a data set should cut for this."""
        return 1.4 if self.has_geometry else 1.0


_APPEARANCE = {
    'gain': 0.15,
    'white_balance': 0.06,
    'contrast': 0.15,
    'saturation': 0.25,
    'low_resolution_probability': 0.1,
    'noise': 4.0,
    'erasing_probability': 0.15,
}
# As is usual for pose (Sun et al. 2018): a third of a right angle, a quarter of the size.
_GEOMETRY = {'rotation_deg': 30.0, 'scale': 0.22, 'shift': 0.05}
_MILD = {'rotation_deg': 8.0, 'scale': 0.1, 'shift': 0.03}

POLICIES = {
    # ReID and attributes, and pose and parts, in Pfeiffer et al., section 3.
    'flip': AugmentationPolicy(),
    'geometric': AugmentationPolicy(**_GEOMETRY),
    # With other cameras, for people from a renderer or another domain.
    'flip_appearance': AugmentationPolicy(**_APPEARANCE),
    'geometric_appearance': AugmentationPolicy(**_GEOMETRY, **_APPEARANCE),
    # No more than cameras and boxes of a detector differ, for short trainings.
    'mild': AugmentationPolicy(**_MILD, **_APPEARANCE),
    # And people who are leaving the image.
    'mild_borders': AugmentationPolicy(**_MILD, **_APPEARANCE, border_probability=0.2),
}
