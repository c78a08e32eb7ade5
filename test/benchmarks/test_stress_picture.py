from dataclasses import replace

import cv2
import numpy as np

from benchmarks.stress_picture import Timeline, draw
from person_mtl_ros.evaluation.mot_files import NO_CLASS, table_from_rows


def _timeline(kind: str, number: int, people: int, tracked: bool = True) -> Timeline:
    """People side by side for two seconds; every one has an id of their own."""
    truth = table_from_rows(
        (frame, who, 40 * who, 10, 30, 80, 1.0, NO_CLASS)
        for frame in range(1, 21)
        for who in range(1, people + 1)
    )
    results = truth if tracked else table_from_rows([])
    return Timeline(kind, f'{kind}_{number}', np.arange(1, 21) / 10, truth, results)


def _colourful(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=2) > 25


def test_a_kind_has_a_row_and_more_people_a_higher_one(tmp_path) -> None:
    path = tmp_path / 'stress.png'
    few = [_timeline('crossing', number, 2) for number in (1, 2, 3)]
    draw(few, path)
    one_row = cv2.imread(str(path))
    draw([*few, _timeline('crowd', 1, 40)], path)
    two_rows = cv2.imread(str(path))
    assert one_row.shape[1] == two_rows.shape[1] > 1000
    assert two_rows.shape[0] > 2.5 * one_row.shape[0]
    lower = two_rows[one_row.shape[0] :]
    third = lower.shape[1] // 3
    assert _colourful(lower[:, :third]).any()
    assert (lower[:, third + 10 :] == 255).all()  # the crowd was filmed once


def test_only_who_was_not_tracked_is_grey(tmp_path) -> None:
    path = tmp_path / 'stress.png'
    draw([_timeline('crossing', 1, 2, tracked=False)], path)
    assert not _colourful(cv2.imread(str(path))).any()
    alone = _timeline('crossing', 1, 1)
    for identity in range(1, 21):
        results = replace(alone.results, ids=np.full_like(alone.results.ids, identity))
        draw([replace(alone, results=results)], path)
        assert _colourful(cv2.imread(str(path))).any(), identity
