import numpy as np
import pytest

pytest.importorskip('rclpy')

from benchmarks.nodes import frames, overload_of, stages_of
from person_mtl_ros.benchmark_frame import IMAGE_SIZE
from person_mtl_ros.nodes.replay import ReplayResult


def test_people_move_from_image_to_image_at_the_period_asked_for():
    first, second = frames(people=3, count=2, period_sec=0.25)
    assert first.image_bgr.shape == (*IMAGE_SIZE[::-1], 3)
    assert second.stamp_sec - first.stamp_sec == 0.25
    assert len(first.detections) == len(second.detections) == 3
    for before, after in zip(first.detections, second.detections, strict=True):
        shift = np.abs(after.box_xyxy - before.box_xyxy)
        assert 0 < shift.max() < 20


def test_stages_are_those_the_nodes_tell():
    told = {
        'perception_node': {'image on the way p50 [ms]': '3.5', 'image on the way p99 [ms]': '9'},
        'tracker_node': {'track p50 [ms]': '1.25', 'track p95 [ms]': '2', 'track p99 [ms]': '3'},
    }
    assert stages_of(ReplayResult(node_latency=told)) == {
        'perception_node: image on the way': {'p50': 3.5, 'p99': 9.0},
        'tracker_node: track': {'p50': 1.25, 'p99': 3.0},
    }


def test_a_growing_latency_and_a_missing_image_show():
    latency = {index: 0.01 * index for index in range(1, 10)}
    result = ReplayResult(
        tracks={index: [] for index in latency},
        published=20,
        drops={'pairs dropped: replaced by a newer one': 10},
        frame_latency_sec=latency,
        duration_sec=2.0,
    )
    overload = overload_of(result, sent_hz=10.0)
    assert overload.latency_ms_p50_of_thirds == pytest.approx([20, 50, 80])
    assert overload.latency_ms['p50'] == pytest.approx(50)
    assert (overload.sent, overload.processed, overload.unaccounted) == (20, 9, 1)
    assert overload.processed_hz == 4.5
