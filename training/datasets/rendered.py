"""Data set: people rendered by ``python -m training.synthetic.crops``."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.tasks import TASKS
from training.datasets.label_sets import (
    PartSetName,
    keypoint_labels,
    merge_parts,
    part_labels,
)
from training.datasets.sample import UNKNOWN, DatasetError, LabelSet, PersonDataset, Sample
from training.labels import MARKET_ATTRIBUTES
from training.synthetic.domain import DOMAINS
from training.synthetic.shards import read_index, shard_path


class RenderedDataset(PersonDataset):
    """
    Rendered people; pictures are read from memory-mapped shards when they are asked for.

    :param folder: written by ``python -m training.synthetic.crops``.
    :param people: identities to take, as shares of all: [first, last).
    :param labels: tasks to give labels for, a subset of ``TASKS``; None gives those of a public
        data set of the kind, all for a mixture of domains.
    :param part_set: classes of the parts.
    :raises DatasetError: for a folder without a complete rendered set or an unknown task.
    """

    def __init__(
        self,
        folder: Path,
        people: tuple[float, float] = (0.0, 1.0),
        labels: frozenset[str] | None = None,
        part_set: PartSetName = 'lip',
    ) -> None:
        rendered = read_index(folder)
        if labels is None:
            is_mixed = rendered.domain == 'all'
            labels = frozenset(TASKS) if is_mixed else DOMAINS[rendered.domain].tasks
        if unknown := labels.difference(TASKS):
            raise DatasetError(f'labels {sorted(unknown)}: take of {sorted(TASKS)}')
        self._tasks, self._part_set = labels, part_set
        self._views, self._people_per_shard = rendered.views, rendered.people_per_shard
        self._folder, self._shard_count = folder, rendered.shards
        self._shards: dict[int, NDArray] = {}
        missing = [n for n in range(rendered.shards) if not shard_path(folder, n).exists()]
        if missing:
            raise DatasetError(
                f'{folder}: {len(missing)} of {rendered.shards} shards are missing; '
                'run the command that renders the set again'
            )
        self._first, last = (round(share * rendered.identities) for share in people)
        numbers = np.repeat(np.arange(last - self._first), rendered.views)
        has_identity = 'reid' in labels
        self.identities = numbers if has_identity else np.full_like(numbers, UNKNOWN)
        self.labels = _label_set(labels, part_set)

    def __getitem__(self, index: int) -> Sample:
        """Read one person."""
        row = self._row(index)
        keypoints = parts = attributes = None
        if 'attributes' in self._tasks:
            attributes = row['attributes'].astype(np.int64)
        if 'pose' in self._tasks:
            keypoints = np.array(row['keypoints'])
        if 'parts' in self._tasks:
            parts = merge_parts(row['parts'], self._part_set)
        return Sample(
            image_rgb=np.array(row['image_rgb']),
            identity=int(self.identities[index]),
            camera=int(row['camera']),
            attributes=attributes,
            keypoints=keypoints,
            head_size=float(row['head_size']),
            parts=parts,
        )

    def _row(self, index: int) -> NDArray:
        if not -len(self) <= index < len(self):
            raise IndexError(f'sample {index} of {len(self)}')
        row = self._first * self._views + index % len(self)
        number, place = divmod(row, self._people_per_shard * self._views)
        if number not in self._shards:
            self._shards[number] = np.load(shard_path(self._folder, number), mmap_mode='r')
        return self._shards[number][place]


def _label_set(tasks: frozenset[str], part_set: PartSetName) -> LabelSet:
    return LabelSet(
        attributes=MARKET_ATTRIBUTES if 'attributes' in tasks else (),
        **(keypoint_labels('mpii') if 'pose' in tasks else {}),
        **(part_labels(part_set) if 'parts' in tasks else {}),
    )
