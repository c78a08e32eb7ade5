"""Every number of the tracker, once: default, unit, reason, bounds."""

from dataclasses import dataclass

from person_mtl_ros.parameters import check_parameters, parameter


@dataclass(frozen=True)
class ReidTrackerParams:
    """
    Parameters of ``ReidTracker``.

    ``height`` is the height of the person's own box: it
    stands in for distance, so one set of numbers serves near and far people and any image size.

    :raises ValueError: naming field, value and bounds.
    """

    high_score: float = parameter(
        0.5, 'detections from here on are trusted to start and to find back tracks', '', 0, 1
    )
    low_score: float = parameter(
        0.1, 'detections from here to high_score only extend tracks seen moments ago', '', 0, 1
    )

    speed_deviation: float = parameter(
        0.5, 'walking along each image axis, standard deviation', 'heights/s', 0.01, 20
    )
    velocity_memory_sec: float = parameter(
        2.0, 'time after which a walker has changed speed or direction', 's', 0.01, 600
    )
    size_noise: float = parameter(0.12, 'how boxes grow and shrink', 'heights/sqrt(s)', 0.001, 10)
    measurement_noise: float = parameter(
        0.05, 'error of a detected box, standard deviation', 'heights', 0.001, 1
    )
    unexpected_density: float = parameter(
        0.1,
        'detections of nobody known around any place; more cuts tracks',
        '1/heights^4',
        1e-9,
        1e3,
    )

    confirm_sec: float = parameter(
        0.0, 'a track is tentative at least so long, however sure it is', 's', 0, 60
    )
    birth_log_odds: float = parameter(
        -2.0,
        'of a detection without track to be a person, score aside: most are not',
        'nats',
        -20,
        20,
    )
    miss_sec: float = parameter(
        0.15, 'a miss in the open so long costs one nat of belief in a person', 's', 0.001, 60
    )
    position_deviation: float = parameter(
        0.35, 'an unseen person known less exactly than this is lost', 'heights', 0.001, 10
    )
    tentative_missed_sec: float = parameter(
        0.3, 'a tentative track unseen for longer ends', 's', 0, 60
    )
    max_lost_sec: float = parameter(
        8.0, 'a lost track unseen for longer is left to the gallery', 's', 0, 600
    )
    occlusion: bool = parameter(
        True, 'nearer people hide those behind them; without it everybody counts as in full view'
    )
    occluded_coverage: float = parameter(
        0.5, 'a person covered by this fraction of the box is occluded', '', 0, 1
    )
    inside_fraction: float = parameter(
        0.5, 'unseen with less of the box than this inside the image is lost at once', '', 0, 1
    )
    stamp_tolerance_sec: float = parameter(
        0.5, 'an image late by less is skipped, by more resets the tracker', 's', 0, 60
    )

    clean_coverage: float = parameter(
        0.3, 'boxes covered by more show two people; their embeddings are not used', '', 0, 1
    )
    bank_size: int = parameter(
        8, 'embeddings kept per person: some views, some poses', '', 1, 1000
    )
    bank_interval_sec: float = parameter(0.8, 'time between kept embeddings', 's', 0, 60)
    max_appearance: float = parameter(
        8.0, 'most one embedding says for or against, as log of a ratio', 'nats', 0, 100
    )

    gallery_size: int = parameter(100, 'most identities remembered out of sight', '', 0, 100000)
    retention_sec: float = parameter(
        300.0,
        'time an identity is remembered after it was seen last; with gallery_file the time the '
        'robot is off counts',
        's',
        0,
        864000,
    )
    return_probability: float = parameter(
        0.5, 'how often somebody new in sight has been here before', '', 0, 0.999
    )
    recover_probability: float = parameter(
        0.95, 'an old id is given back when it is this sure against all others', '', 0.5, 1
    )
    max_nearness: float = parameter(
        3.0,
        'most that appearing where an unseen person is expected says for being this person, as '
        'log of a ratio; 0 lets looks alone decide',
        'nats',
        0,
        100,
    )
    stranger_probability: float = parameter(
        0.5, 'a new id is given at once when it is this sure that nobody is meant', '', 0, 1
    )
    recover_votes: int = parameter(
        3, 'sightings in a row that must agree on an old identity', '', 1, 1000
    )
    recover_vote_sec: float = parameter(0.25, 'time over which they must agree', 's', 0, 60)
    recover_window_sec: float = parameter(
        1.0, 'a track older than this is somebody new for good', 's', 0, 600
    )
    attribute_memory_sec: float = parameter(
        10.0, 'time in which older views of the attributes fade to 1/e', 's', 0.01, 86400
    )
    keypoint_cutoff: float = parameter(
        0.0,
        'one-euro filter of keypoints: cutoff of a joint that rests, 1 is calm; 0 turns it off',
        'Hz',
        0,
        1000,
    )
    keypoint_speed_gain: float = parameter(
        6.0,
        'how much that cutoff rises with the speed of the joint; more lags less',
        'Hz/(heights/s)',
        0,
        1000,
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.low_score > self.high_score:
            raise ValueError(
                f'low_score is {self.low_score}; expected at most high_score {self.high_score}'
            )
