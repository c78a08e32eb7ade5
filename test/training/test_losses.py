import math

import pytest
import torch
import torch.nn.functional as F

from training.losses import (
    FixedWeights,
    IdentityClassifier,
    UncertaintyWeights,
    attribute_loss,
    batch_hard_triplet_loss,
    bootstrapped_cross_entropy,
    joint_distance_loss,
)

IDENTITIES = torch.tensor([0, 0, 1, 1])


def test_triplet_loss_takes_the_farthest_positive_and_the_nearest_negative() -> None:
    embeddings = torch.tensor([[0.0], [3.0], [4.0], [10.0]])
    # positives 3, 3, 6, 6; nearest negatives 4, 1, 1, 7
    expected = (max(3 - 4 + 2, 0) + (3 - 1 + 2) + (6 - 1 + 2) + max(6 - 7 + 2, 0)) / 4
    assert batch_hard_triplet_loss(embeddings, IDENTITIES, 2).item() == pytest.approx(expected)


def test_triplet_loss_is_zero_when_people_are_a_margin_apart() -> None:
    embeddings = torch.tensor([[0.0], [1.0], [5.0], [6.0]])
    assert batch_hard_triplet_loss(embeddings, IDENTITIES, 1).item() == 0


def test_triplet_loss_of_equal_embeddings_has_a_finite_gradient() -> None:
    embeddings = torch.ones(4, 8, requires_grad=True)
    loss = batch_hard_triplet_loss(embeddings, IDENTITIES, 0.3)
    loss.backward()
    assert loss.item() == pytest.approx(0.3)
    assert torch.isfinite(embeddings.grad).all()


def test_order_of_the_batch_does_not_matter() -> None:
    torch.manual_seed(0)
    embeddings, order = torch.randn(4, 8), torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(
        batch_hard_triplet_loss(embeddings, IDENTITIES, 1),
        batch_hard_triplet_loss(embeddings[order], IDENTITIES[order], 1),
    )


def test_attribute_loss_averages_the_attributes() -> None:
    # Two equal scores, then the right one of three 2 higher than the others.
    logits = torch.tensor([[1.0, 1.0, 0.0, 2.0, 0.0]])
    expected = (math.log(2) + math.log(1 + 2 * math.exp(-2))) / 2
    loss = attribute_loss(logits, torch.tensor([[0, 1]]), (2, 3))
    assert loss.item() == pytest.approx(expected)


def test_unknown_attribute_does_not_count() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 0.0]])
    loss = attribute_loss(logits, torch.tensor([[-1], [0]]), (2,))
    assert loss.item() == pytest.approx(math.log(2))


def test_joint_loss_is_the_mean_distance_of_labelled_joints() -> None:
    positions = torch.tensor([[[0.0, 0.0], [1.0, 1.0], [9.0, 9.0]]])
    targets = torch.tensor([[[3.0, 4.0], [1.0, 2.0], [0.0, 0.0]]])
    loss = joint_distance_loss(positions, targets, torch.tensor([[True, True, False]]))
    assert loss.item() == pytest.approx((5 + 1) / 2)


def test_joint_loss_of_a_perfect_or_unlabelled_pose_has_a_finite_gradient() -> None:
    positions = torch.zeros(1, 2, 2, requires_grad=True)
    for labelled in (True, False):
        is_labelled = torch.full((1, 2), labelled)
        joint_distance_loss(positions, torch.zeros(1, 2, 2), is_labelled).backward()
        assert torch.isfinite(positions.grad).all()


def test_bootstrapped_loss_counts_the_hardest_quarter() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 4, 4), torch.randint(5, (2, 4, 4))
    every = F.cross_entropy(logits, labels, reduction='none').flatten()
    hardest = every.sort(descending=True).values[:8].mean()
    torch.testing.assert_close(bootstrapped_cross_entropy(logits, labels), hardest)
    torch.testing.assert_close(bootstrapped_cross_entropy(logits, labels, share=1), every.mean())


def test_bootstrapped_loss_leaves_out_ignored_pixels() -> None:
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, 0, 0, 0] = -100  # a gross error ...
    labels = torch.tensor([[[255, 1], [1, 1]]])  # ... that nobody labelled
    assert bootstrapped_cross_entropy(logits, labels).item() == pytest.approx(math.log(2))


def test_soft_margin_is_the_softplus_of_the_violation() -> None:
    embeddings = torch.tensor([[0.0], [1.0], [3.0], [3.5]])
    identities = torch.tensor([0, 0, 1, 1])
    # Farthest positives 1, 1, 0.5, 0.5; nearest negatives 3, 2, 2, 2.5.
    expected = sum(math.log1p(math.exp(x)) for x in (-2, -1, -1.5, -2)) / 4
    assert batch_hard_triplet_loss(embeddings, identities, None).item() == pytest.approx(expected)


def test_a_batch_without_labels_gives_zero_and_a_gradient() -> None:
    logits = torch.randn(2, 5, requires_grad=True)
    attribute_loss(logits, torch.full((2, 2), -1), (2, 3)).backward()
    assert (logits.grad == 0).all()
    pixels = torch.randn(1, 3, 2, 2, requires_grad=True)
    bootstrapped_cross_entropy(pixels, torch.full((1, 2, 2), 255)).backward()
    assert (pixels.grad == 0).all()


def test_identity_classifier_normalises_the_embedding_first() -> None:
    classifier = IdentityClassifier(1, 2, batch_norm=True)
    classifier.classifier.weight.data = torch.tensor([[1.0], [-1.0]])
    # Behind BatchNorm 4 and 8 are -1 and +1: logits (-1, 1) and (1, -1).
    loss = classifier(torch.tensor([[4.0], [8.0]]), torch.tensor([1, 0]))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-2)), abs=1e-5)


def test_fixed_weights_sum_the_losses_of_the_batch() -> None:
    weighting = FixedWeights({'pose': 2.0, 'parts': 3.0})
    losses = {'pose': torch.tensor(0.5), 'parts': torch.tensor(0.25)}
    assert weighting(losses).item() == 1.75
    assert weighting({'parts': torch.tensor(0.25)}).item() == 0.75


def test_uncertainty_weights_start_at_the_given_ones_and_find_the_best() -> None:
    weighting = UncertaintyWeights({'pose': 0.5, 'parts': 1.0})
    losses = {'pose': torch.tensor(2.0), 'parts': torch.tensor(0.25)}
    # Both log variances are 0.
    assert weighting(losses).item() == pytest.approx(0.5 * 2 + 0.25)
    optimizer = torch.optim.SGD(weighting.parameters(), lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        weighting(losses).backward()
        optimizer.step()
    # The derivatives vanish where sigma^2 is the regression's loss, twice the classification's.
    found = {name: value.exp().item() for name, value in weighting.log_variances.items()}
    assert found == pytest.approx({'pose': 2.0, 'parts': 0.5}, rel=1e-3)
