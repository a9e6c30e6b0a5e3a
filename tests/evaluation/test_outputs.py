import numpy as np
import torch
from torch import Tensor, nn

from headstart.contracts import Batch, Example
from headstart.evaluation.outputs import compute_outputs, in_order
from headstart.tasks.image_classification import ImageClassification


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.linear = nn.Linear(3, 2)
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(torch.is_inference_mode_enabled())
        return self.linear(self.norm(x).mean(dim=(2, 3)))


def task() -> ImageClassification:
    examples = [Example(id=label, input=None, target=label) for label in ("ant", "bee")]
    return ImageClassification.from_examples(examples, {})


def batches(images: Tensor) -> list[Batch]:
    """Two batches of four rows; the last has one row that only pads it."""
    return [
        Batch({"x": images[:4]}, None, ("a", "b", "c", "d")),
        Batch({"x": images[4:]}, None, ("e", "f", "g")),
    ]


def test_one_output_an_example_in_the_order_asked_for() -> None:
    network, images = Net(), torch.randn(8, 3, 5, 5)
    outputs = compute_outputs(task(), network, batches(images))
    network.eval()
    backwards = in_order(outputs, [Example(id, None) for id in "gfedcba"])
    np.testing.assert_allclose(backwards, network(images)[:7].flip(0).detach(), atol=1e-6)


def test_it_leaves_the_network_as_it_found_it() -> None:
    network = Net().train()
    network.norm.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    compute_outputs(task(), network, batches(torch.randn(8, 3, 5, 5)))
    assert (network.training, network.norm.training, network.linear.training) == (True, False, True)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.seen == [True, True]
