from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / 'shared' / 'data'


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder of small real samples; it is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f'real sample data not found at {SHARED_DATA}')
    return SHARED_DATA


@pytest.fixture(scope='session', autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where exported networks are kept; the cache of the user stays as it is."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp('cache')
        patch.setenv('XDG_CACHE_HOME', str(root))
        yield root / 'person_mtl'
