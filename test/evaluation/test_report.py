import json

import pytest
from generated_sequences import boxes_of, table

from person_mtl_ros.evaluation.breakdown import break_down
from person_mtl_ros.evaluation.reentry import ReentryScore
from person_mtl_ros.evaluation.report import SequenceResult, report_of, table_of
from person_mtl_ros.evaluation.tracking_metrics import score_sequence


def result(name, found_frames, reentry):
    ground_truth = table(boxes_of(dict.fromkeys(range(1, 11), 1), 0.0))
    found = table(boxes_of(dict.fromkeys(range(1, found_frames + 1), 4), 0.0))
    return SequenceResult(
        name,
        score_sequence(name, ground_truth, found, 10),
        reentry,
        break_down(ground_truth, found),
        frames=10,
        dropped=2,
        duration_sec=4.0,
        latency={'crop': {'count': 8, 'p50_sec': 0.1, 'p95_sec': 0.2}},
    )


BINS = {
    'height': ('0-64 px', '64-128 px', '128-256 px', '256+ px'),
    'occlusion': ('0-10 %', '10-50 %', '50+ %'),
}


def bins(kind, name, boxes, found):
    counts = {name: {'boxes': 0, 'found': 0, 'identified': 0} for name in BINS[kind]}
    counts[name] = {'boxes': boxes, 'found': found, 'identified': found}
    return counts


@pytest.fixture
def report():
    return report_of([result('a', 10, ReentryScore()), result('b', 5, ReentryScore(2, 1, 3, 1))])


def test_report_has_the_promised_fields(report):
    assert report['sequences']['b'] == {
        'HOTA': pytest.approx(0.5),
        'AssA': pytest.approx(0.5),
        'DetA': pytest.approx(0.5),
        'LocA': pytest.approx(1.0),
        'IDF1': pytest.approx(2 / 3),
        'MOTA': pytest.approx(0.5),
        'IDSW': 0,
        'ids': 1,
        'gt_ids': 1,
        'reentry_recall': 0.5,
        'returns': 2,
        'recovered': 1,
        'entries': 3,
        'wrong_revivals': 1,
        'frames': 10,
        'dropped': 2,
        'fps': 2.0,
        'by_height': bins('height', '0-64 px', 10, 5),
        'by_occlusion': bins('occlusion', '0-10 %', 10, 5),
        'latency': {'crop': {'count': 8, 'p50_sec': 0.1, 'p95_sec': 0.2}},
    }
    assert report['sequences']['a']['reentry_recall'] is None


def test_combined_counts_are_sums_and_ratios_are_pooled(report):
    combined = report['combined']
    assert (combined['frames'], combined['dropped'], combined['fps']) == (20, 4, 2.0)
    assert (combined['ids'], combined['gt_ids'], combined['returns']) == (2, 2, 2)
    assert combined['MOTA'] == pytest.approx(15 / 20)
    assert combined['DetA'] == pytest.approx(15 / 20)


def test_table_shows_percent_and_a_dash_for_nothing(report):
    header, _, first, second, combined = table_of(report).splitlines()
    assert header.split()[:3] == ['sequence', 'HOTA', 'AssA']
    assert first.split()[:2] == ['a', '100.0%']
    assert '-' in first.split()
    assert second.split()[:2] == ['b', '50.0%']
    assert combined.split()[0] == 'COMBINED'


def test_table_of_one_sequence_has_no_combined_row():
    assert 'COMBINED' not in table_of(report_of([result('a', 10, ReentryScore())]))


def test_report_is_ready_for_json(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
