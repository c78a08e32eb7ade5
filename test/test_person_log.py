import json
import math
from dataclasses import replace

import numpy as np
import pytest

from person_mtl_ros.person_log import PersonLog, person_record
from person_mtl_ros.structures import (
    AttributeSpec,
    Detection,
    ModelInfo,
    PartMask,
    PersonEstimate,
    TrackedPerson,
    TrackState,
)

INFO = ModelInfo('m', attributes=(AttributeSpec('hat', ('no', 'yes')),), keypoint_names=('head',))
BOX = np.array([1.234567, 2, 3, 4], np.float32)


def _track(is_matched=True, estimate=True, **changes):
    seen = PersonEstimate(
        Detection(BOX, 0.9),
        np.array([0.6, 0.8], np.float32),
        keypoints=np.array([[1, 2, 0.5]], np.float32),
        part_mask=PartMask(np.zeros((2, 2), np.uint8), BOX),
    )
    return TrackedPerson(
        2**40,
        TrackState.CONFIRMED,
        is_matched,
        BOX,
        np.array([1, -2], np.float32),
        1.5,
        0.0 if is_matched else 0.3,
        {'hat': np.array([0.25, 0.75], np.float32)},
        replace(seen, **changes) if estimate else None,
        result_age_sec=0.0,
    )


def test_a_person_is_plain_numbers():
    record = json.loads(json.dumps(person_record(_track()), allow_nan=False))
    assert record == {
        'track_id': 2**40,
        'state': 'CONFIRMED',
        'is_matched': True,
        'recovered': False,
        'box_xyxy': [1.23, 2.0, 3.0, 4.0],
        'velocity_xy': [1.0, -2.0],
        'age_sec': 1.5,
        'time_since_seen_sec': 0.0,
        'result_age_sec': 0.0,
        'attributes': {'hat': [0.25, 0.75]},
        'score': 0.9,
        'keypoints': [[1.0, 2.0, 0.5]],
        'embedding': [0.6, 0.8],
    }


@pytest.mark.parametrize('track', [_track(is_matched=False), _track(estimate=False)])
def test_what_was_not_seen_now_is_not_repeated(track):
    assert not {'score', 'keypoints', 'embedding'} & person_record(track).keys()


def test_results_of_earlier_images_are_not_repeated_but_have_an_age():
    record = person_record(replace(_track(is_evaluated=False), result_age_sec=0.25))
    assert record['result_age_sec'] == 0.25 and record['score'] == 0.9
    assert not {'keypoints', 'embedding'} & record.keys()
    never = person_record(replace(_track(is_evaluated=False), result_age_sec=math.inf))
    assert json.loads(json.dumps(never, allow_nan=False))['result_age_sec'] is None


def test_a_log_has_a_head_and_a_line_per_frame(tmp_path):
    path = tmp_path / 'persons.jsonl'
    with PersonLog(path, INFO) as log:
        log.write(1, 0.1, [_track()])
        log.write(2, 0.2, [])
        assert not path.exists()
    head, first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert head == {
        'model_id': 'm',
        'attributes': {'hat': ['no', 'yes']},
        'keypoint_names': ['head'],
    }
    assert (first['frame'], first['stamp_sec'], len(first['persons'])) == (1, 0.1, 1)
    assert second == {'frame': 2, 'stamp_sec': 0.2, 'persons': []}


def test_a_log_that_breaks_off_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), PersonLog(tmp_path / 'persons.jsonl', None) as log:
        log.write(1, 0.1, [])
        raise RuntimeError('stopped')
    assert list(tmp_path.iterdir()) == []


def test_a_log_without_a_network_says_so(tmp_path):
    with PersonLog(tmp_path / 'persons.jsonl', None):
        pass
    assert json.loads((tmp_path / 'persons.jsonl').read_text()) == {'model_id': ''}
