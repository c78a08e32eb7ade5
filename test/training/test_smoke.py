from dataclasses import replace

import numpy as np
import pytest
from tiny_training import RandomPeople, experiment, open_random_people

from training import annotations
from training.evaluation import PRIMARY, evaluate_attributes
from training.smoke import MARGINS, Comparison, blind_scores, compare


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(annotations, 'create_dataset', open_random_people)
    options = 'train.figures.tasks=[reid, attributes, pose, parts]'
    return experiment(tmp_path, options, 'train.figures.crops_per_person=2')


def test_a_margin_decides():
    assert Comparison('market', 'pose', 30.0, 30.0 - MARGINS['pose']).is_passed
    assert not Comparison('market', 'pose', 30.0, 30.1 - MARGINS['pose']).is_passed


def test_blind_answers_are_the_commonest_and_the_mean_of_the_training_set(config):
    blind = blind_scores(config.train['figures'], config.validation['people'], config.crop)
    people = RandomPeople(count=12)
    # All attributes are of the first class there, so the commonest class is always right.
    classes = np.stack([people[index].attributes for index in range(12)])
    first = np.concatenate([np.eye(len(s.classes))[0] for s in people.labels.attributes])
    expected = evaluate_attributes(np.tile(first, (12, 1)), classes, people.labels.attributes)
    assert blind['attributes'] == expected['accuracy'] == 1.0
    # Noise has nothing to learn: chance of five classes, and joints anywhere.
    assert 0 < blind['parts'] < 0.3
    assert 0 <= blind['pose'] < 0.3
    assert 0 < blind['reid'] < 1


def test_every_validation_set_and_task_is_compared(config):
    scores = {'people': {task: {PRIMARY[task]: 0.5} for task in PRIMARY}}
    # The training set of the same name has all labels.
    config = replace(config, train={'people': config.train['figures']})
    compared = compare(config, scores)
    assert [(c.dataset, c.task, c.network) for c in compared] == [
        ('people', task, 50.0) for task in config.validation['people'].tasks
    ]
