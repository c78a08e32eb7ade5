import numpy as np

from training.synthetic.detections import DetectorParams, SimulatedDetector

SIZE_HW = (480, 640)
BOX = np.array([[100.0, 100.0, 160.0, 280.0]])


def _found(visible: float, params: DetectorParams, frames: int = 800) -> list[int]:
    detector = SimulatedDetector(params, np.random.default_rng(0))
    return [
        len(detector.detect(np.array([1]), BOX, np.array([visible]), SIZE_HW).boxes_xyxy)
        for _ in range(frames)
    ]


def test_miss_rate_of_a_person_in_view_is_that_of_the_model() -> None:
    params = DetectorParams(miss=0.1, lapse=0.0, false_boxes=0.0)
    assert 0.06 < 1 - np.mean(_found(1.0, params)) < 0.15


def test_hidden_people_are_missed_more_often() -> None:
    params = DetectorParams(false_boxes=0.0)
    assert np.mean(_found(0.1, params)) < 0.3 < 0.7 < np.mean(_found(0.9, params))


def test_lapses_come_in_runs() -> None:
    params = DetectorParams(miss=0.0, lapse=0.05, lapse_frames=6.0, false_boxes=0.0)
    misses = 1 - np.array(_found(1.0, params))
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], misses, [0]]))))[::2]
    assert runs.mean() > 3


def test_score_grows_with_visibility_and_boxes_stay_in_the_image() -> None:
    detector = SimulatedDetector(DetectorParams(jitter=0.2), np.random.default_rng(1))
    boxes = np.array([[0.0, 0.0, 60.0, 200.0], [580.0, 300.0, 640.0, 480.0]])
    scores: dict[float, list[float]] = {0.6: [], 1.0: []}
    for visible, seen in scores.items():
        for _ in range(200):
            found = detector.detect(np.arange(2), boxes, np.full(2, visible), SIZE_HW)
            seen += found.scores[:2].tolist()
            assert (found.boxes_xyxy >= 0).all()
            assert (found.boxes_xyxy <= [640, 480, 640, 480]).all()
            assert ((found.scores > 0) & (found.scores < 1)).all()
    assert np.mean(scores[1.0]) > np.mean(scores[0.6]) + 0.1


def test_empty_frame_gives_false_boxes_at_their_rate() -> None:
    detector = SimulatedDetector(DetectorParams(false_boxes=0.5), np.random.default_rng(2))
    nobody = np.zeros(0, int), np.zeros((0, 4)), np.zeros(0)
    counts = [len(detector.detect(*nobody, SIZE_HW).boxes_xyxy) for _ in range(400)]
    assert 0.4 < np.mean(counts) < 0.6
