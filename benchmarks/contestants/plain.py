"""The loop of the tutorials: the whole network runs on every photo of every epoch, whatever is frozen."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

from benchmarks.contestants.network import photos, pretrained, training_mode
from benchmarks.job import Job, Outcome, outcome


def run(job: Job) -> Outcome:
    """Train, validate after every epoch, test once."""
    began = perf_counter()
    parts = {part: photos(job, part) for part in ("train", "val", "test")}
    train, val, test = (_loader(job, part, images) for part, images in parts.items())
    network = pretrained(job, classes=len(parts["train"].classes))
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=job.lr)
    training_began = perf_counter()
    for _ in range(job.measured):
        _train(job, network, optimiser, train)
        _accuracy(job, network, val)
    training = perf_counter() - training_began
    accuracy = _accuracy(job, network, test)
    total = perf_counter() - began
    return outcome(job, name="plain loop", total=total, training=training, accuracy=accuracy)


def _loader(job: Job, part: str, images: ImageFolder) -> DataLoader[Any]:
    return DataLoader(
        images,
        batch_size=job.batch_size,
        shuffle=part == "train",
        num_workers=job.threads,
        persistent_workers=True,
        pin_memory=job.device == "cuda",
    )


def _train(job: Job, network: nn.Module, optimiser: torch.optim.Optimizer, loader: DataLoader[Any]) -> None:
    training_mode(network, job)
    for images, labels in loader:
        loss = cross_entropy(network(images.to(job.device)), labels.to(job.device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.inference_mode()
def _accuracy(job: Job, network: nn.Module, loader: DataLoader[Any]) -> float:
    network.eval()
    right = [network(images.to(job.device)).argmax(1).cpu() == labels for images, labels in loader]
    return float(torch.cat(right).float().mean())
