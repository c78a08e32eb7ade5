import numpy as np
import pytest

from training.datasets.sample import DatasetError
from training.samplers import IdentityRows, InterleavedBatches, RandomRows

IDENTITIES = np.repeat([7, 3, 5, 9, 1, -1], [5, 4, 6, 2, 8, 3])


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_batch_has_the_asked_people_with_the_asked_crops() -> None:
    rng = _rng()
    rows = IdentityRows(IDENTITIES, people=3, crops=4)
    for _ in range(20):
        people, counts = np.unique(IDENTITIES[rows(rng)], return_counts=True)
        assert len(people) == 3
        assert (counts == 4).all()


def test_crops_repeat_only_for_people_who_have_too_few() -> None:
    rows = IdentityRows(IDENTITIES, people=5, crops=4)(_rng())
    for person in (7, 3, 5, 1):
        assert len(set(rows[IDENTITIES[rows] == person])) == 4


def test_crops_without_a_person_are_not_drawn() -> None:
    rng = _rng()
    rows = IdentityRows(IDENTITIES, people=5, crops=4)
    assert all((IDENTITIES[rows(rng)] >= 0).all() for _ in range(20))


def test_too_few_people_are_an_error() -> None:
    with pytest.raises(DatasetError, match='5 people; a batch needs 6'):
        IdentityRows(IDENTITIES, people=6, crops=2)


def test_random_rows_do_not_repeat_within_a_batch() -> None:
    assert sorted(RandomRows(10, 10)(_rng())) == list(range(10))
    with pytest.raises(DatasetError, match='10 crops; a batch needs 11'):
        RandomRows(10, 11)


def _interleaved(batches: range, **arguments) -> InterleavedBatches:
    rows = {'market': IdentityRows(IDENTITIES, 3, 2), 'mpii': RandomRows(50, 4)}
    sizes = {'market': 100, 'mpii': 300}
    return InterleavedBatches(rows, sizes, batches, **({'seed': 0} | arguments))


def test_batches_are_of_one_data_set_in_proportion_to_its_size() -> None:
    names = []
    for batch in _interleaved(range(400)):
        (name,) = {key.dataset for key in batch}
        names.append(name)
    assert abs(names.count('mpii') / 400 - 0.75) < 0.07


def test_a_resumed_sampler_goes_on_where_it_stopped() -> None:
    whole = list(_interleaved(range(10)))
    assert list(_interleaved(range(6, 10))) == whole[6:]
    assert whole[0] != whole[1]


def test_the_seed_decides() -> None:
    one, same, other = (list(_interleaved(range(5), seed=seed)) for seed in (0, 0, 1))
    assert one == same != other


def test_processes_read_different_crops_of_the_same_data_set() -> None:
    first, second = (list(_interleaved(range(10), process=rank)) for rank in (0, 1))
    for one, other in zip(first, second, strict=True):
        assert one[0].dataset == other[0].dataset
        assert one != other


def test_batches_of_one_step_are_of_one_data_set() -> None:
    names = [batch[0].dataset for batch in _interleaved(range(40), per_step=4)]
    assert all(len(set(names[step : step + 4])) == 1 for step in range(0, 40, 4))
    assert set(names) == {'market', 'mpii'}
