import numpy as np

from training.synthetic.rasterizer import rasterize, rasterize_height


def _buffers(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.full((height, width), np.inf, np.float32),
        np.full((height, width), -1, np.int32),
        np.zeros((height, width, 2), np.float32),
    )


def test_triangle_covers_the_pixels_whose_centers_lie_inside() -> None:
    depth, face, weights = _buffers(4, 4)
    points = np.array([[0.0, 0.0, 2.0], [4.0, 0.0, 2.0], [0.0, 4.0, 2.0]])
    rasterize(points, np.array([[0, 1, 2]]), 7, depth, face, weights)
    # Centers on the hypotenuse x + y = 4 belong to the triangle.
    expected = np.add.outer(np.arange(4), np.arange(4)) <= 3
    np.testing.assert_array_equal(face == 7, expected)
    np.testing.assert_allclose(depth[expected], 2.0)
    assert np.isinf(depth[~expected]).all()


def test_depth_and_weights_are_perspective_correct() -> None:
    depth, face, weights = _buffers(2, 4)
    # Depth 1 on the left edge and 4 on the right edge, at x = 0 and x = 4.
    points = np.array([[0.0, -4.0, 1.0], [4.0, -4.0, 4.0], [0.0, 12.0, 1.0]])
    rasterize(points, np.array([[0, 1, 2]]), 0, depth, face, weights)
    # At x = 1.5 the inverse depth is (1 - 3/8) / 1 + 3/8 / 4 = 23/32.
    np.testing.assert_allclose(depth[0, 1], 32 / 23, rtol=1e-5)
    np.testing.assert_allclose(weights[0, 1, 0], (3 / 8 / 4) * 32 / 23, rtol=1e-5)


def test_nearer_triangle_wins_in_either_order() -> None:
    points = np.array([[0.0, 0, 3], [9, 0, 3], [0, 9, 3], [0, 0, 1], [9, 0, 1], [0, 9, 1]])
    for faces, nearer in (([[0, 1, 2], [3, 4, 5]], 1), ([[3, 4, 5], [0, 1, 2]], 0)):
        depth, face, weights = _buffers(2, 2)
        rasterize(points, np.array(faces), 0, depth, face, weights)
        assert (face == nearer).all()


def test_triangle_behind_the_camera_is_not_drawn() -> None:
    depth, face, weights = _buffers(3, 3)
    points = np.array([[0.0, 0, -1], [9, 0, 2], [0, 9, 2]])
    rasterize(points, np.array([[0, 1, 2]]), 0, depth, face, weights)
    assert (face == -1).all()


def test_height_map_keeps_what_is_nearest_to_the_sun() -> None:
    heights = np.full((2, 2), -np.inf, np.float32)
    points = np.array([[0.0, 0, 1], [9, 0, 1], [0, 9, 1], [0, 0, 5], [9, 0, 5], [0, 9, 5]])
    rasterize_height(points, np.array([[3, 4, 5], [0, 1, 2]]), heights)
    np.testing.assert_allclose(heights, 5.0)
