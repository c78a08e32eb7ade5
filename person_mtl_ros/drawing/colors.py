"""Colours of people and of the sides of a skeleton."""

import math
from functools import lru_cache

import cv2
import numpy as np

Color = tuple[int, int, int]  # blue, green, red

WHITE: Color = (255, 255, 255)
INK: Color = (24, 20, 16)  # text on a bright plate, outlines

LEFT_SIDE: Color = (255, 180, 60)
RIGHT_SIDE: Color = (60, 150, 255)
MIDDLE: Color = (235, 235, 235)

# Hues a golden angle apart never repeat, but ids a Fibonacci number apart come close (8 ids: 20
# degrees, 13: 12 degrees); three levels of lightness tell most of those apart.
GOLDEN_ANGLE = 180.0 * (3.0 - math.sqrt(5.0))  # degrees
LIGHTNESS = (72.0, 82.0, 60.0)  # CIELAB, all bright enough for dark text
CHROMA = np.arange(80.0, 0.0, -4.0, dtype=np.float32)  # the first that a screen can show


@lru_cache(maxsize=4096)
def person_color(track_id: int) -> Color:
    """Colour that belongs to an id, the same in every image and every run."""
    hue = math.radians(20.0 + track_id * GOLDEN_ANGLE % 360.0)
    lab = np.full((1, len(CHROMA), 3), LIGHTNESS[track_id % 3], np.float32)
    lab[0, :, 1:] = CHROMA[:, None] * [math.cos(hue), math.sin(hue)]
    bgr = np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2BGR))
    # Out of the gamut the conversion clips, which would make neighbouring hues the same cyan.
    clipped = np.abs(cv2.cvtColor(bgr, cv2.COLOR_BGR2Lab) - lab).max(axis=2)[0] > 1.0
    blue, green, red = (round(255 * float(value)) for value in bgr[0, clipped.argmin()])
    return blue, green, red


def side_color(name_a: str, name_b: str) -> Color:
    """Colour of the limb between two keypoints, by the side of the body in their names."""
    words = f'{name_a} {name_b}'.lower()
    if 'left' in words:
        return MIDDLE if 'right' in words else LEFT_SIDE
    return RIGHT_SIDE if 'right' in words else MIDDLE
