"""The Trainer of Hugging Face on texts, with its own defaults but for what the job says."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from benchmarks import texts
from benchmarks.job import Job, Outcome, outcome

DEFAULT_EPOCHS = 3


def run(job: Job) -> Outcome:
    """Train, test once. It validates nothing, as is its default."""
    began = perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(job.weights)
    rows = {part: texts.read(Path(job.data), part) for part in ("train", "test")}
    labels = sorted({label for _, label in rows["train"]})
    train, test = ([row_of(tokenizer, labels, *row) for row in rows[part]] for part in ("train", "test"))
    torch.manual_seed(job.seed)
    network = AutoModelForSequenceClassification.from_pretrained(job.weights, num_labels=len(labels))
    if job.trained == "head":
        network.base_model.requires_grad_(False)
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            network,
            arguments(
                folder,
                seed=job.seed,
                device=job.device,
                num_train_epochs=job.measured or DEFAULT_EPOCHS,
                **({} if job.lr is None else {"learning_rate": job.lr}),
            ),
            train_dataset=train,
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        training_began = perf_counter()
        trainer.train()
        training = perf_counter() - training_began
        found = trainer.predict(test)
    accuracy = float((np.argmax(found.predictions, 1) == found.label_ids).mean())
    total = perf_counter() - began
    return outcome(job, name="Trainer", total=total, training=training, accuracy=accuracy)


def row_of(tokenizer: Any, labels: list[str], text: str, label: str) -> dict[str, Any]:
    """A text as the Trainer takes it."""
    return dict(tokenizer(text, truncation=True), label=labels.index(label))


def arguments(folder: str, *, seed: int, device: str, **given: float) -> TrainingArguments:
    """Its own defaults but for what is given, and nothing kept or shown."""
    return TrainingArguments(
        folder,
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=device == "cpu",
        **given,
    )
