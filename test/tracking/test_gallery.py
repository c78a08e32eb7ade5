import numpy as np
from people import look, person

from person_mtl_ros.tracking.embedding_bank import EmbeddingBank
from person_mtl_ros.tracking.existence import Existence
from person_mtl_ros.tracking.gallery import Gallery
from person_mtl_ros.tracking.track import Track


def identity(track_id: int, last_seen_sec: float) -> Track:
    bank = EmbeddingBank(capacity=4, interval_sec=0.0)
    bank.add(look(track_id), 0.0)
    return Track(track_id, person(0.0), last_seen_sec, bank, 0.0, Existence(0, 0))


def test_bank_keeps_the_rare_view_when_full() -> None:
    bank = EmbeddingBank(capacity=3, interval_sec=0.0)
    rng = np.random.default_rng(0)
    bank.add(look(1), 0.0)
    for stamp in range(1, 50):
        bank.add(look(2, 0.1, rng), float(stamp))
    assert len(bank) == 3
    assert bank.mean @ look(1) > 0.3


def test_bank_takes_one_embedding_per_interval() -> None:
    bank = EmbeddingBank(capacity=100, interval_sec=0.5)
    for stamp in np.arange(0.0, 2.0, 0.05):
        bank.add(look(1), stamp)
    assert len(bank) == 4


def test_a_restored_bank_goes_on_as_the_one_it_was_saved_from() -> None:
    rng = np.random.default_rng(0)
    saved, restored = (EmbeddingBank(capacity=3, interval_sec=0.5) for _ in range(2))
    for stamp in (0.0, 1.0):
        saved.add(look(1, 0.4, rng), stamp)
    restored.restore(saved.embeddings, 1.0)
    for stamp in np.arange(1.1, 4.0, 0.1):
        for bank in (saved, restored):
            bank.add(look(2), stamp)
    np.testing.assert_array_equal(restored.embeddings, saved.embeddings)
    np.testing.assert_array_equal(restored.mean, saved.mean)


def test_a_smaller_bank_takes_up_a_larger_one() -> None:
    bank = EmbeddingBank(capacity=2, interval_sec=0.5)
    bank.restore(np.stack([look(1), look(2), look(2)]), 0.0)
    np.testing.assert_array_equal(bank.embeddings, np.stack([look(1), look(2)]))


def test_distance_to_a_bank_is_that_to_its_mean_direction() -> None:
    gallery = Gallery()
    track = identity(1, 0.0)
    track.bank.add(look(2), 0.0)
    gallery.add(track)
    ids, distances = gallery.distances(look(3)[None])
    middle = (look(1) + look(2)) / np.linalg.norm(look(1) + look(2))
    assert ids == [1]
    np.testing.assert_allclose(distances, [[1 - middle @ look(3)]], rtol=1e-5)


def test_identities_end_by_age_and_then_by_number() -> None:
    gallery = Gallery()
    for track_id, last_seen_sec in ((1, 0.0), (2, 5.0), (3, 7.0), (4, 6.0)):
        gallery.add(identity(track_id, last_seen_sec))
    gallery.end(stamp_sec=10.5, retention_sec=10.0, capacity=2)
    assert [track_id in gallery for track_id in (1, 2, 3, 4)] == [False, False, True, True]
    gallery.end(stamp_sec=16.5, retention_sec=10.0, capacity=2)
    assert [track_id in gallery for track_id in (3, 4)] == [True, False]


def test_who_has_no_embedding_is_not_kept() -> None:
    gallery = Gallery()
    nobody = identity(1, 0.0)
    nobody.bank = EmbeddingBank(4, 0.0)
    gallery.add(nobody)
    assert len(gallery) == 0
