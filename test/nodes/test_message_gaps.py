import pytest

pytest.importorskip('rclpy')

from person_mtl_ros.nodes.message_gaps import MessageGaps


def _info(number, publisher=b'a'):
    return {'publisher_gid': {'data': publisher}, 'publication_sequence_number': number}


def test_missing_numbers_are_lost_messages():
    gaps = MessageGaps()
    assert [gaps.before(_info(n)) for n in (5, 6, 10, 11)] == [0, 0, 3, 0]


def test_what_was_sent_before_the_first_message_is_not_lost():
    assert MessageGaps().before(_info(1000)) == 0


def test_publishers_count_on_their_own():
    gaps = MessageGaps()
    order = [(1, b'a'), (100, b'b'), (2, b'a'), (102, b'b'), (4, b'a')]
    assert [gaps.before(_info(*item)) for item in order] == [0, 0, 0, 1, 1]


def test_a_message_that_was_overtaken_is_no_gap():
    gaps = MessageGaps()
    assert [gaps.before(_info(n)) for n in (1, 3, 2, 4)] == [0, 1, 0, 0]


@pytest.mark.parametrize('info', [{}, {'publisher_gid': None}, _info(None)])
def test_without_numbers_or_publisher_nothing_is_known(info):
    assert MessageGaps().before(info) == 0
