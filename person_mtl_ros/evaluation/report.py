"""What ``person-mtl evaluate`` prints and writes."""

from collections.abc import Mapping
from collections.abc import Sequence as ListOf
from dataclasses import asdict, dataclass, field
from typing import Any

from tabulate import tabulate

from person_mtl_ros.evaluation.breakdown import Breakdown, add_breakdowns
from person_mtl_ros.evaluation.reentry import ReentryScore
from person_mtl_ros.evaluation.tracking_metrics import TrackingScore, combine_sequences

# Column heading -> key of the report; how a cell is shown.
_COLUMNS = {
    'HOTA': ('HOTA', '{:.1%}'),
    'AssA': ('AssA', '{:.1%}'),
    'DetA': ('DetA', '{:.1%}'),
    'IDF1': ('IDF1', '{:.1%}'),
    'MOTA': ('MOTA', '{:.1%}'),
    'IDSW': ('IDSW', '{}'),
    'ids': ('ids', '{}'),
    'gt ids': ('gt_ids', '{}'),
    're-entry': ('reentry_recall', '{:.1%}'),
    'returns': ('returns', '{}'),
    'wrong ids': ('wrong_revivals', '{}'),
    'frames': ('frames', '{}'),
    'dropped': ('dropped', '{}'),
    'fps': ('fps', '{:.1f}'),
}


@dataclass(frozen=True)
class SequenceResult:
    """One evaluated sequence."""

    name: str
    tracking: TrackingScore
    reentry: ReentryScore
    breakdown: Breakdown
    frames: int  # of the sequence, all of them scored
    dropped: int  # frames that were not processed
    duration_sec: float  # it took to process the others
    latency: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # Latency.summary()
    unaccounted: int = 0  # dropped frames without a known reason


def report_of(results: ListOf[SequenceResult]) -> dict[str, Any]:
    """
    Put the results of all sequences into one dictionary, ready for JSON.

    :param results: at least one, names differ.
    :returns: ``sequences`` by name and ``combined``. Ratios are in [0, 1]; ``reentry_recall`` is
        None where nobody returned; ``by_height`` and ``by_occlusion`` count the ground-truth
        boxes of each bin, found and identified; ``latency``, in seconds, is there for stages
        that were timed.
    """
    sequences = {}
    for result in results:
        sequences[result.name] = {
            **result.tracking.summary(),
            **_reentry_fields(result.reentry),
            **_speed_fields(result.frames, result.dropped, result.duration_sec),
            **_breakdown_fields(result.breakdown),
        }
        if result.latency:
            sequences[result.name]['latency'] = result.latency
    combined = {
        **combine_sequences([result.tracking for result in results]).summary(),
        **_reentry_fields(sum((result.reentry for result in results), ReentryScore())),
        **_speed_fields(
            sum(result.frames for result in results),
            sum(result.dropped for result in results),
            sum(result.duration_sec for result in results),
        ),
        **_breakdown_fields(add_breakdowns([result.breakdown for result in results])),
    }
    return {'sequences': sequences, 'combined': combined}


def table_of(report: Mapping[str, Any]) -> str:
    """Plain text table of a report; the combined row where there are several sequences."""
    rows = dict(report['sequences'])
    if len(rows) > 1:
        rows['COMBINED'] = report['combined']
    cells = [
        [name, *(_cell(values[key], form) for key, form in _COLUMNS.values())]
        for name, values in rows.items()
    ]
    return tabulate(
        cells,
        headers=['sequence', *_COLUMNS],
        disable_numparse=True,
        colalign=('left', *['right'] * len(_COLUMNS)),
    )


def breakdown_table_of(report: Mapping[str, Any]) -> str:
    """Plain text table of found and identified people by distance and occlusion, all together."""
    cells = [
        [kind, name, values['boxes'], _share(values, 'found'), _share(values, 'identified')]
        for kind in ('height', 'occlusion')
        for name, values in report['combined'][f'by_{kind}'].items()
    ]
    return tabulate(
        cells,
        headers=['by', 'of the box', 'boxes', 'found', 'identified'],
        disable_numparse=True,
        colalign=('left', 'right', 'right', 'right', 'right'),
    )


def _reentry_fields(score: ReentryScore) -> dict[str, Any]:
    return {
        'reentry_recall': score.recall,
        'returns': score.returns,
        'recovered': score.recovered,
        'entries': score.entries,
        'wrong_revivals': score.wrong_revivals,
    }


def _breakdown_fields(breakdown: Breakdown) -> dict[str, Any]:
    return {
        f'by_{kind}': {name: asdict(score) for name, score in bins.items()}
        for kind, bins in breakdown.items()
    }


def _share(values: Mapping[str, int], key: str) -> str:
    return _cell(values[key] / values['boxes'] if values['boxes'] else None, '{:.1%}')


def _speed_fields(frames: int, dropped: int, duration_sec: float) -> dict[str, Any]:
    fps = (frames - dropped) / duration_sec if duration_sec > 0 else 0.0
    return {'frames': frames, 'dropped': dropped, 'fps': fps}


def _cell(value: float | None, form: str) -> str:
    return '-' if value is None else form.format(value)
