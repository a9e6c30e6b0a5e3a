import torch
from torch import nn

from headstart.contracts import Head
from headstart.tasks.heads import Classifier, RowsNorm, build_head


def test_a_head_of_which_nothing_is_asked_is_one_linear_layer() -> None:
    head = build_head(4, 3, Head())
    assert isinstance(head, nn.Linear)
    assert head.weight.shape == (3, 4)


def test_dropout_stands_before_every_linear_layer() -> None:
    head = build_head(4, 3, Head(hidden=(8, 6), dropout=0.5, batch_norm=True))
    assert [type(layer) for layer in head] == [
        *[nn.Dropout, nn.Linear, RowsNorm, nn.ReLU] * 2,
        nn.Dropout,
        nn.Linear,
    ]
    assert head(torch.randn(5, 4)).shape == (5, 3)


def test_a_batch_of_one_example_trains_a_head_with_batch_norm_and_leaves_its_statistics() -> None:
    norm = RowsNorm(4).train()
    rows = torch.randn(3, 4)
    assert torch.equal(norm(rows), nn.BatchNorm1d(4)(rows))
    learned = norm.running_mean.clone()
    alone = norm(rows[:1])
    assert torch.equal(norm.running_mean, learned)
    assert torch.equal(alone, norm.eval()(rows[:1]))


def test_a_hidden_layer_stands_between_features_and_outputs() -> None:
    head = build_head(4, 3, Head(hidden=(8,)))
    assert [type(layer) for layer in head] == [nn.Linear, nn.ReLU, nn.Linear]


def test_a_classifier_is_its_head_on_its_backbone() -> None:
    backbone, head = nn.Identity(), nn.Linear(4, 3)
    features = torch.randn(2, 4)
    assert torch.equal(Classifier(backbone, head)(input=features), head(features))
