"""EfficientNet-Lite0 and its photos as users of timm and torchvision make them: for all rivals alike."""

from __future__ import annotations

import timm
import torch
from torch import nn
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks.job import Job

ARCHITECTURE = "tf_efficientnet_lite0"
SIZE, SCALED = 224, 256
BICUBIC = transforms.InterpolationMode.BICUBIC
TO_INPUT = [transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]
EVALUATION = [transforms.Resize(SCALED, BICUBIC), transforms.CenterCrop(SIZE), *TO_INPUT]
AUGMENTATION = [
    transforms.RandomResizedCrop(SIZE, scale=(0.35, 1.0), interpolation=BICUBIC),
    transforms.RandomHorizontalFlip(),
    *TO_INPUT,
]


TRAINED = {  # names of modules; the empty one is the network itself
    "head": ("classifier",),
    "last block": ("blocks.6", "conv_head", "bn2", "classifier"),
    "everything": ("",),
}


def pretrained(job: Job, classes: int) -> nn.Module:
    """The network with a new classifier, in which only what the job trains has gradients.

    Args:
        job: says where the weights are, and what is trained.
        classes: 0 leaves it without a classifier.
    """
    torch.manual_seed(0)
    network = with_classifier(job.weights, classes)
    network.requires_grad_(False)
    for module in trained_modules(network, job):
        module.requires_grad_(True)
    return network.to(job.device)


def with_classifier(weights: str, classes: int) -> nn.Module:
    """The pretrained network of a file, with a new classifier for so many classes; 0 is none."""
    network: nn.Module = timm.create_model(ARCHITECTURE, num_classes=0)
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.reset_classifier(classes)
    return network


def trained_modules(network: nn.Module, job: Job) -> list[nn.Module]:
    """The parts of the network that the job trains."""
    return [network.get_submodule(name) for name in TRAINED[job.trained]]


def training_mode(network: nn.Module, job: Job) -> None:
    """Training mode for what is trained, evaluation mode for what is frozen."""
    network.eval()
    for module in trained_modules(network, job):
        module.train()


def photos(job: Job, part: str) -> ImageFolder:
    """Photos of a part, as the network takes them."""
    steps = AUGMENTATION if job.augmented and part == "train" else EVALUATION
    return ImageFolder(f"{job.data}/{part}", transforms.Compose(steps))
