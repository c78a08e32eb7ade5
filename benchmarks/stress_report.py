"""
Figures of the stress benchmark: of every scene, of every kind of scene, over all.

The scenes of a kind count as one: returns, wrong revivals and ids are summed, HOTA, AssA and IDF1
are those of TrackEval over the frames of all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from person_mtl_ros.evaluation.reentry import ReentryScore
from person_mtl_ros.evaluation.tracking_metrics import TrackingScore, combine_sequences

FAST, SLOW = 'fast', 'fast_5hz'  # kinds: the same scenes at two frame rates
EXCEPTION = 'uniforms'  # kind where nobody can be told from anybody: recall is only reported
COLUMNS = {
    'HOTA': '{:.1%}',
    'AssA': '{:.1%}',
    'IDF1': '{:.1%}',
    'bound_IDF1': '{:.1%}',
    'IDSW': '{}',
    'ids': '{}',
    'gt_ids': '{}',
    'returns': '{}',
    'recovered': '{}',
    'bound_recovered': '{}',
    'reentry_recall': '{:.1%}',
    'wrong_revivals': '{}',
}


@dataclass(frozen=True)
class Score:
    """Figures of one scene, or of several together."""

    tracking: TrackingScore
    reentry: ReentryScore

    def summary(self) -> dict[str, Any]:
        """Return the figures by name; ratios in [0, 1]."""
        return {
            **self.tracking.summary(),
            'returns': self.reentry.returns,
            'recovered': self.reentry.recovered,
            'entries': self.reentry.entries,
            'reentry_recall': self.reentry.recall,
            'wrong_revivals': self.reentry.wrong_revivals,
        }


def combine(scores: Iterable[Score]) -> Score:
    """
    Score several scenes as one.

    :param scores: at least one.
    """
    scores = list(scores)
    return Score(
        combine_sequences(score.tracking for score in scores),
        sum((score.reentry for score in scores), ReentryScore()),
    )


@dataclass(frozen=True)
class Outcome:
    """How well one scene was tracked, or several of a kind."""

    kind: str
    name: str
    score: Score
    bound: Score  # of perfect ids on the same detections
    ablations: Mapping[str, Score]  # by what was taken away

    def summary(self) -> dict[str, Any]:
        """Return all figures by name."""
        bound = self.bound.summary()
        return {
            **self.score.summary(),
            'bound_IDF1': bound['IDF1'],
            'bound_recovered': bound['recovered'],
            'ablations': {what: score.summary() for what, score in self.ablations.items()},
        }


def by_kind(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Combine the outcomes of each kind, in the order in which the kinds come first."""
    kinds: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        kinds.setdefault(outcome.kind, []).append(outcome)
    return [
        Outcome(
            kind,
            kind,
            combine(outcome.score for outcome in group),
            combine(outcome.bound for outcome in group),
            {
                what: combine(outcome.ablations[what] for outcome in group)
                for what in group[0].ablations
            },
        )
        for kind, group in kinds.items()
    ]


def make_report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures of scenes and of kinds, by name, and what they come to."""
    kinds = by_kind(outcomes)
    return {
        'kinds': {outcome.name: outcome.summary() for outcome in kinds},
        'scenes': {outcome.name: outcome.summary() for outcome in outcomes},
        'statements': statements({outcome.name: outcome for outcome in kinds}),
    }


def statements(kinds: Mapping[str, Outcome]) -> dict[str, Any]:
    """Condense the kinds that were run to what tracking is to achieve."""
    distinct = [outcome for kind, outcome in kinds.items() if kind != EXCEPTION]
    counted = sum((outcome.score.reentry for outcome in distinct), ReentryScore())
    possible = sum((outcome.bound.reentry for outcome in distinct), ReentryScore())
    result: dict[str, Any] = {
        'returns, without uniforms': counted.returns,
        're-entry recall, without uniforms': counted.recall,
        're-entry recall of perfect ids, without uniforms': possible.recall,
        'wrong revivals, without uniforms': counted.wrong_revivals,
    }
    if EXCEPTION in kinds:
        result['wrong revivals, uniforms'] = kinds[EXCEPTION].score.reentry.wrong_revivals
    if FAST in kinds:
        fast, slow = (kinds[kind].score.summary()['IDF1'] for kind in (FAST, SLOW))
        result['IDF1 lost at 5 Hz with jitter'] = fast - slow
    return result


def markdown(report: Mapping[str, Any]) -> str:
    """Tables of a report, a row per kind."""
    kinds = report['kinds']
    scores = [
        [kind, *(_cell(values[key], form) for key, form in COLUMNS.items())]
        for kind, values in kinds.items()
    ]
    ablations = list(
        dict.fromkeys(what for values in kinds.values() for what in values['ablations'])
    )
    without = [
        [kind, *(_cell(one['IDF1'], '{:.1%}') for one in (values, *values['ablations'].values()))]
        for kind, values in kinds.items()
    ]
    claims = [[name, _cell(value, '{:.3g}')] for name, value in report['statements'].items()]
    tables = (
        (scores, ['kind', *COLUMNS]),
        (without, ['IDF1', 'all', *ablations]),
        (claims, ['over all scenes', '']),
    )
    return '\n\n'.join(
        tabulate(rows, header, tablefmt='github', disable_numparse=True) for rows, header in tables
    )


def _cell(value: float | None, form: str) -> str:
    return '-' if value is None else form.format(value)
