"""How far embeddings of one person and of two are apart, and the threshold between them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.same_person import OperatingPoint, choose_threshold

FloatArray = NDArray[np.float64]

MIN_GAP_SEC = 1.0  # between two views of a person: consecutive frames are one view taken twice
BIN_WIDTH = 0.02  # of the histograms, cosine distance


class CalibrationError(ValueError):
    """Labelled people of whom too few pairs can be made."""


@dataclass(frozen=True)
class Pairs:
    """Cosine distances of pairs of views."""

    positive: FloatArray  # (P,) of one person
    negative: FloatArray  # (N,) of two people in one scene


@dataclass(frozen=True)
class Calibration(OperatingPoint):
    """A threshold with the pairs it was chosen with."""

    positive_pairs: int
    positive_mean: float
    positive_deviation: float
    negative_pairs: int
    negative_mean: float
    negative_deviation: float

    def as_dict(self) -> dict[str, Any]:
        """Numbers by name, ready for JSON."""
        return asdict(self)


def make_pairs(
    embeddings: NDArray[np.floating],
    identities: Sequence[int],
    scenes: Sequence[int],
    moments_sec: Sequence[float],
) -> Pairs:
    """
    Pair everybody with everybody.

    Positive pairs are views of one person, those of one scene at least ``MIN_GAP_SEC`` apart.
    Negative pairs are views of two people in the same scene: that is what a tracker has to tell
    apart, and light and background do not help.

    :param embeddings: (V, D) of unit length.
    :param identities: (V,) who it is.
    :param scenes: (V,) where it was seen.
    :param moments_sec: (V,) when; times of different scenes are not compared.
    """
    who, where, when = (np.asarray(values) for values in (identities, scenes, moments_sec))
    first, second = np.triu_indices(len(who), 1)
    distances = 1.0 - (embeddings @ embeddings.T).astype(np.float64)[first, second]
    is_one_person = who[first] == who[second]
    is_one_scene = where[first] == where[second]
    is_apart = ~is_one_scene | (np.abs(when[first] - when[second]) >= MIN_GAP_SEC)
    return Pairs(
        positive=distances[is_one_person & is_apart],
        negative=distances[~is_one_person & is_one_scene],
    )


def calibrate(pairs: Pairs, false_accept_rate: float) -> Calibration:
    """
    Choose the distance below which the given share of negative pairs lies.

    :param pairs: of views not seen in training.
    :param false_accept_rate: in (0, 1).
    :raises CalibrationError: when there are too few pairs to tell.
    """
    needed = int(np.ceil(1 / false_accept_rate))
    if not (np.isfinite(pairs.positive).all() and np.isfinite(pairs.negative).all()):
        raise CalibrationError('embeddings that are not finite; the weights are damaged')
    if not len(pairs.positive):
        raise CalibrationError(
            f'no two views of one person at least {MIN_GAP_SEC:g} s apart; expected people who '
            'are seen more than once'
        )
    if len(pairs.negative) < needed:
        raise CalibrationError(
            f'{len(pairs.negative)} pairs of two people in one scene; a false-accept rate of '
            f'{false_accept_rate:g} needs {needed} at least'
        )
    chosen = choose_threshold(pairs.positive, pairs.negative, false_accept_rate)
    return Calibration(
        **asdict(chosen),
        positive_pairs=len(pairs.positive),
        positive_mean=float(pairs.positive.mean()),
        positive_deviation=float(pairs.positive.std()),
        negative_pairs=len(pairs.negative),
        negative_mean=float(pairs.negative.mean()),
        negative_deviation=float(pairs.negative.std()),
    )


def draw_histograms(pairs: Pairs, calibration: Calibration, path: Path) -> None:
    """
    Draw both kinds of distances and the threshold; the file is whole or not there.

    :param path: of the picture, ``.png``.
    :raises OSError: when it cannot be written.
    """
    from matplotlib.figure import Figure  # slow, and most commands draw nothing

    farthest = max(pairs.positive.max(), pairs.negative.max())
    bins = np.arange(0.0, farthest + 2 * BIN_WIDTH, BIN_WIDTH)
    figure = Figure((8, 4.5), layout='constrained')
    axes = figure.subplots()
    for distances, color, name in (
        (pairs.positive, 'tab:blue', 'one person'),
        (pairs.negative, 'tab:orange', 'two people in one scene'),
    ):
        weights = np.full(len(distances), 100 / len(distances))
        label = f'{name}, {len(distances)} pairs'
        axes.hist(distances, bins.tolist(), weights=weights, color=color, alpha=0.55, label=label)
    threshold = calibration.same_person_threshold
    axes.axvline(
        threshold,
        color='black',
        linestyle='--',
        label=f'threshold {threshold:.3f}: FAR {calibration.false_accept_rate:.2%}, '
        f'FRR {calibration.false_reject_rate:.1%}',
    )
    axes.set_xlim(left=0.0)
    axes.set_xlabel('cosine distance')
    axes.set_ylabel('pairs [%]')
    axes.margins(y=0.3)  # room for the legend
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png', dpi=110)
