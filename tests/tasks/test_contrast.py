"""Examples of one label are drawn together and others apart."""

import math

import pytest
import torch

from headstart.tasks.contrast import contrast

ONE, OTHER = [1.0, 0.0], [0.0, 1.0]


def test_it_is_none_where_one_label_has_one_direction_and_another_a_right_angle_to_it():
    features = torch.tensor([[2.0, 0.0], [5.0, 0.0], [0.0, 3.0]])
    assert contrast(features, torch.tensor([ONE, ONE, OTHER])).tolist() == pytest.approx([0, 0, 0])


def test_both_sides_count_half_however_many_there_are():
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0], *[[1.0, 0.0]] * 6])
    targets = torch.tensor([ONE, ONE, *[OTHER] * 6])
    # The first: its one like it is at a right angle (1), the six others in its direction (1 each).
    assert contrast(features, targets)[0].item() == pytest.approx(1.0)
    # The second: its one like it is at a right angle (1), the six others where they should be.
    assert contrast(features, targets)[1].item() == pytest.approx(0.5)


def test_of_several_labels_one_in_common_is_enough():
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    apart, shared = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    assert contrast(features, shared).sum().item() == pytest.approx(0)
    assert contrast(features, apart).sum().item() == pytest.approx(1)


def test_an_example_alone_and_a_feature_of_nothing_give_finite_numbers_and_gradients():
    features = torch.zeros(1, 4, requires_grad=True)
    loss = contrast(features, torch.tensor([ONE])).sum()
    loss.backward()
    assert loss.item() == 0 and features.grad is not None and features.grad.isfinite().all()


def test_its_gradient_draws_one_label_together_and_the_others_apart():
    torch.manual_seed(0)
    features = torch.randn(12, 5, requires_grad=True)
    targets = torch.tensor([ONE, OTHER] * 6)
    optimiser = torch.optim.SGD([features], lr=1.0)
    for _ in range(200):
        optimiser.zero_grad()
        contrast(features, targets).sum().backward()
        optimiser.step()
    directions = torch.nn.functional.normalize(features.detach(), dim=1)
    assert (directions[0] @ directions[2]).item() > 0.95
    assert math.fabs((directions[0] @ directions[1]).item()) < 0.1
