import pytest

from person_mtl_ros.backends.batches import SIZES, batches


@pytest.mark.parametrize('count', [0, 1, 3, 10, 64, 65, 200])
@pytest.mark.parametrize('max_batch', [1, 10, 64, 1000])
def test_everybody_is_in_one_batch(count: int, max_batch: int) -> None:
    parts = batches(count, max_batch)
    assert [row for begin, end, _ in parts for row in range(begin, end)] == list(range(count))
    assert all(end - begin <= min(max_batch, SIZES[-1]) for begin, end, _ in parts)


@pytest.mark.parametrize('count', range(1, SIZES[-1] + 1))
def test_little_is_wasted_on_padding(count: int) -> None:
    ((_, _, size),) = batches(count)
    assert size in SIZES
    assert count <= size < 2 * count or size == count
    if count > 8:
        assert size <= 1.5 * count
