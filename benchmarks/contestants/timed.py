"""``python -m benchmarks.contestants.timed RECIPE DATA WEIGHTS SECONDS SEED``: what others reach in a time.

Each recipe is what its documentation shows, with as many epochs as the time allows; the test is not part of
it. Prints the accuracy on the test examples and the seconds, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import nn

from benchmarks.contestants.network import AUGMENTATION, EVALUATION, SIZE, with_classifier

Said = tuple[float, float]  # accuracy, and seconds until the test


def fastai(data: str, weights: str, seconds: float, seed: int) -> Said:
    """`fine_tune`: an epoch of the head, then all layers, with its own rates and augmentation.

    All epochs are planned by the time of the first: training all layers takes about 2.5 times as long.
    """
    began = perf_counter()
    from fastai.vision.all import (
        ImageDataLoaders,
        Learner,
        Normalize,
        Resize,
        accuracy,
        aug_transforms,
        get_image_files,
        params,
        set_seed,
    )

    set_seed(seed)
    loaders = ImageDataLoaders.from_folder(
        data,
        train="train",
        valid_pct=0.15,
        seed=seed,
        bs=16,
        num_workers=0,
        device=torch.device("cpu"),
        item_tfms=Resize(256),
        batch_tfms=[*aug_transforms(size=SIZE), Normalize.from_stats((0.5,) * 3, (0.5,) * 3, cuda=False)],
    )
    network = with_classifier(weights, len(loaders.vocab))
    learner = Learner(
        loaders,
        network,
        loss_func=nn.CrossEntropyLoss(),
        metrics=accuracy,
        splitter=lambda whole: [
            [p for name, p in whole.named_parameters() if not name.startswith("classifier")],
            params(whole.get_classifier()),
        ],
    )
    with learner.no_bar(), learner.no_logging():
        learner.freeze()
        before = perf_counter()
        learner.fit_one_cycle(1, slice(2e-3), pct_start=0.99)
        epoch = 2.5 * (perf_counter() - before)
        epochs = max(1, int((seconds - (perf_counter() - began)) / epoch))
        learner.unfreeze()
        learner.fit_one_cycle(epochs, slice(1e-3 / 100, 1e-3), pct_start=0.3, div=5.0)
        took = perf_counter() - began
        test = loaders.test_dl(get_image_files(f"{data}/test"), with_labels=True)
        _, right = learner.validate(dl=test)
    return float(right), took


def tutorial(data: str, weights: str, seconds: float, seed: int) -> Said:
    """The guide of Keras in torch: the head at 1e-3 for half of the time, then everything at 1e-5."""
    began = perf_counter()
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose

    torch.manual_seed(seed)
    train = ImageFolder(f"{data}/train", Compose(AUGMENTATION))
    batches = DataLoader(train, batch_size=16, shuffle=True)
    network = with_classifier(weights, len(train.classes))
    network.eval()
    network.requires_grad_(False)
    for rate, until, trained in ((1e-3, 0.5, network.get_classifier()), (1e-5, 1.0, network)):
        trained.requires_grad_(True)
        optimiser = torch.optim.Adam((p for p in network.parameters() if p.requires_grad), lr=rate)
        while perf_counter() - began < until * seconds:
            for images, labels in batches:
                optimiser.zero_grad()
                nn.functional.cross_entropy(network(images), labels).backward()
                optimiser.step()
                if perf_counter() - began >= until * seconds:
                    break
    took = perf_counter() - began
    test = ImageFolder(f"{data}/test", Compose(EVALUATION))
    with torch.no_grad():
        right = [
            (network(images).argmax(dim=1) == labels).numpy()
            for images, labels in DataLoader(test, batch_size=16)
        ]
    return float(np.concatenate(right).mean()), took


def trainer(data: str, weights: str, seconds: float, seed: int) -> Said:
    """Hugging Face's Trainer on texts, with its own defaults; steps are planned by the time of three."""
    began = perf_counter()
    from tempfile import TemporaryDirectory

    from transformers import AutoModelForSequenceClassification as Model
    from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer

    from benchmarks import texts
    from benchmarks.contestants.texts_trainer import arguments, row_of

    tokenizer = AutoTokenizer.from_pretrained(weights)
    parts = {part: texts.read(Path(data), part) for part in ("train", "test")}
    labels = sorted({label for _, label in parts["train"]})
    rows = {
        part: [row_of(tokenizer, labels, text, label) for text, label in found]
        for part, found in parts.items()
    }

    def made(**given: float) -> Trainer:
        torch.manual_seed(seed)
        own = arguments(folder, seed=seed, device="cpu", **given)
        network = Model.from_pretrained(weights, num_labels=len(labels))
        return Trainer(
            network, own, train_dataset=rows["train"], data_collator=DataCollatorWithPadding(tokenizer)
        )

    with TemporaryDirectory() as folder:
        before = perf_counter()
        made(max_steps=3).train()
        step = (perf_counter() - before) / 3
        steps = max(1, int((seconds - (perf_counter() - began)) / step))
        # No more epochs than people take: beyond them nothing changes.
        whole = made(max_steps=min(steps, 20 * -(-len(rows["train"]) // 8)))
        whole.train()
        took = perf_counter() - began
        found = whole.predict(rows["test"])
    return float((np.argmax(found.predictions, 1) == found.label_ids).mean()), took


RECIPES: dict[str, Callable[[str, str, float, int], Said]] = {
    "fastai": fastai,
    "tutorial": tutorial,
    "Trainer": trainer,
}


if __name__ == "__main__":
    recipe, data, weights, seconds, seed = sys.argv[1:]
    accuracy, took = RECIPES[recipe](data, weights, float(seconds), int(seed))
    print(json.dumps({"accuracy": accuracy, "seconds": took}))
