import stat

import numpy as np
import pytest
from safetensors.numpy import save

from person_mtl_ros.gallery_file import (
    GalleryFile,
    GalleryFileError,
    erase_gallery,
    forget_in_gallery,
    load_gallery,
    save_gallery,
)
from person_mtl_ros.structures import Detection, PersonEstimate
from person_mtl_ros.tracking import ReidTracker

THRESHOLD = 0.5
BOX = np.array([300, 100, 340, 220], np.float32)


def look(who: int) -> np.ndarray:
    return np.eye(8, dtype=np.float32)[who]


def watch(tracker: ReidTracker, who: int, begin_sec: float) -> list:
    for step in range(20):
        seen = [PersonEstimate(Detection(BOX, 0.95), look(who))]
        tracked = tracker.step(begin_sec + 0.1 * step, seen)
    return [person for person in tracked if person.is_matched]


def known_tracker() -> ReidTracker:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    watch(tracker, 0, 0.0)
    watch(tracker, 1, 100.0)
    return tracker


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'gallery.safetensors'
    save_gallery(path, known_tracker().remembered(), 'model A')
    return path


def test_people_are_recognised_in_the_next_run_whatever_its_clock(file) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    tracker.remember(load_gallery(file, 'model A'))
    (back,) = watch(tracker, 0, 5.0)
    assert back.track_id == 1 and back.recovered
    (stranger,) = watch(tracker, 3, 60.0)
    assert stranger.track_id > 2 and not stranger.recovered


def test_who_is_in_sight_is_remembered_too() -> None:
    assert [person.track_id for person in known_tracker().remembered()] == [1, 2]


def test_what_is_loaded_and_not_used_is_saved_again(file) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    people = load_gallery(file, 'model A')
    tracker.remember(people)
    assert tracker.remembered() == people


def test_a_forgotten_person_is_in_no_file(file, tmp_path) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    tracker.remember(load_gallery(file, 'model A'))
    assert tracker.forget(1)
    save_gallery(file, tracker.remembered(), 'model A')
    assert [person.track_id for person in load_gallery(file, 'model A')] == [2]


def test_time_between_the_runs_counts_as_unseen(file, monkeypatch) -> None:
    before = load_gallery(file, 'model A')
    monkeypatch.setattr('time.time', lambda: 4e9)
    after = load_gallery(file, 'model A')
    assert all(b.unseen_sec > a.unseen_sec + 1e8 for a, b in zip(before, after, strict=True))


def test_only_the_owner_may_read_it(file) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_gallery_of_another_network_is_refused(file) -> None:
    with pytest.raises(GalleryFileError, match=r"'model A'.*'model B'"):
        load_gallery(file, 'model B')


def test_a_damaged_file_is_refused(file) -> None:
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(GalleryFileError, match=r'gallery\.safetensors: truncated'):
        load_gallery(file, 'model A')


def test_a_person_is_taken_out_of_a_file_whatever_its_network(file) -> None:
    kept = load_gallery(file, 'model A')[1]
    assert forget_in_gallery(file, 1)
    assert not forget_in_gallery(file, 1)
    (person,) = load_gallery(file, 'model A')
    assert person.track_id == 2
    assert person.unseen_sec == pytest.approx(kept.unseen_sec, abs=5.0)
    np.testing.assert_array_equal(person.embeddings, kept.embeddings)


def test_nobody_is_in_a_file_that_does_not_exist(tmp_path) -> None:
    assert not forget_in_gallery(tmp_path / 'gallery.safetensors', 1)
    erase_gallery(tmp_path / 'gallery.safetensors')


@pytest.mark.parametrize('left_bytes', [-1, 400, 0], ids=['all but one', 'header', 'nothing'])
def test_a_truncated_file_is_erased(file, left_bytes: int) -> None:
    file.write_bytes(file.read_bytes()[:left_bytes])
    with pytest.raises(GalleryFileError, match='truncated'):
        forget_in_gallery(file, 1)
    erase_gallery(file)
    assert not file.exists()


def test_a_file_that_is_no_gallery_is_not_erased(tmp_path) -> None:
    weights = tmp_path / 'weights.safetensors'
    weights.write_bytes(save({'layer': np.zeros(3)}, {'format': 'a network'}))
    with pytest.raises(GalleryFileError, match='not a gallery file, left alone'):
        erase_gallery(weights)
    assert weights.exists()


@pytest.mark.parametrize('leave', [erase_gallery, lambda path: forget_in_gallery(path, 1)])
def test_what_a_killed_process_left_half_written_goes_too(file, leave) -> None:
    unfinished = file.with_name(f'.{file.stem}.4711.partial{file.suffix}')
    unfinished.write_bytes(file.read_bytes())
    leave(file)
    assert not unfinished.exists()


def test_the_file_is_written_only_when_somebody_was_seen_or_has_gone(file) -> None:
    tracker = ReidTracker(same_person_threshold=THRESHOLD)
    gallery = GalleryFile(str(file))
    tracker.remember(gallery.read('model A'))

    def is_written(now_sec: float, model_id: str = 'model A') -> bool:
        before = file.stat().st_ino
        gallery.write(tracker.remembered(), model_id, now_sec)
        return file.stat().st_ino != before

    assert not is_written(-np.inf)
    watch(tracker, 0, 5.0)
    assert not is_written(6.9, 'model B')
    assert is_written(6.9)
    tracker.step(8.0, [])
    assert not is_written(8.0)
    tracker.forget(2)
    assert is_written(8.0)
    assert [person.track_id for person in load_gallery(file, 'model A')] == [1]


def test_a_file_that_cannot_be_read_is_not_written(file) -> None:
    gallery = GalleryFile(str(file))
    gallery.write(known_tracker().remembered()[:1], 'model B', 0.0)
    with pytest.raises(GalleryFileError, match='model A'):
        gallery.read('model B')
    gallery.write(known_tracker().remembered()[:1], 'model B', 0.0)
    assert len(load_gallery(file, 'model A')) == 2
    gallery.erase('model B')
    gallery.write(known_tracker().remembered()[:1], 'model B', 0.0)
    assert len(load_gallery(file, 'model B')) == 1


def test_a_link_to_the_file_stays_one(file, tmp_path) -> None:
    link = tmp_path / 'link.safetensors'
    link.symlink_to(file)
    GalleryFile(str(link)).erase('')
    assert link.is_symlink() and not file.exists()


def test_a_path_without_room_for_a_file_is_refused(tmp_path) -> None:
    with pytest.raises(GalleryFileError, match='none does not exist: make it'):
        GalleryFile(str(tmp_path / 'none' / 'gallery.safetensors'))
    with pytest.raises(GalleryFileError, match='a folder; expected a file'):
        GalleryFile(str(tmp_path))
