import numpy as np

from person_mtl_ros.tracking.occlusion import covered_fraction, inside_fraction

BOX = np.array([[0.0, 0.0, 40.0, 100.0]])


def test_a_nearer_box_covers_the_part_it_overlaps() -> None:
    nearer = np.array([[20.0, 10.0, 80.0, 120.0]])
    np.testing.assert_allclose(covered_fraction(BOX, nearer), [20 * 90 / 4000])


def test_a_farther_box_and_the_box_itself_cover_nothing() -> None:
    farther = np.array([[0.0, -20.0, 40.0, 90.0]])
    assert covered_fraction(BOX, farther) == covered_fraction(BOX, BOX) == 0.0


def test_nobody_covers_nothing() -> None:
    assert covered_fraction(BOX, np.zeros((0, 4))) == 0.0
    assert covered_fraction(np.zeros((0, 4)), BOX).shape == (0,)


def test_inside_fraction_is_that_of_the_area() -> None:
    boxes = np.array([[-10.0, 0.0, 30.0, 50.0], [0.0, 0.0, 5.0, 5.0], [200.0, 0.0, 210.0, 9.0]])
    np.testing.assert_allclose(inside_fraction(boxes, (100, 100)), [0.75, 1.0, 0.0])
