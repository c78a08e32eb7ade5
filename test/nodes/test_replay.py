import numpy as np
import pytest

pytest.importorskip('rclpy')

from evaluation.generated_sequences import make_sequence

from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.sequence import Frame, load_sequence
from person_mtl_ros.nodes import replay as replay_module
from person_mtl_ros.nodes.replay import ReplayError, replay
from person_mtl_ros.perception import Perception
from person_mtl_ros.pipeline import reported, track_frames
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.refresh import RefreshParams
from person_mtl_ros.structures import ModelInfo, TrackState
from person_mtl_ros.tracking.reid_tracker import ReidTracker

LENGTH = 12
# From a message published to the next one published; what is measured from stamps is left out.
STAGES = {
    'perception_node': {
        *('image on the way', 'detections on the way', 'pairing', 'queue', 'convert', 'schedule'),
        *('crop', 'forward', 'decode', 'camera motion', 'write', 'publish', 'total'),
    },
    'tracker_node': {'read', 'track', 'publish', 'total'},
}
STAGES_BETWEEN = {
    True: {'perception_node': {'tracker'}, 'tracker_node': set()},
    False: {'perception_node': set(), 'tracker_node': {'persons on the way'}},
}


@pytest.fixture(scope='module')
def walk(tmp_path_factory):
    """Two people who pass each other; one is missed in two frames, one frame is empty."""
    rows = []
    for frame in range(1, LENGTH + 1):
        rows.append(f'{frame},-1,{5 + 5.3 * frame:.2f},10.5,16,40,0.9,-1,-1,-1')
        if frame not in (5, 6):
            rows.append(f'{frame},-1,{75 - 4.7 * frame:.2f},12.25,15,38,0.7,-1,-1,-1')
    det = '\n'.join(row for row in rows if not row.startswith('9,')) + '\n'
    folder = tmp_path_factory.mktemp('sequences') / 'walk'
    return load_sequence(make_sequence(folder, length=LENGTH, images=LENGTH, det=det))


@pytest.fixture(scope='module')
def offline(walk, weights):
    predictor = Predictor(weights, 'torch', 'cpu')
    tracker = ReidTracker(same_person_threshold=predictor.info.same_person_threshold)
    perception = Perception(predictor, RefreshParams(max_persons_per_frame=1))
    frames = track_frames(walk, perception, tracker, walk.image_size, Latency())
    return {frame.index: tracks for frame, tracks in frames}


def _parameters(weights, **more):
    given = {'weights': str(weights), 'backend': 'torch', 'device': 'cpu'}
    return {'perception_node': given | more}


@pytest.mark.parametrize('composed', [True, False])
def test_in_lockstep_the_nodes_track_exactly_as_the_pipeline_does(
    walk, weights, offline, composed
):
    parameters = _parameters(weights, max_persons_per_frame=1)
    result = replay(
        iter(walk), walk.length, lockstep=True, composed=composed, parameters=parameters
    )
    assert result.published == len(result.tracks) == len(result.frame_latency_sec) == LENGTH
    assert result.drops == {} and result.unaccounted == 0
    for index, expected in offline.items():
        tracks = result.tracks[index]
        expected = [track for track in expected if track.state != TrackState.LOST]
        assert [t.track_id for t in tracks] == [t.track_id for t in expected]
        for a, b in zip(tracks, expected, strict=True):
            assert (a.state, a.is_matched, a.recovered) == (b.state, b.is_matched, b.recovered)
            assert a.result_age_sec == pytest.approx(b.result_age_sec)
            np.testing.assert_array_equal(a.box_xyxy, b.box_xyxy)
            np.testing.assert_array_equal(a.velocity_xy, b.velocity_xy)
            assert a.estimate is not None and b.estimate is not None
            np.testing.assert_array_equal(a.estimate.embedding, b.estimate.embedding)
            np.testing.assert_array_equal(a.estimate.keypoints, b.estimate.keypoints)
    ages = [t.result_age_sec for tracks in offline.values() for t in tracks]
    assert 0.0 in ages and max(ages) > 0.0
    assert sum(len(reported(tracks)) for tracks in result.tracks.values()) > LENGTH / 2
    assert result.info.model_id
    for node, stages in STAGES.items():
        timed = {
            key.removesuffix(' p99 [ms]') for key in result.node_latency[node] if 'p99' in key
        }
        assert timed == stages | STAGES_BETWEEN[composed][node]


def test_at_an_impossible_rate_every_frame_is_accounted_for(walk, weights):
    frames = (frame for frame in walk)
    result = replay(frames, walk.length, rate=10000.0, parameters=_parameters(weights))
    assert result.published == LENGTH
    assert result.unaccounted == 0
    assert sum(result.drops.values()) > 0
    assert all(count > 0 for count in result.drops.values())
    assert set(result.tracks) <= set(range(1, LENGTH + 1))


def test_nodes_that_do_not_come_up_are_one_clear_error(walk, capfd):
    with pytest.raises(ReplayError, match='composed ended'):
        replay(
            iter(walk),
            walk.length,
            parameters={'perception_node': {'weights': '/nowhere.safetensors'}},
        )
    assert '/nowhere.safetensors' in capfd.readouterr().err


@pytest.mark.parametrize('lockstep', [True, False], ids=['lockstep', 'rate'])
def test_a_node_that_ends_on_the_way_is_named(walk, weights, monkeypatch, lockstep):
    started = []

    class Recorded(replay_module.subprocess.Popen):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            started.append(self)

    def frames():
        for frame in walk:
            if frame.index == 3:
                started[-1].kill()
                started[-1].wait()
            yield frame

    monkeypatch.setattr(replay_module.subprocess, 'Popen', Recorded)
    with pytest.raises(ReplayError, match='tracker_node ended at frame 3'):
        replay(
            frames(),
            walk.length,
            lockstep=lockstep,
            composed=False,
            parameters=_parameters(weights),
        )
    assert all(process.poll() is not None for process in started)


class FakePlayer:
    """Notes how long it is told to wait; every frame is lost."""

    info = ModelInfo('x')
    latency = Latency()
    frame_latency_sec = {}  # noqa: RUF012
    messages = {}  # noqa: RUF012
    status = {node: {} for node in replay_module.NODES}  # noqa: RUF012
    status_count = 0

    def __init__(self):
        self.waits = []

    def spin_until(self, condition, timeout_sec):
        self.waits.append(timeout_sec)

    def publish(self, frame):
        pass


def test_frames_are_played_when_their_stamps_say(monkeypatch):
    player = FakePlayer()
    monkeypatch.setattr(replay_module.time, 'monotonic', lambda: 100.0)
    frames = [Frame(i, s, None, ()) for i, s in enumerate((5.0, 5.25, 7.25), start=1)]
    replay_module._play(player, iter(frames), 3, rate=2.0, lockstep=False, ended=list)
    assert player.waits[:3] == [0.0, 0.125, 1.125]


def test_a_lost_frame_is_counted_once():
    status = {
        'perception_node': {
            'image received': '9',
            'images processed': '6',
            'images waiting for detections': '1',
            'messages dropped: error in image': '1',
            'messages dropped: error in detections': '1',
            'pairs dropped: device failure': '1',
        },
        'tracker_node': {
            'messages received': '5',
            'messages dropped: late': '1',
            'messages dropped: error in model_info': '1',
        },
    }
    drops = replay_module._drops(status, published=10)
    assert drops == {
        'image lost between publisher and perception_node': 1,
        'no detections arrived for the image': 1,
        'persons lost between perception_node and tracker_node': 1,
        'messages dropped: error in image': 1,
        'pairs dropped: device failure': 1,
        'messages dropped: late': 1,
    }
