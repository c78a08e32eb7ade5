import numpy as np
import pytest

from training.samplers import IdentitySampler

IDENTITIES = np.repeat([7, 3, 5, 9, 1], [5, 4, 6, 2, 8])


def test_a_batch_has_the_asked_people_with_the_asked_crops() -> None:
    for batch in IdentitySampler(IDENTITIES, 3, 4, 0, range(20)):
        people, counts = np.unique(IDENTITIES[[row for row, _ in batch]], return_counts=True)
        assert len(people) == 3
        assert (counts == 4).all()


def test_crops_repeat_only_for_people_who_have_too_few() -> None:
    for batch in IdentitySampler(IDENTITIES, 5, 4, 0, range(20)):
        rows = np.array([row for row, _ in batch])
        for person in (7, 3, 5, 1):
            own = rows[IDENTITIES[rows] == person]
            assert len(set(own)) == 4


def test_a_resumed_sampler_goes_on_where_it_stopped() -> None:
    whole = list(IdentitySampler(IDENTITIES, 3, 2, 0, range(10)))
    assert list(IdentitySampler(IDENTITIES, 3, 2, 0, range(6, 10))) == whole[6:]
    assert whole[0] != whole[1]


def test_the_seed_decides() -> None:
    one, same, other = (list(IdentitySampler(IDENTITIES, 3, 2, s, range(5))) for s in (0, 0, 1))
    assert one == same != other


def test_too_few_people_are_an_error() -> None:
    with pytest.raises(ValueError, match='5 people; a batch needs 6'):
        IdentitySampler(IDENTITIES, 6, 2, 0, range(1))
