from collections.abc import Mapping

import pytest

from benchmarks.stress_report import Outcome, Score, by_kind, combine, make_report, markdown
from person_mtl_ros.evaluation.mot_files import NO_CLASS, MotTable, table_from_rows
from person_mtl_ros.evaluation.reentry import ReentryScore
from person_mtl_ros.evaluation.tracking_metrics import score_sequence

NOBODY_BACK = ReentryScore(returns=0, recovered=0, entries=1, wrong_revivals=0)


def _stay(length: int, ids: Mapping[int, int]) -> MotTable:
    """One person who stands still; the id changes at the frames named."""
    rows, current = [], 0
    for frame in range(1, length + 1):
        current = ids.get(frame, current)
        rows.append((frame, current, 10, 10, 30, 80, 1.0, NO_CLASS))
    return table_from_rows(rows)


def _score(length: int, ids: Mapping[int, int], reentry: ReentryScore = NOBODY_BACK) -> Score:
    truth = _stay(length, {1: 1})
    return Score(score_sequence('stay', truth, _stay(length, ids), length), reentry)


def _outcome(kind: str, number: int, score: Score, bound: Score | None = None) -> Outcome:
    without = {'no gallery': _score(40, {1: 5, 11: 6, 21: 7, 31: 8})}
    return Outcome(kind, f'{kind}_{number}', score, bound or score, without)


def _returns(returns: int, recovered: int, wrong_revivals: int) -> Score:
    return _score(10, {1: 5}, ReentryScore(returns, recovered, returns + 1, wrong_revivals))


def test_scenes_of_a_kind_count_as_one_and_not_as_their_mean() -> None:
    long, short = _score(90, {1: 5}), _score(10, {1: 5, 6: 6})
    together = combine([long, short]).summary()
    # 90 of 90 boxes of the one person and 5 of 10 of the other have the right id.
    assert together['IDF1'] == pytest.approx(0.95)
    assert together['IDSW'] == 1
    assert (together['ids'], together['gt_ids']) == (3, 2)
    mean = (long.summary()['HOTA'] + short.summary()['HOTA']) / 2
    assert mean + 0.1 < together['HOTA'] < 1.0


def test_kinds_come_in_the_order_of_their_first_scene_with_returns_summed() -> None:
    outcomes = [
        _outcome('fast', 1, _returns(6, 6, 0)),
        _outcome('fast_5hz', 1, _returns(6, 5, 1)),
        _outcome('fast', 2, _returns(4, 3, 2), _returns(4, 4, 0)),
    ]
    fast, slow = by_kind(outcomes)
    assert (fast.kind, fast.name, slow.name) == ('fast', 'fast', 'fast_5hz')
    found = fast.summary()
    assert (found['returns'], found['recovered'], found['bound_recovered']) == (10, 9, 10)
    assert found['reentry_recall'] == pytest.approx(0.9)
    assert found['wrong_revivals'] == 2
    assert found['ablations']['no gallery']['IDF1'] == pytest.approx(0.25)
    assert found['ablations']['no gallery']['gt_ids'] == 2


def test_statements_are_over_all_scenes_and_leave_uniforms_out() -> None:
    report = make_report(
        [
            _outcome('crossing', 1, _returns(10, 8, 0), _returns(10, 9, 0)),
            _outcome('crossing', 2, _returns(6, 4, 3), _returns(6, 6, 0)),
            _outcome('uniforms', 1, _returns(4, 1, 2)),
        ]
    )
    assert report['statements'] == {
        'returns, without uniforms': 16,
        're-entry recall, without uniforms': 0.75,
        're-entry recall of perfect ids, without uniforms': 15 / 16,
        'wrong revivals, without uniforms': 3,
        'wrong revivals, uniforms': 2,
    }


def test_the_loss_at_a_low_rate_is_that_over_the_frames_of_all_scenes() -> None:
    report = make_report(
        [
            _outcome('fast', 1, _score(90, {1: 5})),
            _outcome('fast_5hz', 1, _score(15, {1: 5})),
            _outcome('fast', 2, _score(10, {1: 5})),
            _outcome('fast_5hz', 2, _score(5, {1: 5, 4: 6})),
        ]
    )
    assert report['statements']['IDF1 lost at 5 Hz with jitter'] == pytest.approx(0.1)


def test_the_report_keeps_every_scene_and_the_tables_have_a_row_per_kind() -> None:
    report = make_report(
        [_outcome(kind, number, _score(10, {1: 5})) for kind in 'ab' for number in (1, 2)]
    )
    assert list(report['kinds']) == ['a', 'b']
    assert list(report['scenes']) == ['a_1', 'a_2', 'b_1', 'b_2']
    assert report['scenes']['a_2']['ablations']['no gallery']['IDF1'] == pytest.approx(0.25)
    scores, ablations, _ = markdown(report).split('\n\n')
    for table in (scores, ablations):
        assert [line.split()[1] for line in table.splitlines()[2:]] == ['a', 'b']
    assert 'a_1' not in scores and '| -' in scores  # the recall of nobody
    header, _, first, _ = ablations.splitlines()
    assert [cell.strip() for cell in header.split('|')[1:-1]] == ['IDF1', 'all', 'no gallery']
    assert [cell.strip() for cell in first.split('|')[1:-1]] == ['a', '100.0%', '25.0%']
