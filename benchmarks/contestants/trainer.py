"""The Trainer of Hugging Face on a network of timm, with the layers frozen that the job freezes."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import EvalPrediction, Trainer, TrainingArguments

from benchmarks.contestants.network import photos, pretrained
from benchmarks.job import Job, Outcome, outcome


class WithLoss(nn.Module):
    """A network as the Trainer calls it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss and logits of a batch."""
        logits = self.network(images)
        return {"loss": cross_entropy(logits, labels), "logits": logits}


def run(job: Job) -> Outcome:
    """Train, validate after every epoch, test once."""
    began = perf_counter()
    train, val, test = (photos(job, part) for part in ("train", "val", "test"))
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            WithLoss(pretrained(job, classes=len(train.classes))),
            _arguments(job, folder),
            data_collator=_collate,
            train_dataset=train,
            eval_dataset=val,
            compute_metrics=_accuracy,
        )
        training_began = perf_counter()
        trainer.train()
        training = perf_counter() - training_began
        accuracy = trainer.evaluate(test)["eval_accuracy"]
    total = perf_counter() - began
    return outcome(job, name="Trainer", total=total, training=training, accuracy=accuracy)


def _arguments(job: Job, folder: str) -> TrainingArguments:
    return TrainingArguments(
        folder,
        num_train_epochs=job.measured,
        learning_rate=job.lr,
        per_device_train_batch_size=job.batch_size,
        per_device_eval_batch_size=job.batch_size,
        dataloader_num_workers=job.threads,
        dataloader_persistent_workers=True,
        label_names=["labels"],
        remove_unused_columns=False,
        eval_strategy="epoch",
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=job.device == "cpu",
    )


def _collate(rows: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
    images, labels = zip(*rows, strict=True)
    return {"images": torch.stack(images), "labels": torch.tensor(labels)}


def _accuracy(found: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((np.argmax(found.predictions, 1) == found.label_ids).mean())}
