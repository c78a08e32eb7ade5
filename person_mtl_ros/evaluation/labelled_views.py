"""Pictures of people with a name on each: folders of crops and recordings with ground truth."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from person_mtl_ros.evaluation.calibration import MIN_GAP_SEC, CalibrationError
from person_mtl_ros.evaluation.mot_files import MotTable
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.structures import Float32Array, UInt8Array
from person_mtl_ros.tracking.occlusion import covered_fraction, inside_fraction

MARKET_SPLITS = ('query', 'bounding_box_test')  # of people whom training has not seen
# Market-1501: person, camera, sequence, frame; -1 is junk and 0 a distractor.
MARKET_NAME = re.compile(r'(-?\d+)_c(\d+)s(\d+)_(\d+)_')
MARKET_RATE = 25.0  # Hz
MAX_COVERAGE = 0.3  # a box covered by more shows somebody else
MIN_INSIDE = 0.8  # share of a box inside the image; less shows a part of the person
MIN_HEIGHT = 32.0  # pixels; lower ones are hardly recognised by anybody


@dataclass(frozen=True)
class LabelledView:
    """People in one picture and who they are."""

    image_bgr: UInt8Array  # (h, w, 3)
    boxes_xyxy: Float32Array | None  # (N, 4) pixels; None: the picture is the crop of one person
    identities: tuple[int, ...]  # (N,) within the source
    scene: int  # within the source
    moment_sec: float  # on the clock of the scene


def crop_views(folder: Path, most: int = 4000) -> Iterator[LabelledView]:
    """
    Read crops in the layout of Market-1501 or rendered by ``training.synthetic.crops``.

    :param folder: with ``query`` and ``bounding_box_test``, with crops named as there, or with
        ``index.json`` and ``crops-*.npy``.
    :param most: of more crops than this every other, third ... person is taken.
    :raises CalibrationError: when there are none or one cannot be read.
    """
    if (folder / 'index.json').is_file():
        return _rendered_views(folder, most)
    return _market_views(folder, most)


def _market_views(folder: Path, most: int) -> Iterator[LabelledView]:
    folders = [folder / split for split in MARKET_SPLITS if (folder / split).is_dir()]
    paths = sorted(path for part in folders or [folder] for path in part.glob('*.jpg'))
    named = [(path, MARKET_NAME.match(path.name)) for path in paths]
    people = [(path, match) for path, match in named if match and int(match[1]) > 0]
    if not people:
        raise CalibrationError(
            f'{folder}: no labelled people; expected a folder in the layout of Market-1501 '
            '(0002_c1s1_000451_03.jpg), rendered crops (index.json), or a recording with ground '
            'truth'
        )
    kept = _thinned([int(match[1]) for _, match in people], most)
    for path, match in people:
        person, camera, sequence, frame = (int(number) for number in match.groups())
        if person not in kept:
            continue
        image = cv2.imread(str(path))
        if image is None:
            raise CalibrationError(f'{path}: not a readable image')
        scene, moment_sec = 1000 * camera + sequence, frame / MARKET_RATE
        yield LabelledView(np.asarray(image, np.uint8), None, (person,), scene, moment_sec)


def _rendered_views(folder: Path, most: int) -> Iterator[LabelledView]:
    try:
        shards = [np.load(path, mmap_mode='r') for path in sorted(folder.glob('crops-*.npy'))]
        kept = _thinned([person for shard in shards for person in shard['identity']], most)
    except (OSError, ValueError, IndexError) as error:
        raise CalibrationError(f'{folder}: not a rendered set: {error}') from error
    if not kept:
        raise CalibrationError(
            f'{folder}: an index.json without crops-*.npy; render the set again'
        )
    records = (record for shard in shards for record in shard if record['identity'] in kept)
    for number, record in enumerate(records):
        image = np.ascontiguousarray(record['image_rgb'][..., ::-1])
        person, camera = int(record['identity']), int(record['camera'])
        # Views of a rendered person are independent of each other.
        yield LabelledView(image, None, (person,), camera, number * MIN_GAP_SEC)


def _thinned(identities: Sequence[int], most: int) -> set[int]:
    """People to take, so that there are about so many views at most."""
    step = max(1, -(-len(identities) // most))
    return set(sorted({int(identity) for identity in identities})[::step])


def recorded_views(
    frames: Iterable[Frame], ground_truth: MotTable, every_sec: float
) -> Iterator[LabelledView]:
    """
    Take people who are seen well from a recording.

    :param frames: with images.
    :param ground_truth: of the recording.
    :param every_sec: time between frames that are taken.
    """
    ground_truth = ground_truth.counted
    due_sec = -np.inf
    for frame in frames:
        if frame.image_bgr is None or frame.stamp_sec < due_sec:
            continue
        due_sec = frame.stamp_sec + every_sec
        rows = ground_truth.rows_of(frame.index)
        boxes_xyxy = ground_truth.boxes_xywh[rows].copy()
        boxes_xyxy[:, 2:] += boxes_xyxy[:, :2]
        height, width = frame.image_bgr.shape[:2]
        is_clear = (
            (covered_fraction(boxes_xyxy, boxes_xyxy) <= MAX_COVERAGE)
            & (inside_fraction(boxes_xyxy, (width, height)) >= MIN_INSIDE)
            & (ground_truth.boxes_xywh[rows][:, 3] >= MIN_HEIGHT)
        )
        yield LabelledView(
            frame.image_bgr,
            boxes_xyxy[is_clear].astype(np.float32),
            tuple(ground_truth.ids[rows][is_clear].tolist()),
            0,
            frame.stamp_sec,
        )
