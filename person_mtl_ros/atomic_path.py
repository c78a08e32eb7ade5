"""Outputs that are either whole or not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """
    Temporary path beside ``path``, renamed to it at the end of the block, removed on failure.

    The temporary name keeps the suffix, from which some writers choose their format. A file at
    ``path`` is replaced; a folder is not, the rename fails. A link is followed. What can be
    written to but not be replaced, a pipe or a device such as ``/dev/stdout``, is yielded itself.

    :param path: the file or folder to make.
    :returns: the path to write to; the caller creates it, as a file or as a folder.
    :raises FileNotFoundError: when the parent folder does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path}: the folder {path.parent} does not exist')
    if path.exists() and not (path.is_file() or path.is_dir()):
        yield path
        return
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.partial{path.suffix}')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)
