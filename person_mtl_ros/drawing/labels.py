"""The plate with a person's id and the card with what the person looks like."""

from functools import lru_cache

from person_mtl_ros.drawing.colors import INK, WHITE, Color
from person_mtl_ros.drawing.sprite import Sprite, SpriteLayers
from person_mtl_ros.drawing.text import plate_coverage, return_coverage, text_coverage

FADED_OPACITY = 0.5  # of the plate of a person who is not seen
CARD_OPACITY = 0.62  # dark enough for white text on snow
CARD_TEXT = 0.8  # of the capital height of ids
MOST_KEPT = 128  # of each; a card of an image of 1080 rows takes 0.4 MB, of 2160 four times that
BAR = 3  # px of the person's colour at the left of a card


@lru_cache(maxsize=MOST_KEPT)
def id_plate(text: str, cap_height: int, color: Color, recovered: bool, faded: bool) -> Sprite:
    """
    Plate in the colour of the person.

    :param cap_height: height of a capital letter in pixels; the plate is twice as high.
    :param recovered: adds the mark of a person who came back.
    :param faded: lets the image shine through.
    """
    glyphs = [text_coverage(text, cap_height)]
    if recovered:
        glyphs.append(return_coverage(cap_height))
    pad = cap_height // 2
    height = 2 * cap_height
    layers = SpriteLayers(sum(glyph.shape[1] for glyph in glyphs) + 2 * pad, height)
    plate = plate_coverage(*layers.size, cap_height // 3)
    layers.lay(plate, color, opacity=FADED_OPACITY if faded else 1.0)
    x = pad
    for glyph in glyphs:
        layers.lay(glyph, INK, x)
        x += glyph.shape[1]
    return layers.merged()


@lru_cache(maxsize=MOST_KEPT)
def attribute_card(lines: tuple[str, ...], cap_height: int, color: Color) -> Sprite:
    """
    Lines of text on a dark plate with a bar in the colour of the person.

    :param cap_height: height of a capital letter of ids in pixels; cards are a bit smaller.
    """
    cap_height = max(6, round(CARD_TEXT * cap_height))
    glyphs = [text_coverage(line, cap_height) for line in lines]
    pad = cap_height // 2
    leading = round(1.75 * cap_height)
    width = max(glyph.shape[1] for glyph in glyphs) + 2 * pad + BAR
    layers = SpriteLayers(width, leading * len(lines) + pad)
    plate = plate_coverage(*layers.size, cap_height // 3)
    layers.lay(plate, INK, opacity=CARD_OPACITY)
    layers.lay(plate[:, :BAR], color)
    for row, glyph in enumerate(glyphs):
        layers.lay(glyph, WHITE, pad + BAR, row * leading + pad // 4)
    return layers.merged()
