"""Small generated sequences and tables for the tests of evaluation."""

from pathlib import Path

import cv2
import numpy as np

from person_mtl_ros.evaluation.mot_files import NO_CLASS, MotTable, table_from_rows

WIDTH, HEIGHT = 96, 64


def make_sequence(
    folder: Path,
    *,
    length: int = 6,
    images: int | None = None,
    det: str | None = '1,-1,10.5,5.25,20,40,0.9,-1,-1,-1\n3,-1,30,8,20,40,0.5,-1,-1,-1\n',
    gt: str | None = '1,1,10,5,20,40,1,-1,-1,-1\n2,1,12,5,20,40,1,-1,-1,-1\n',
) -> Path:
    """
    Folder in the MOTChallenge layout.

    :param images: how many images to write, none at all by default.
    """
    folder.mkdir(parents=True)
    (folder / 'seqinfo.ini').write_text(
        f'[Sequence]\nname={folder.name}\nimDir=img1\nframeRate=10\nseqLength={length}\n'
        f'imWidth={WIDTH}\nimHeight={HEIGHT}\nimExt=.png\n'
    )
    for name, text in (('det', det), ('gt', gt)):
        if text is not None:
            (folder / name).mkdir()
            (folder / name / f'{name}.txt').write_text(text)
    if images is not None:
        (folder / 'img1').mkdir()
        generator = np.random.default_rng(0)
        for index in range(1, images + 1):
            image = generator.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            cv2.imwrite(str(folder / 'img1' / f'{index:06d}.png'), image)
    return folder


def boxes_of(track: dict[int, int], left: float) -> list:
    """Rows of a box that stands still: ``track`` maps frame to id."""
    return [
        (frame, identity, left, 0.0, 10.0, 20.0, 1.0, NO_CLASS)
        for frame, identity in track.items()
    ]


def table(*rows: list) -> MotTable:
    """Table of several lists of rows."""
    return table_from_rows([row for part in rows for row in part])
