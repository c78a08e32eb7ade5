"""
The people a tracker remembers, kept in a file from one run to the next.

One ``.safetensors`` file: tensor ``<track id>`` (K, D) float32 holds the embeddings of a person,
the metadata the network they come from and when each was last seen. Embeddings are biometric
data: whoever keeps the file needs a reason and the right to do so, and erases it in the end.
"""

import glob
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.tracking.gallery import RememberedPerson

FORMAT = 'person_mtl gallery 1'
_OWNER_ONLY = 0o600
_MAX_HEADER = 100_000_000  # bytes, as in safetensors


class GalleryFileError(ValueError):
    """A file that is not a gallery of this network."""


def save_gallery(path: Path, people: Sequence[RememberedPerson], model_id: str) -> None:
    """
    Write or replace the file; only its owner may read it.

    :param path: ``.safetensors`` file in a folder that exists.
    :param people: whom to remember.
    :param model_id: network that made their embeddings.
    :raises OSError: when it cannot be written.
    """
    unseen_sec = {str(person.track_id): person.unseen_sec for person in people}
    metadata = {
        'format': FORMAT,
        'model_id': model_id,
        'saved_at': repr(time.time()),
        'unseen_sec': json.dumps(unseen_sec),
    }
    content = save({str(person.track_id): person.embeddings for person in people}, metadata)
    with atomic_path(path) as temporary:
        temporary.touch(_OWNER_ONLY)
        temporary.write_bytes(content)
    _remove_unfinished(path)


def load_gallery(path: Path, model_id: str) -> list[RememberedPerson]:
    """
    Read the file; the time since it was written counts as time unseen.

    :param path: ``.safetensors`` file.
    :param model_id: network whose embeddings will be compared.
    :returns: by track id.
    :raises GalleryFileError: when the file is damaged, no gallery, or of another network.
    :raises OSError: when it cannot be read.
    """
    made_with, people = _read(path)
    if made_with != model_id:
        raise GalleryFileError(
            f'{path}: made with network {made_with!r}, the one running is {model_id!r}; their '
            'embeddings do not compare: name another file'
        )
    return people


def forget_in_gallery(path: Path, track_id: int) -> bool:
    """
    Take a person out of the file, whatever network it was made with.

    :returns: whether the person was there; a file that does not exist has nobody.
    :raises GalleryFileError: when the file is damaged or no gallery: nobody knows who is in it.
    :raises OSError: when it cannot be read or written.
    """
    if not path.exists():
        return False
    model_id, people = _read(path)
    others = [person for person in people if person.track_id != track_id]
    if len(others) < len(people):
        save_gallery(path, others, model_id)
    return len(others) < len(people)


def erase_gallery(path: Path) -> None:
    """
    Remove the file with everybody in it, a damaged one too.

    :raises GalleryFileError: when it is some other file, which is left alone.
    :raises OSError: when it cannot be removed.
    """
    if path.exists():
        if not _says_gallery(path):
            raise GalleryFileError(f'{path}: not a gallery file, left alone')
        path.unlink()
    _remove_unfinished(path)


class GalleryFile:
    """
    The file of one tracker: read once the network is known, then written when people changed.

    :param path: of a ``.safetensors`` file, there or not; a link is followed.
    :raises GalleryFileError: when there can be no such file.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path).resolve()
        self._model_id = ''  # of the people that may be written; empty until they were read
        self._seen_sec: dict[int, float] = {}  # in the file: who and when last
        if not self.path.parent.is_dir():
            raise GalleryFileError(
                f'gallery_file is {path!r}, but the folder {self.path.parent} does not exist: '
                'make it or name another file'
            )
        if self.path.is_dir():
            raise GalleryFileError(f'gallery_file is {path!r}, a folder; expected a file in it')

    def read(self, model_id: str) -> list[RememberedPerson]:
        """See :func:`load_gallery`; nobody without a file. Nothing is written until it works."""
        self._model_id = ''
        people = load_gallery(self.path, model_id) if self.path.exists() else []
        self._model_id = model_id
        self._seen_sec = {person.track_id: -math.inf for person in people}
        return people

    def write(self, people: Sequence[RememberedPerson], model_id: str, now_sec: float) -> None:
        """
        Write the file, if it was read for this network and somebody was seen or has gone since.

        :param now_sec: on any clock, from which ``unseen_sec`` of the people counts back; -inf
            before the first image.
        :raises OSError: when it cannot be written.
        """
        seen_sec = {p.track_id: round(now_sec - p.unseen_sec, 3) for p in people}
        if model_id and model_id == self._model_id and seen_sec != self._seen_sec:
            save_gallery(self.path, people, model_id)
            self._seen_sec = seen_sec

    def forget(self, track_id: int) -> bool:
        """See :func:`forget_in_gallery`; for a file that was not read, whose people nobody has."""
        return not self._model_id and forget_in_gallery(self.path, track_id)

    def erase(self, model_id: str) -> None:
        """See :func:`erase_gallery`; people of this network may be written from now on."""
        erase_gallery(self.path)
        self._model_id, self._seen_sec = model_id, {}


def _read(path: Path) -> tuple[str, list[RememberedPerson]]:
    """Network and people of a file."""
    try:
        with safe_open(path, framework='numpy') as file:
            metadata = file.metadata() or {}
            if metadata.get('format') != FORMAT:
                raise GalleryFileError(
                    f'{path}: format is {metadata.get("format")!r}; expected {FORMAT!r}'
                )
            away_sec = max(0.0, time.time() - float(metadata['saved_at']))
            unseen_sec = json.loads(metadata['unseen_sec'])
            return metadata['model_id'], [
                RememberedPerson(
                    int(name), file.get_tensor(name), float(unseen_sec[name]) + away_sec
                )
                for name in sorted(file.keys(), key=int)
            ]
    except (SafetensorError, KeyError, ValueError) as error:
        if isinstance(error, GalleryFileError):
            raise
        raise GalleryFileError(f'{path}: truncated or not a gallery file ({error})') from None


def _says_gallery(path: Path) -> bool:
    """Whether what there is of the header says so; an empty file may have been one."""
    with path.open('rb') as file:
        length = int.from_bytes(file.read(8), 'little')
        header = file.read(min(length, _MAX_HEADER))
    return FORMAT.encode() in header or path.stat().st_size == 0


def _remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed while they wrote have left."""
    for unfinished in path.parent.glob(f'.{glob.escape(path.stem)}.*.partial{path.suffix}'):
        unfinished.unlink(missing_ok=True)
