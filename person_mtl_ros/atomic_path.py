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
    ``path`` is replaced; a folder is not, the rename fails.

    :param path: the file or folder to make.
    :returns: the path to write to; the caller creates it, as a file or as a folder.
    :raises FileNotFoundError: when the parent folder does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path}: the folder {path.parent} does not exist')
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.partial{path.suffix}')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)
