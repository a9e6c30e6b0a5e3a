"""What every contestant is given, and what it gives back: plain data that crosses processes as JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One fine-tune, of EfficientNet-Lite0 on photos or of MiniLM on texts.

    Attributes:
        data: a folder with train/, val/ and test/, each of class folders; or with train.csv and so on.
        weights: the pretrained network, as timm's state dict without a classifier, or the folder of a
            checkpoint of transformers.
        trained: "head", "last block" (with all that follows it) or "everything".
        augmented: whether training photos are cropped and flipped at random.
        epochs: to be trained, each with a pass over validation data; None is each one's own default.
        measured: of these, epochs that a loop really runs; their time is scaled to all.
        lr: learning rate; None is each one's own default.
        batch_size: photos in a training step; of texts, each one's own default.
        device: "cpu" or "cuda".
        threads: that may compute or decode at once.
        seed: of everything random, where the contestant has a choice.
    """

    data: str
    weights: str
    trained: str
    augmented: bool
    epochs: int | None
    measured: int | None
    lr: float | None
    batch_size: int
    device: str
    threads: int
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a contestant took, and what it learned.

    Attributes:
        seconds: by name; the first is the whole job, others are parts that are compared too.
        accuracy: on the test examples; None where nothing was trained, or not to the end.
    """

    seconds: dict[str, float]
    accuracy: float | None = None


def outcome(job: Job, *, name: str, total: float, training: float, accuracy: float) -> Outcome:
    """What a loop took, had it run all of the job's epochs and not only those that are measured.

    Args:
        name: of the loop.
        total: seconds that were measured in all.
        training: of these, seconds of the epochs.
        accuracy: on the test examples.
    """
    whole = training * job.epochs / job.measured if job.epochs and job.measured else training
    return Outcome(
        {name: total - training + whole, f"{name}, training": whole},
        accuracy if job.measured == job.epochs else None,
    )
