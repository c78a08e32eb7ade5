from person_mtl_ros.benchmark_tracker import measure_costs


def test_a_row_per_size_with_times_in_order() -> None:
    rows = list(measure_costs([(2, 3), (4, 0)], embedding_dim=8, steps=5, runs=2))
    assert [(row.people, row.gallery) for row in rows] == [(2, 3), (4, 0)]
    assert all(0 < row.ms_p50 <= row.ms_p99 for row in rows)
