import numpy as np
import pytest

from person_mtl_ros.evaluation.calibration import Pairs, calibrate
from person_mtl_ros.same_person import choose_threshold
from training.evaluation import cosine_distances, evaluate_same_person


def test_threshold_accepts_the_asked_share_of_strangers() -> None:
    chosen = choose_threshold(np.array([0.05, 0.2]), np.linspace(0, 1, 1001), 0.1)
    assert chosen.same_person_threshold == pytest.approx(0.1)
    assert chosen.false_accept_rate == pytest.approx(0.1, abs=1e-3)
    assert chosen.false_reject_rate == 0.5


def test_training_and_calibration_choose_the_same_threshold_from_the_same_pairs() -> None:
    embeddings = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    identities = np.arange(30) // 3
    first, second = np.triu_indices(30, 1)
    distances = cosine_distances(embeddings, embeddings)[first, second]
    is_same = identities[first] == identities[second]
    calibration = calibrate(Pairs(distances[is_same], distances[~is_same]), 0.07).as_dict()
    trained = evaluate_same_person(embeddings, identities, 0.07)
    assert trained == {name: calibration[name] for name in trained}
