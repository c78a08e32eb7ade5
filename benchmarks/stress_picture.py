"""Picture of the stress benchmark: who had which id when."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from person_mtl_ros.evaluation.mot_files import MotTable
from person_mtl_ros.evaluation.reentry import match_frames

_PANEL_WIDTH = 5.0  # inches
_PERSON_HEIGHT, _LEAST_HEIGHT = 0.08, 1.2  # inches: of a person's row, of a panel
_TAB20 = colormaps['tab20'](np.arange(20))[:, :3]
_COLORS = _TAB20[np.ptp(_TAB20, axis=1) > 0]  # grey is for people without an id


@dataclass(frozen=True)
class Timeline:
    """The ids that people of one scene had."""

    kind: str
    name: str
    stamps: NDArray[np.float64]  # (T,) seconds, of the frames
    ground_truth: MotTable
    results: MotTable

    @property
    def people(self) -> list[int]:
        """Ground-truth identities, in order."""
        return np.unique(self.ground_truth.counted.ids).tolist()


def draw(timelines: Sequence[Timeline], path: Path) -> None:
    """Draw a row of panels per kind and in a panel a row per person and a colour per id."""
    kinds: dict[str, list[Timeline]] = {}
    for timeline in timelines:
        kinds.setdefault(timeline.kind, []).append(timeline)
    columns = max(map(len, kinds.values()))
    heights = [
        max(_LEAST_HEIGHT, *(_PERSON_HEIGHT * len(timeline.people) for timeline in row))
        for row in kinds.values()
    ]
    size = (_PANEL_WIDTH * columns, sum(heights) + 0.55 * len(heights))
    figure = Figure(size, layout='constrained')
    panels = figure.subplots(
        len(kinds), columns, squeeze=False, gridspec_kw={'height_ratios': heights}
    )
    for row, group in zip(panels, kinds.values(), strict=True):
        row[0].set_ylabel('person')
        for panel in row[len(group) :]:
            panel.remove()
        for panel, timeline in zip(row, group, strict=False):
            _draw_timeline(panel, timeline)
    for panel in panels[-1]:
        panel.set_xlabel('s')
    figure.savefig(path, dpi=110)


def _draw_timeline(panel: Axes, timeline: Timeline) -> None:
    counted, stamps = timeline.ground_truth.counted, timeline.stamps
    places = {identity: row for row, identity in enumerate(timeline.people)}
    rows = [places[identity] for identity in counted.ids.tolist()]
    panel.scatter(stamps[counted.frames - 1], rows, s=3, color='0.8', marker='s')
    matches = match_frames(counted, timeline.results)
    if matches:
        keys = np.array(list(matches))
        panel.scatter(
            stamps[keys[:, 0] - 1],
            [places[identity] for identity in keys[:, 1].tolist()],
            s=9,
            c=_COLORS[np.array(list(matches.values())) % len(_COLORS)],
            marker='s',
        )
    panel.set_xlim(0, stamps[-1])
    panel.set_ylim(-0.8, len(places) - 0.2)
    panel.set_yticks([])
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel.set_title(timeline.name, fontsize=11)
