"""Everything known about everybody, one line of JSON per frame."""

import json
import math
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.structures import ModelInfo, TrackedPerson


def person_record(track: TrackedPerson) -> dict[str, Any]:
    """
    Describe one person for the log; part masks are left out, they are pictures.

    Boxes and keypoints are pixels, velocities px/s, times seconds. Who was not evaluated in
    this image has no keypoints and no embedding; ``result_age_sec`` is null before the first time.
    """
    record: dict[str, Any] = {
        'track_id': track.track_id,
        'state': track.state.name,
        'is_matched': track.is_matched,
        'recovered': track.recovered,
        'box_xyxy': [round(float(v), 2) for v in track.box_xyxy],
        'velocity_xy': [round(float(v), 2) for v in track.velocity_xy],
        'age_sec': round(track.age_sec, 3),
        'time_since_seen_sec': round(track.time_since_seen_sec, 3),
        'result_age_sec': None
        if math.isinf(track.result_age_sec)
        else round(track.result_age_sec, 3),
        'attributes': {
            name: [round(float(p), 4) for p in probabilities]
            for name, probabilities in track.attributes.items()
        },
    }
    if track.estimate is not None and track.is_matched:
        record['score'] = round(float(track.estimate.detection.score), 4)
    if track.estimate is not None and track.is_matched and track.estimate.is_evaluated:
        record['keypoints'] = [
            [round(float(v), 2) for v in keypoint] for keypoint in track.estimate.keypoints
        ]
        record['embedding'] = [round(float(v), 5) for v in track.estimate.embedding]
    return record


class PersonLog:
    """
    Writes ``persons.jsonl``: first a line with the model, then a line per frame.

    A context manager; the file appears under its name only when the block ends well.

    :param path: file to write.
    :param info: names of what the network says, None without a network.
    """

    def __init__(self, path: Path, info: ModelInfo | None) -> None:
        self._path = path
        self._info = info
        self._stack = ExitStack()

    def __enter__(self) -> 'PersonLog':
        temporary = self._stack.enter_context(atomic_path(self._path))
        self._file = self._stack.enter_context(temporary.open('w', encoding='utf-8'))
        info = self._info
        header: dict[str, Any] = {'model_id': info.model_id if info else ''}
        if info:
            header['attributes'] = {spec.name: spec.classes for spec in info.attributes}
            header['keypoint_names'] = info.keypoint_names
        self._write(header)
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(error_type, error, traceback)

    def write(self, index: int, stamp_sec: float, tracks: Iterable[TrackedPerson]) -> None:
        """Append a frame: its number, its time in seconds, everybody in it."""
        persons = [person_record(track) for track in tracks]
        self._write({'frame': index, 'stamp_sec': stamp_sec, 'persons': persons})

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(',', ':')) + '\n')
