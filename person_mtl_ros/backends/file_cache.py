"""Files that cost time to make, kept between runs and never trusted blindly."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from person_mtl_ros.atomic_path import atomic_path

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Folder of this package under ``$XDG_CACHE_HOME``, by default ``~/.cache``."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'person_mtl'


@contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Keep files of the block in another place, for what is not needed again."""
    before = os.environ.get('XDG_CACHE_HOME')
    os.environ['XDG_CACHE_HOME'] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ['XDG_CACHE_HOME']
        else:
            os.environ['XDG_CACHE_HOME'] = before


def cached_file(name: str, key: Mapping[str, str], write: Callable[[Path], None]) -> Path:
    """
    Make a file, or find the one that was made from the same ``key``.

    A digest beside the file tells whether it is as it was written; a broken one is made again. In
    a place that cannot be written the file is made for this run only.

    :param name: readable part of the file's name, with the suffix.
    :param key: all that decides the content: digests of inputs, versions, device, precision.
    :param write: makes the file at the path it is given.
    """
    digest = hashlib.sha256(json.dumps(dict(sorted(key.items()))).encode()).hexdigest()[:16]
    path = _writable_folder() / f'{Path(name).stem}-{digest}{Path(name).suffix}'
    seal = path.with_name(f'{path.name}.sha256')
    try:
        if seal.read_text() == _file_digest(path):
            return path
        logger.warning('%s is broken and is made again', path)
    except OSError:
        pass
    seal.unlink(missing_ok=True)
    with atomic_path(path) as temporary:
        write(temporary)
        content = _file_digest(temporary)
    with atomic_path(seal) as temporary:
        temporary.write_text(content)
    return path


def _file_digest(path: Path) -> str:
    """SHA-256 of the content of a file, in hex."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _writable_folder() -> Path:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
        reason = 'it cannot be written'
    except OSError as error:
        reason = str(error)
    logger.warning('no cache in %s: %s', folder, reason)
    return Path(tempfile.mkdtemp(prefix='person_mtl-'))
