"""The mean of networks: of each weight, and to the bit where they agree."""

import torch
from toy import Network

from headstart.training.freezing import tensors
from headstart.training.soup import Soup


def test_it_is_the_mean_of_every_weight_and_exact_where_all_agree() -> None:
    networks = [Network() for _ in range(5)]
    soup = Soup()
    with torch.no_grad():
        for number, network in enumerate(networks):
            for name, value in tensors(network).items():
                value.copy_(torch.full_like(value, 0.1 if "stem" in name else number))
            soup.add(network)
    target = Network()
    soup.pour(target)
    for name, value in tensors(target).items():
        if value.is_floating_point():
            expected = torch.full_like(value, 0.1 if "stem" in name else 2.0)
            assert torch.equal(value, expected), name


def test_what_it_has_taken_in_does_not_change_with_the_network() -> None:
    network, soup = Network(), Soup()
    before = {name: value.detach().clone() for name, value in tensors(network).items()}
    soup.add(network)
    with torch.no_grad():
        network.head.weight.add_(1)
    soup.pour(network)
    assert torch.equal(network.head.weight, before["head.weight"])
