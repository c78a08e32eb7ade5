import numpy as np
import pytest
from generated_sequences import boxes_of, table

from person_mtl_ros.evaluation.mot_files import (
    MotFileError,
    read_mot_file,
    rows_from_tracks,
    table_from_rows,
    write_mot_file,
)
from person_mtl_ros.structures import Detection, PersonEstimate, TrackedPerson, TrackState


def test_results_survive_writing_and_reading(tmp_path):
    path = tmp_path / 'tracks.txt'
    results = table_from_rows(
        [(2, 7, 1.25, 2.5, 30.0, 40.0625, 0.5, -1), (1, 3, -4.0, 0.0, 10.0, 20.0, 1.0, -1)]
    )
    write_mot_file(path, results)
    assert path.read_text().splitlines() == [
        '1,3,-4.0000,0.0000,10.0000,20.0000,1.0000,-1,-1,-1',
        '2,7,1.2500,2.5000,30.0000,40.0625,0.5000,-1,-1,-1',
    ]
    again = read_mot_file(path, unique_ids=True)
    for name in ('frames', 'ids', 'boxes_xywh', 'scores', 'classes'):
        np.testing.assert_array_equal(getattr(again, name), getattr(results, name))
    assert list(tmp_path.iterdir()) == [path]


def test_empty_results_make_an_empty_file(tmp_path):
    path = tmp_path / 'tracks.txt'
    write_mot_file(path, table())
    assert path.read_text() == ''
    assert len(read_mot_file(path, unique_ids=True)) == 0


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'tracks.txt'
    path.write_text('old')
    broken = table(boxes_of({1: 1}, 0.0))
    object.__setattr__(broken, 'scores', np.zeros(5))  # longer than the other columns
    with pytest.raises(ValueError, match='zip'):
        write_mot_file(path, broken)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_only_class_one_of_mot17_counts_and_mot15_has_no_class(tmp_path):
    path = tmp_path / 'gt.txt'
    path.write_text('1,1,0,0,9,9,1,1,0.5\n1,2,0,0,9,9,1,7,1\n1,3,0,0,9,9,0,1,1\n')
    assert read_mot_file(path, unique_ids=True).counted.ids.tolist() == [1]
    path.write_text('1,1,0,0,9,9,1,-4.1,7.3,0\n1,2,0,0,9,9,1,2,7,0\n1,3,0,0,9,9,0,-1,-1,-1\n')
    assert read_mot_file(path, unique_ids=True).counted.ids.tolist() == [1, 2]


def test_rows_of_a_frame_are_found_in_an_unsorted_table():
    mixed = table(boxes_of({5: 1, 2: 1}, 0.0), boxes_of({2: 9, 3: 9}, 50.0))
    assert mixed.ids[mixed.rows_of(2)].tolist() == [1, 9]
    assert mixed.ids[mixed.rows_of(4)].tolist() == []
    assert mixed.ids[mixed.rows_of(5)].tolist() == [1]


def test_tracks_become_rows_with_the_score_of_their_detection():
    box = np.array([10, 20, 40, 80], np.float32)
    person = TrackedPerson(
        track_id=4,
        state=TrackState.CONFIRMED,
        is_matched=True,
        box_xyxy=box,
        velocity_xy=np.zeros(2, np.float32),
        age_sec=0.0,
        time_since_seen_sec=0.0,
        attributes={},
        estimate=PersonEstimate(Detection(box, 0.75)),
    )
    assert rows_from_tracks(3, [person]) == [(3, 4, 10.0, 20.0, 30.0, 60.0, 0.75, -1)]


@pytest.mark.parametrize('content', [b'\xff\xfe\x00', None], ids=['binary', 'missing'])
def test_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / 'det.txt'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MotFileError, match=r'det\.txt: cannot be read'):
        read_mot_file(path, unique_ids=False)


def test_missing_output_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        write_mot_file(tmp_path / 'nowhere' / 'tracks.txt', table())
