"""Weights on the line between two networks: both ends exactly, and nothing that did not change."""

import pytest
import torch
from toy import Network

from headstart.training.blend import Blend
from headstart.training.freezing import tensors


def ends() -> tuple[Network, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A network whose block and head were trained, with the weights it began and ended with."""
    network = Network()
    start = {name: value.detach().clone() for name, value in tensors(network).items()}
    with torch.no_grad():
        for name, value in tensors(network).items():
            if value.is_floating_point() and "stem" not in name:
                value.add_(torch.randn(value.shape, generator=torch.Generator().manual_seed(len(name))))
    return network, start, {name: value.detach().clone() for name, value in tensors(network).items()}


def test_it_reaches_both_ends_to_the_last_bit() -> None:
    network, start, end = ends()
    blend = Blend(network, start)
    for share, expected in ((0.0, start), (0.5, None), (1.0, end), (0.0, start)):
        blend.move(share)
        for name, value in tensors(network).items():
            assert expected is None or torch.equal(value, expected[name]), (share, name)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_between_the_ends_every_weight_is_so_far_on_its_way(share: float) -> None:
    network, start, end = ends()
    Blend(network, start).move(share)
    for name, value in tensors(network).items():
        expected = start[name] + (end[name] - start[name]) * share
        torch.testing.assert_close(value, expected, check_dtype=False)
    assert not torch.equal(network.head.weight, start["head.weight"])
