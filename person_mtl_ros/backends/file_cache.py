"""Files that cost time to make, kept between runs and never trusted blindly."""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from person_mtl_ros.atomic_path import atomic_path

# What was not used for so long is removed: networks that were replaced, versions of packages that
# are gone.
UNUSED_SEC = 30 * 86400.0
# Beyond this size what was used least recently is removed...
LIMIT_BYTES = 1 << 30
# ...but nothing that a process may be about to read.
IN_USE_SEC = 3600.0
SEAL_SUFFIX = '.sha256'
LOCK_NAME = '.lock'

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
    a place that cannot be written the file is made for this run only. Other files are removed
    when they were not used for 30 days, or for an hour where all take more than 1 GiB.

    :param name: readable part of the file's name, with the suffix.
    :param key: all that decides the content: digests of inputs, versions, device, precision.
    :param write: makes the file at the path it is given.
    """
    digest = hashlib.sha256(json.dumps(dict(sorted(key.items()))).encode()).hexdigest()[:16]
    folder = _writable_folder()
    path = folder / f'{Path(name).stem}-{digest}{Path(name).suffix}'
    seal = _seal_of(path)
    with _locked(folder):
        with contextlib.suppress(FileNotFoundError):
            os.utime(seal)  # its time is that of the last use
        _prune(folder)
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


def _seal_of(path: Path) -> Path:
    return path.with_name(path.name + SEAL_SUFFIX)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time mark and remove files, so that none loses what it just found."""
    with (folder / LOCK_NAME).open('w') as lock:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prune(folder: Path) -> None:
    now = time.time()
    ages = {path: now - _last_use_sec(path) for path in _contents(folder)}
    total = 0
    for path in sorted(ages, key=ages.__getitem__):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
        if ages[path] > UNUSED_SEC or (total > LIMIT_BYTES and ages[path] > IN_USE_SEC):
            logger.info('%s was not used for %.1f days and is removed', path, ages[path] / 86400)
            path.unlink(missing_ok=True)
            _seal_of(path).unlink(missing_ok=True)


def _contents(folder: Path) -> set[Path]:
    """Files that were kept, with those of processes that were stopped while they wrote."""
    files = [path for path in folder.iterdir() if not path.is_dir()]
    names = {path.name.removesuffix(SEAL_SUFFIX) for path in files}
    return {folder / name for name in names - {LOCK_NAME}}


def _last_use_sec(path: Path) -> float:
    times = []
    for file in (path, _seal_of(path)):
        with contextlib.suppress(FileNotFoundError):
            times.append(file.stat().st_mtime)
    return max(times, default=time.time())  # another process has just renamed it


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
    return _folder_of_this_run()


@functools.cache
def _folder_of_this_run() -> Path:
    folder = Path(tempfile.mkdtemp(prefix='person_mtl-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
