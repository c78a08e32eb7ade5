"""
Rendered data sets on disk: shards of records that open without being read.

``index.json`` says how the set was made, ``crops-00000.npy`` and so on hold the crops of a few
people each, in order. A shard is one array of records, so that a crop is one read from the disk.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from person_mtl_ros.atomic_path import atomic_path
from training.datasets.sample import DatasetError
from training.labels import MARKET_ATTRIBUTES, MPII_KEYPOINTS
from training.synthetic.crop import SyntheticCrop, Viewpoint, render_crop, sample_viewpoint
from training.synthetic.domain import DOMAINS
from training.synthetic.identity import Identity, sample_identity

# Domain of one person after the other in a mixture.
MIXTURE = ('surveillance', 'sports', 'surveillance', 'clothes')
_CROPS_PER_SHARD = 256
# Third number of a seed, never 0: trailing zeros of a seed do not count.
_PERSON, _VIEW, _CAMERA = 1, 2, 3
_PEOPLE_PER_SITE = 40  # who pass the same cameras


@dataclass(frozen=True)
class RenderedSet:
    """What decides every byte of a rendered data set."""

    domain: str  # one of DOMAINS, or 'all' for the mixture
    identities: int
    views: int  # crops of each person
    size_hw: tuple[int, int]
    seed: int = 0

    @property
    def people_per_shard(self) -> int:
        """People whose crops share a file."""
        return max(1, _CROPS_PER_SHARD // self.views)

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.identities // self.people_per_shard)

    def domain_of(self, identity: int) -> str:
        """Name of the domain in which a person is filmed."""
        return MIXTURE[identity % len(MIXTURE)] if self.domain == 'all' else self.domain

    def camera_of(self, identity: int, view: int) -> int:
        """Tell the camera apart: people of a site share its cameras, others have their own."""
        cameras = DOMAINS[self.domain_of(identity)].cameras
        if cameras == 0:
            return view
        return identity // _PEOPLE_PER_SITE * cameras + (identity + view) % cameras

    def record(self) -> np.dtype:
        """Layout of a crop in a shard: the fields of SyntheticCrop, identity and camera."""
        height, width = self.size_hw
        return np.dtype(
            [
                ('image_rgb', 'u1', (height, width, 3)),
                ('parts', 'u1', (height, width)),
                ('keypoints', '<f4', (len(MPII_KEYPOINTS), 3)),
                ('attributes', 'u1', (len(MARKET_ATTRIBUTES),)),
                ('box', '<f4', (4,)),
                ('visible', '<f4'),
                ('head_size', '<f4'),
                ('identity', '<i4'),
                ('camera', '<i4'),
            ]
        )


def shard_path(folder: Path, shard: int) -> Path:
    """File of a shard."""
    return folder / f'crops-{shard:05d}.npy'


def render_set(folder: Path, rendered: RenderedSet, workers: int = 1) -> None:
    """
    Render a data set; the same set gives the same bytes, whatever ``workers``.

    Shards that are there already are kept: a rendering that was stopped goes on.

    :param folder: receives the index and the shards.
    :param rendered: what to render.
    :param workers: processes.
    :raises DatasetError: if the folder holds another set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / 'index.json').exists() and read_index(folder) != rendered:
        raise DatasetError(f'{folder}: holds {read_index(folder)}, not {rendered}; take another')
    write_index(folder, rendered)
    shards = [shard for shard in range(rendered.shards) if not shard_path(folder, shard).exists()]
    tasks = [(folder, rendered, shard) for shard in shards]
    if workers == 1:
        for task in tqdm(tasks, 'shards'):
            _render_shard(task)
        return
    # Forking would copy the locks of OpenCV's threads in whatever state they are.
    with get_context('spawn').Pool(workers) as pool:
        for _ in tqdm(pool.imap_unordered(_render_shard, tasks), 'shards', len(tasks)):
            pass


def write_index(folder: Path, rendered: RenderedSet) -> None:
    """Write what a folder holds."""
    (folder / 'index.json').write_text(json.dumps(asdict(rendered), indent=2) + '\n')


def read_index(folder: Path) -> RenderedSet:
    """
    Read what a folder holds.

    :raises DatasetError: for a folder without a rendered set.
    """
    try:
        values = json.loads((folder / 'index.json').read_text())
        return RenderedSet(**{**values, 'size_hw': tuple(values['size_hw'])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            f'{folder}: no rendered set ({error}); make one with '
            'python -m training.synthetic.crops --out FOLDER'
        ) from error


def _render_shard(task: tuple[Path, RenderedSet, int]) -> None:
    folder, rendered, shard = task
    cv2.setNumThreads(1)
    first = shard * rendered.people_per_shard
    last = min(first + rendered.people_per_shard, rendered.identities)
    records = np.zeros((last - first) * rendered.views, rendered.record())
    rows = iter(records)
    for identity in range(first, last):
        for view, crop in enumerate(render_views(rendered, identity)):
            row = next(rows)
            for field in fields(SyntheticCrop):
                row[field.name] = getattr(crop, field.name)
            row['identity'] = identity
            row['camera'] = rendered.camera_of(identity, view)
    write_shard(folder, shard, records)


def write_shard(folder: Path, shard: int, records: NDArray) -> None:
    """Write the records of a shard, all or nothing."""
    with atomic_path(shard_path(folder, shard)) as temporary, temporary.open('wb') as file:
        np.save(file, records)


def person_of(rendered: RenderedSet, identity: int) -> Identity:
    """Draw who a person of a set is."""
    rng = np.random.default_rng([rendered.seed, identity, _PERSON])
    return sample_identity(rng, DOMAINS[rendered.domain_of(identity)].population)


def render_views(rendered: RenderedSet, identity: int) -> Iterator[SyntheticCrop]:
    """Render the crops of one person of a set."""
    domain = rendered.domain_of(identity)
    person = person_of(rendered, identity)
    for view in range(rendered.views):
        rng = np.random.default_rng([rendered.seed, identity, _VIEW, view])
        viewpoint = None
        if DOMAINS[domain].cameras:
            camera = rendered.camera_of(identity, view)
            viewpoint = _fixed_viewpoint(rendered.seed, camera, domain)
        yield render_crop(person, rng, rendered.size_hw, domain, viewpoint)


@lru_cache(64)
def _fixed_viewpoint(seed: int, camera: int, domain: str) -> Viewpoint:
    return sample_viewpoint(np.random.default_rng([seed, camera, _CAMERA]), DOMAINS[domain])
