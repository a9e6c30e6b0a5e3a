"""What every contestant is given, and what it gives back: plain data that crosses processes as JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One fine-tune of EfficientNet-Lite0.

    Attributes:
        data: a folder with train/, val/ and test/, each of class folders.
        weights: the pretrained network, as timm's state dict without a classifier.
        trained: "head", "last block" (with all that follows it) or "everything".
        augmented: whether training photos are cropped and flipped at random.
        epochs: to be trained, each with a pass over validation data.
        measured: of these, epochs that a loop really runs; their time is scaled to all.
        lr: learning rate.
        batch_size: photos in a training step.
        device: "cpu" or "cuda".
        threads: that may compute or decode at once.
    """

    data: str
    weights: str
    trained: str
    augmented: bool
    epochs: int
    measured: int
    lr: float
    batch_size: int
    device: str
    threads: int


@dataclass(frozen=True)
class Outcome:
    """What a contestant took, and what it learned.

    Attributes:
        seconds: by name; the first is the whole job, others are parts that are compared too.
        accuracy: on the test photos; None where nothing was trained, or not to the end.
    """

    seconds: dict[str, float]
    accuracy: float | None = None


def outcome(job: Job, *, name: str, total: float, training: float, accuracy: float) -> Outcome:
    """What a loop took, had it run all of the job's epochs and not only those that are measured.

    Args:
        name: of the loop.
        total: seconds that were measured in all.
        training: of these, seconds of the epochs.
        accuracy: on the test photos.
    """
    whole = training * job.epochs / job.measured
    return Outcome(
        {name: total - training + whole, f"{name}, training": whole},
        accuracy if job.measured == job.epochs else None,
    )
