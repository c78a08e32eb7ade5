"""What many views of one person say together: attributes and joints over the track."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, PersonEstimate

FloatArray = NDArray[np.float64]

LEAST_PROBABILITY = 1e-3  # what a view calls impossible is taken as this likely: nobody has a veto
SPEED_CUTOFF = 1.0  # Hz, of the joints' speed (Casiez et al. 2012, section 3.1)


def view_weight(estimate: PersonEstimate, coverage: float) -> float:
    """
    How much one view of a person counts.

    :param estimate: its detection score and, where known, sharpness: small and blurred people
        show little detail.
    :param coverage: share of the box that somebody nearer hides.
    :returns: 0 to 1, the latter for a certain detection of a sharp view of all of the person.
    """
    sharpness = 1.0 if estimate.sharpness is None else estimate.sharpness
    return max(0.0, estimate.detection.score * sharpness * (1.0 - coverage))


class AttributeBelief:
    """
    Logarithmic opinion pool of the views of one person (Genest & Zidek 1986, section 3.2).

    The belief is proportional to the product of the views' probabilities, each to the power of
    its weight. Weights fade with time. While they sum to less than 1, all classes being equally
    likely holds the rest, so that one poor view makes a vague belief; beyond they are scaled to
    sum to 1, as the views of one network are wrong together and a thousand of them prove no
    more than their mean.
    """

    def __init__(self) -> None:
        self._classes: dict[str, slice] = {}  # attribute -> its part of the vectors below
        self._log_sum = np.zeros(0)  # (K,) weighted log probabilities of all classes
        self._weight = np.zeros(0)  # (K,) of the views of each class's attribute
        self._stamp_sec = -math.inf
        self._probabilities: dict[str, Float32Array] | None = {}  # None: to be computed

    def add(
        self,
        attributes: Mapping[str, Float32Array],
        weight: float,
        stamp_sec: float,
        memory_sec: float,
    ) -> None:
        """
        Take in one view.

        :param attributes: name -> (C,) probabilities; one that is missing keeps its belief.
        :param weight: of the view, see :func:`view_weight`.
        :param stamp_sec: when it was seen.
        :param memory_sec: time in which older views fade to 1 / e.
        """
        self._fade(stamp_sec, memory_sec)
        if not attributes:
            return
        self._make_room(attributes)
        if len(attributes) == len(self._classes):
            view = np.concatenate([attributes[name] for name in self._classes])
            self._log_sum += weight * _log(view)
            self._weight += weight
        else:
            for name, probabilities in attributes.items():
                self._log_sum[self._classes[name]] += weight * _log(probabilities)
                self._weight[self._classes[name]] += weight

    def extend(self, later: 'AttributeBelief', memory_sec: float) -> None:
        """Take over what a later track of the same person has shown."""
        self._fade(later._stamp_sec, memory_sec)
        self._make_room({name: later._weight[part] for name, part in later._classes.items()})
        for name, part in later._classes.items():
            self._log_sum[self._classes[name]] += later._log_sum[part]
            self._weight[self._classes[name]] += later._weight[part]

    @property
    def probabilities(self) -> dict[str, Float32Array]:
        """Attribute -> (C,), summing to 1; arrays are not changed later."""
        if self._probabilities is None:
            # Between 1e-3 and 1, so there is nothing to guard the exponential against.
            powers = np.exp(self._log_sum / np.maximum(1.0, self._weight))
            self._probabilities = {
                name: (powers[part] / powers[part].sum()).astype(np.float32)
                for name, part in self._classes.items()
            }
        return dict(self._probabilities)

    def _fade(self, stamp_sec: float, memory_sec: float) -> None:
        if self._classes:
            fading = math.exp((self._stamp_sec - stamp_sec) / memory_sec)
            self._log_sum *= fading
            self._weight *= fading
            self._probabilities = None
        self._stamp_sec = stamp_sec

    def _make_room(self, attributes: Mapping[str, NDArray[np.floating]]) -> None:
        for name, values in attributes.items():
            if name not in self._classes:
                self._probabilities = None
                begin = len(self._log_sum)
                self._classes[name] = slice(begin, begin + len(values))
                self._log_sum = np.append(self._log_sum, np.zeros(len(values)))
                self._weight = np.append(self._weight, np.zeros(len(values)))


def _log(probabilities: NDArray[np.floating]) -> FloatArray:
    return np.log(np.maximum(probabilities, LEAST_PROBABILITY), dtype=np.float64)


class KeypointFilter:
    """
    One-euro filter of the joints of one person (Casiez et al. 2012).

    A low-pass filter whose cutoff rises with speed: a resting joint is held still, a fast one
    follows at once. Speed is in heights of the person per second, so that near and far people
    are smoothed alike; time is that of the stamps, so that frame rate does not matter.
    """

    def __init__(self) -> None:
        self._places: FloatArray | None = None  # (J, 2) px
        self._speeds: FloatArray = np.zeros(0)  # (J, 2) heights/s
        self._raw: FloatArray = np.zeros(0)  # (J, 2) px, as they came last
        self._stamp_sec = 0.0

    def smooth(
        self,
        keypoints: Float32Array,
        height: float,
        stamp_sec: float,
        min_cutoff: float,
        speed_gain: float,
    ) -> Float32Array:
        """
        Filter the joints of one view.

        :param keypoints: (J, 3) x, y in pixels, score.
        :param height: of the person's box, pixels.
        :param stamp_sec: later than the last one.
        :param min_cutoff: Hz, of a joint that rests; lower is calmer.
        :param speed_gain: Hz per height/s; higher lags less.
        :returns: (J, 3) with the same scores.
        """
        raw = keypoints[:, :2].astype(np.float64)
        dt = stamp_sec - self._stamp_sec
        if self._places is None or len(self._places) != len(raw) or dt <= 0:
            self._places, self._speeds = raw, np.zeros_like(raw)
        else:
            speeds = (raw - self._raw) / (dt * max(height, 1.0))
            self._speeds += _share(SPEED_CUTOFF, dt) * (speeds - self._speeds)
            speed = np.linalg.norm(self._speeds, axis=1, keepdims=True)
            self._places += _share(min_cutoff + speed_gain * speed, dt) * (raw - self._places)
        self._raw, self._stamp_sec = raw, stamp_sec
        return np.column_stack([self._places, keypoints[:, 2]]).astype(np.float32)


def _share(cutoff: float | FloatArray, dt: float) -> float | FloatArray:
    """Share of the news in a low-pass filter of a cutoff in Hz over a time step in s."""
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff * dt))
