"""Networks of timm with known weights, written to disk as their users find them."""

import json
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn


def trained(architecture: str, **arguments: object) -> nn.Module:
    """A network with its classifier, no weight and no statistic of which is as it starts."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        network = timm.create_model(architecture, **arguments)
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand(tensor.shape) * 0.02)
    return network.eval()


def features(network: nn.Module, images: Tensor) -> Tensor:
    """What enters the classifier."""
    with torch.no_grad():
        return network.forward_head(network.forward_features(images), pre_logits=True)


def photos(size: int) -> Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def write_folder(folder: Path, network: nn.Module, config: dict[str, object]) -> Path:
    """As timm saves a model: config.json and model.safetensors."""
    folder.mkdir(parents=True)
    save_file(network.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return folder
