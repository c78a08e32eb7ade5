"""
The text files of MOTChallenge: detections, ground truth, tracking results.

One box per line, ``frame, id, left, top, width, height, score, ...``; the first frame is 1.
What follows the seventh column depends on the file: detections and results have three unused
numbers, MOT15 ground truth world coordinates, MOT16 and later ground truth class and visibility.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.structures import TrackedPerson

NO_CLASS = -1  # class of a row in a file without a class column
PEDESTRIAN_CLASS = 1  # of MOT16 and later
# Columns of a ground-truth file with class and visibility; MOT15 has 10 (world coordinates).
CLASS_FILE_COLUMNS = 9
LAST_CLASS = 13  # of MOT20, which has most
LARGEST_NUMBER = 2**53  # beyond it a float no longer holds every whole number


class MotFileError(ValueError):
    """A file that is not in the MOTChallenge text format."""


@dataclass(frozen=True)
class MotTable:
    """Boxes of a sequence, one row each, sorted by frame."""

    frames: NDArray[np.int64]  # (N,) first frame is 1
    ids: NDArray[np.int64]  # (N,) -1 in detection files
    boxes_xywh: NDArray[np.float64]  # (N, 4) left, top, width, height in pixels
    scores: NDArray[np.float64]  # (N,) in ground truth the flag: rows with 0 are not counted
    classes: NDArray[np.int64]  # (N,) NO_CLASS where the file has no such column

    def __len__(self) -> int:
        return len(self.frames)

    @cached_property
    def counted(self) -> 'MotTable':
        """Ground-truth rows that are scored: flagged as used and, where there is one, class 1."""
        return self.where(
            (self.scores != 0) & ((self.classes == PEDESTRIAN_CLASS) | (self.classes == NO_CLASS))
        )

    def where(self, mask: NDArray[np.bool_]) -> 'MotTable':
        """Rows chosen by a mask (N,)."""
        return MotTable(
            self.frames[mask],
            self.ids[mask],
            self.boxes_xywh[mask],
            self.scores[mask],
            self.classes[mask],
        )

    def rows_of(self, frame: int) -> slice:
        """Rows of one frame."""
        start, stop = np.searchsorted(self.frames, [frame, frame + 1])
        return slice(int(start), int(stop))


def table_from_rows(rows: Iterable[tuple[float, ...]]) -> MotTable:
    """
    Table of rows in any order.

    :param rows: frame, id, left, top, width, height, score, class of each box.
    """
    values = np.array(list(rows), np.float64).reshape(-1, 8)
    values = values[np.argsort(values[:, 0], kind='stable')]
    return MotTable(
        values[:, 0].astype(np.int64),
        values[:, 1].astype(np.int64),
        values[:, 2:6],
        values[:, 6],
        values[:, 7].astype(np.int64),
    )


def rows_from_tracks(frame: int, persons: Iterable[TrackedPerson]) -> list[tuple[float, ...]]:
    """
    Write one frame as result rows, for :func:`table_from_rows`.

    :param frame: number of the frame, the first is 1.
    :param persons: those to report; the score is that of the latest matched detection.
    """
    rows: list[tuple[float, ...]] = []
    for person in persons:
        x0, y0, x1, y1 = (float(value) for value in person.box_xyxy)
        score = person.estimate.detection.score if person.estimate else 1.0
        rows.append((frame, person.track_id, x0, y0, x1 - x0, y1 - y0, score, NO_CLASS))
    return rows


def read_mot_file(path: Path, *, unique_ids: bool) -> MotTable:
    """
    Read a detection, ground-truth or result file.

    Numbers are taken as they are: NaN and empty boxes are the caller's to judge.

    :param path: the text file, comma separated.
    :param unique_ids: it names people (ground truth and results): refuse an id that is negative or
        twice in a frame, and classes that MOTChallenge does not know.
    :raises MotFileError: naming file, line and what was expected.
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MotFileError(f'{path}: cannot be read as text: {error}') from error
    rows: list[tuple[float, ...]] = []
    seen: set[tuple[int, int]] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _parse_line(path, number, line)
        if unique_ids:
            key = (int(row[0]), int(row[1]))
            _check_label(path, number, row)
            if key in seen:
                raise MotFileError(f'{path}:{number}: id {key[1]} is twice in frame {key[0]}')
            seen.add(key)
        rows.append(row)
    return table_from_rows(rows)


def _parse_line(path: Path, number: int, line: str) -> tuple[float, ...]:
    columns = line.strip().rstrip(',').split(',')
    try:
        values = [float(column) for column in columns]
    except ValueError:
        values = []
    if len(values) < 7:
        raise MotFileError(
            f"{path}:{number}: '{line.strip()[:60]}'; expected at least 7 numbers: "
            'frame, id, left, top, width, height, score'
        )
    frame, identity = values[:2]
    if not (1 <= frame < LARGEST_NUMBER and frame == int(frame)):
        raise MotFileError(f'{path}:{number}: frame {frame:g}; expected a whole number from 1')
    if not (abs(identity) < LARGEST_NUMBER and identity == int(identity)):
        raise MotFileError(f'{path}:{number}: id {identity:g}; expected a whole number')
    has_class = len(values) == CLASS_FILE_COLUMNS and math.isfinite(values[7])
    return (*values[:7], values[7] if has_class else NO_CLASS)


def _check_label(path: Path, number: int, row: tuple[float, ...]) -> None:
    identity, kind = row[1], row[7]
    if identity < 0:
        raise MotFileError(
            f'{path}:{number}: id {identity:g}; people have ids from 0, -1 is that of detections'
        )
    if kind != NO_CLASS and not (1 <= kind <= LAST_CLASS and kind == int(kind)):
        raise MotFileError(f'{path}:{number}: class {kind:g}; expected 1 to {LAST_CLASS}')


def write_mot_file(path: Path, table: MotTable) -> None:
    """
    Write results as MOTChallenge and TrackEval read them; the file is whole or not there.

    :param path: the text file to write.
    :param table: the boxes; coordinates and scores are written with four decimals.
    """
    with atomic_path(path) as temporary, temporary.open('w', encoding='utf-8') as file:
        for frame, identity, box, score in zip(
            table.frames, table.ids, table.boxes_xywh, table.scores, strict=True
        ):
            left, top, width, height = box
            file.write(
                f'{frame},{identity},{left:.4f},{top:.4f},{width:.4f},{height:.4f},'
                f'{score:.4f},-1,-1,-1\n'
            )
