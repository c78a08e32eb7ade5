"""
Materials of cloth, skin and buildings, and their procedural textures.

The compiled functions here are built into those of other files, and numba's cache does not notice
when they change: delete ``__pycache__/*.nbi`` after an edit.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.synthetic.color import Color

Float32Array = NDArray[np.float32]


class Pattern(IntEnum):
    """What is printed on, woven into or built into a surface."""

    PLAIN = 0
    STRIPES_ACROSS = 1  # rings around the body
    STRIPES_ALONG = 2
    PLAID = 3
    DOTS = 4
    LOGO = 5  # one block on the chest
    GRADIENT = 6
    CAMOUFLAGE = 7
    DENIM = 8
    BLOCK = 9  # the upper part in a second colour
    SIDE_STRIPE = 10  # along the outer seam
    BUTTONS = 11  # placket with buttons, or a zipper
    FACE = 12
    BRICKS = 13
    WINDOWS = 14
    TILES = 15
    ROAD = 16  # dashed line
    LEAVES = 17
    SHIRT_PRINT = 18  # rows of writing on the chest
    CLUTTER = 19  # rectangles of all sizes over each other, in all mixtures of the two colours


@dataclass(frozen=True)
class Material:
    """Look of a surface. Lengths are metres of the surface coordinates (u, v)."""

    color: Color  # the dominant colour
    pattern: Pattern = Pattern.PLAIN
    second_color: Color = (1.0, 1.0, 1.0)
    period: float = 0.1  # of the pattern
    fill: float = 0.4  # share of a period in the second colour
    folds: float = 0.0  # strength of cloth folds: deviation of the normal
    gloss: float = 0.0  # strength of the highlight
    grain: float = 0.0  # relative unevenness of the colour
    offset: float = 0.0  # shifts pattern and noise, so that no two garments are alike

    def row(self) -> Float32Array:
        """Return the material as a row of the table that the shader reads."""
        return np.array(
            [
                float(self.pattern),
                *linear_from_srgb(self.color),
                *linear_from_srgb(self.second_color),
                self.period,
                self.fill,
                self.folds,
                self.gloss,
                self.grain,
                self.offset,
            ],
            np.float32,
        )


def linear_from_srgb(color: Color | NDArray) -> NDArray:
    """Undo the sRGB gamma (approximated by 2.2), so that light adds up."""
    return np.power(np.asarray(color, np.float64), 2.2)


def value_noise(seed: int = 7, size: int = 256) -> Float32Array:
    """
    Make a tileable noise picture of three octaves in [0, 1].

    :param seed: of the noise.
    :param size: side length, a power of two.
    :returns: (size, size) float32.
    """
    rng = np.random.default_rng(seed)
    frequency_y = np.fft.fftfreq(size)[:, None]
    frequency_x = np.fft.fftfreq(size)[None, :]
    frequency = np.hypot(frequency_x, frequency_y) * size
    # A band around 8 to 32 cycles per tile that falls off like cloth and stone do.
    amplitude = np.exp(-0.5 * (frequency / 20.0) ** 2) * (frequency > 2) / np.maximum(frequency, 1)
    spectrum = np.fft.fft2(rng.standard_normal((size, size))) * amplitude
    picture = np.fft.ifft2(spectrum).real
    picture = 0.5 + picture / (4.5 * picture.std())
    return np.clip(picture, 0, 1).astype(np.float32)


@njit(cache=True, error_model='numpy', fastmath=True)
def noise_at(noise: NDArray, u: float, v: float) -> float:
    """Read the noise tile at (u, v), one tile per unit, bilinear and periodic."""
    last = noise.shape[0] - 1
    x = u * noise.shape[0]
    y = v * noise.shape[0]
    floor_x = np.floor(x)
    floor_y = np.floor(y)
    fx = x - floor_x
    fy = y - floor_y
    x0 = int(floor_x) & last
    y0 = int(floor_y) & last
    x1 = (x0 + 1) & last
    y1 = (y0 + 1) & last
    top = noise[y0, x0] * (1 - fx) + noise[y0, x1] * fx
    bottom = noise[y1, x0] * (1 - fx) + noise[y1, x1] * fx
    return top * (1 - fy) + bottom * fy


@njit(cache=True, error_model='numpy', fastmath=True)
def _fraction(x: float) -> float:
    return x - np.floor(x)


@njit(cache=True, error_model='numpy', fastmath=True)
def _face_features(u: float, v: float) -> float:
    """
    Darkness of eyes, brows and mouth.

    :param u: angle around the head, 0 at the nose, radians.
    :param v: height, 0 at the chin, 1 at the crown.
    """
    side = abs(u)
    if 0.47 < v < 0.54 and 0.22 < side < 0.52:
        return 0.75
    if 0.58 < v < 0.62 and 0.16 < side < 0.6:
        return 0.55
    if 0.17 < v < 0.22 and side < 0.28:
        return 0.5
    if 0.28 < v < 0.34 and side < 0.13:
        return 0.3
    return 0.0


@njit(cache=True, error_model='numpy', fastmath=True)
def _hash(a: float, b: float, c: float) -> float:
    """Random number in [0, 1) that belongs to a cell."""
    return _fraction(np.sin(a * 127.1 + b * 311.7 + c * 74.7) * 43758.5453)


@njit(cache=True, error_model='numpy', fastmath=True)
def _clutter(u: float, v: float, period: float, shift: float) -> float:
    """
    Brightness of dead leaves: rectangles of sizes that fall by half hide those below.

    Their edges at all scales have the statistics of photographs (Lee, Mumford and Huang 2001).
    """
    value = _hash(np.floor(u / (2.3 * period)), np.floor(v / (1.7 * period)), shift)
    size = period
    for level in range(5):
        x = u / size + 7.3 * shift + 0.37 * level
        y = v / (1.4 * size) + 3.1 * shift + 0.61 * level
        column = np.floor(x)
        row = np.floor(y)
        if _hash(column, row, shift + level) < 0.5:
            wide = 0.25 + 0.7 * _hash(column, row, shift + 9 + level)
            high = 0.25 + 0.7 * _hash(column, row, shift + 19 + level)
            if x - column < wide and y - row < high:
                value = _hash(column, row, shift + 29 + level)
        size *= 0.5
    return value


@njit(cache=True, error_model='numpy', fastmath=True)
def second_color_share(row: NDArray, u: float, v: float, noise: NDArray) -> float:
    """
    How much of the second colour of a material shows at a surface point.

    :param row: of the material table, see :meth:`Material.row`.
    :param u: across the surface, metres (radians on the head).
    :param v: along the surface, metres (share of the height on the head).
    :param noise: from :func:`value_noise`.
    :returns: 0 = all dominant colour, 1 = all second colour.
    """
    kind = int(row[0])
    period = row[7]
    fill = row[8]
    shift = row[12]
    if kind == 0:
        return 0.0
    if kind == 1:
        return 1.0 if _fraction(v / period + shift) < fill else 0.0
    if kind == 2:
        return 1.0 if _fraction(u / period + shift) < fill else 0.0
    if kind == 3:
        across = _fraction(v / period + shift) < fill
        along = _fraction(u / period + 1.7 * shift) < fill
        return 0.5 * across + 0.5 * along
    if kind == 4:
        row_index = np.floor(v / period)
        x = _fraction(u / period + 0.5 * (row_index % 2)) - 0.5
        y = _fraction(v / period) - 0.5
        return 1.0 if x * x + y * y < fill * fill * 0.25 else 0.0
    if kind == 5:
        return 1.0 if abs(u) < period and abs(v - 0.36) < fill * 0.25 else 0.0
    if kind == 6:
        return min(1.0, max(0.0, 0.5 + (v - 0.3) / (4 * period))) * 0.8
    if kind == 7:
        value = noise_at(noise, 0.5 * u / period / 8 + shift, 0.5 * v / period / 8)
        return 1.0 if value > 1 - fill else 0.0
    if kind == 8:
        worn = noise_at(noise, u * 1.3 + shift, v * 0.35)
        return max(0.0, min(0.5, 0.8 * (worn - 0.35)))
    if kind == 9:
        return 1.0 if v > 0.32 + fill * 0.25 else 0.0
    if kind == 10:
        return 1.0 if abs(abs(u) - 2 * period) < fill * 0.03 else 0.0
    if kind == 11:
        if abs(u) < 0.006:
            return 0.5
        return 1.0 if abs(u) < 0.018 and _fraction(v / 0.09) < 0.14 else 0.0
    if kind == 12:
        return _face_features(u, v)
    if kind == 13:
        row_index = np.floor(v / period)
        x = _fraction(u / (2 * period) + 0.5 * (row_index % 2))
        y = _fraction(v / period)
        return 1.0 if x < fill * 0.12 or y < fill * 0.25 else 0.0
    if kind == 14:
        x = _fraction(u / period + shift)
        y = _fraction(v / (1.15 * period) + 0.6)
        inside = abs(x - 0.5) < 0.5 * fill and abs(y - 0.5) < 0.4 * fill + 0.12
        return 1.0 if inside and abs(x - 0.5) > 0.02 else 0.0
    if kind == 15:
        x = _fraction(u / period)
        y = _fraction(v / period)
        return 1.0 if x < fill * 0.12 or y < fill * 0.12 else 0.0
    if kind == 16:
        on_line = abs(_fraction(v / period + shift) - 0.5) < 0.012 * fill + 0.004
        return 1.0 if on_line and _fraction(u / (0.7 * period)) < 0.6 else 0.0
    if kind == 17:
        leaf = _hash(np.floor(u / 0.07), np.floor(v / 0.06), np.floor((u + v) / 0.11))
        return 0.5 * leaf + 0.9 * max(0.0, noise_at(noise, u * 0.5 + shift, v * 0.5) - 0.4)
    if kind == 18:
        if abs(u) > period * 1.4 or abs(v - 0.36) > 0.07:
            return 0.0
        line = _fraction((v - 0.36) / 0.045 + 0.5) < 0.6
        letter = noise_at(noise, u * 2.5 + shift, np.floor((v - 0.36) / 0.045) * 0.37) > 0.47
        return 1.0 if line and letter else 0.0
    if kind == 19:
        return _clutter(u, v, period, shift)
    return 0.0


@njit(cache=True, error_model='numpy', fastmath=True)
def texel(row: NDArray, u: float, v: float, pixel: float, noise: NDArray, color: NDArray) -> None:
    """
    Write the linear colour of a material at a surface point to ``color``.

    Pattern and unevenness of :func:`second_color_share`, faded where finer than ``pixel`` metres.
    """
    share = second_color_share(row, u, v, noise)
    # Detail finer than the pixels fades into its mean instead of making moire.
    fade = min(1.0, max(0.0, 4.0 * pixel / row[7] - 0.3))
    share = share * (1 - fade) + 0.35 * row[8] * fade * (row[0] > 0)
    uneven = (
        1.0
        + row[11]
        * (
            noise_at(noise, 0.45 * u + row[12], 0.45 * v)
            + 0.6 * noise_at(noise, 2.9 * u, 2.9 * v + row[12])
            + 0.5 * noise_at(noise, 0.06 * u, 0.06 * v + row[12])
            - 1.05
        )
        * 1.4
    )
    if row[0] == 19:
        # Things of all colours, not of two.
        for k in range(3):
            mix = 0.78 * share + 0.22 * _fraction(share * (37.0 + 11.0 * k))
            color[k] = (row[1 + k] * (1 - mix) + row[4 + k] * mix) * uneven
        return
    for k in range(3):
        color[k] = (row[1 + k] * (1 - share) + row[4 + k] * share) * uneven
