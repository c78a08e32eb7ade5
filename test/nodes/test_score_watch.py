import pytest

from person_mtl_ros.nodes.score_watch import ScoreWatch

HIGH_SCORE = 0.5


def last_warning(images: list[list[float]], watch: ScoreWatch | None = None) -> str:
    """After images one second apart."""
    watch = watch or ScoreWatch()
    return [watch.warning(t, scores, HIGH_SCORE) for t, scores in enumerate(images)][-1]


def test_scores_that_never_reach_the_threshold_are_named_with_the_parameter():
    assert last_warning([[0.2], [], [0.42, 0.3], [0.1], [0.2], []]) == (
        'no track starts: the highest score so far is 0.42, below high_score 0.5; set high_score '
        'to the scale of your detector'
    )


@pytest.mark.parametrize(
    'images',
    [
        [[0.2]] * 5,
        [[]] * 20,
        [[]] * 20 + [[0.2]],
        [[0.2]] * 10 + [[0.5]],
        [[0.9]] + [[0.2]] * 20,
    ],
    ids=['too early', 'nobody', 'nobody for long', 'reached at last', 'clutter'],
)
def test_all_is_well(images):
    assert last_warning(images) == ''


def test_time_that_jumps_back_is_waited_for_again():
    watch = ScoreWatch()
    assert watch.warning(100.0, [0.2], HIGH_SCORE) == ''
    assert last_warning([[0.2]] * 5, watch) == ''
    assert last_warning([[0.2]] * 6, watch) != ''
