"""A believable run, simulated: no part of it is copied from a real one."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from headstart.contracts import Phase
from headstart.data.dataset import Finding
from headstart.evaluation.report.content import (
    Bin,
    Calibration,
    ClassScores,
    Confusion,
    Mistake,
    ReportContent,
)

INSECTS = ("ant", "bee", "damselfly", "grasshopper", "ladybird", "stag beetle")


def _scores(n, accuracy):
    def around(value):
        half = 1.96 * (value * (1 - value) / n) ** 0.5
        return {"value": value, "low": max(value - half, 0.0), "high": min(value + half, 1.0)}

    spread = {"value": 2 - 1.6 * accuracy, "low": 1.8 - 1.6 * accuracy, "high": 2.3 - 1.6 * accuracy}
    return {
        "n": n,
        "metrics": {
            "accuracy": around(accuracy),
            "balanced_accuracy": around(accuracy - 0.01),
            "macro_f1": around(accuracy - 0.02),
            "log_loss": spread,
        },
    }


def _events(phases, steps_per_epoch):
    random = np.random.default_rng(1)
    step, epoch = 0, 0
    for phase in phases:
        total = phase.epochs * steps_per_epoch
        yield {
            "event": "PhaseStarted",
            "step": step,
            "phase": phase.name,
            "epochs": phase.epochs,
            "total_steps": total,
            "trainable": 7_686,
        }
        for phase_step in range(1, total + 1):
            step += 1
            loss = 0.25 + 1.5 * np.exp(-step / 90)
            rate = phase.rates["head"] * (1 + np.cos(np.pi * phase_step / total)) / 2
            yield {
                "event": "StepDone",
                "step": step,
                "phase": phase.name,
                "epoch": epoch,
                "loss": float(loss * random.lognormal(0, 0.2)),
                "lr": float(rate),
                "phase_step": phase_step,
                "phase_steps": total,
                "examples": 32,
            }
            if phase_step % steps_per_epoch == 0:
                metric = 0.89 - 0.35 * np.exp(-step / 60) + random.normal(0, 0.008)
                yield {
                    "event": "Validated",
                    "step": step,
                    "phase": phase.name,
                    "epoch": epoch,
                    "train_loss": float(loss),
                    "train_metric": float(0.98 - 0.4 * np.exp(-step / 60)),
                    "loss": float(loss + 0.1 + step / 2500),
                    "metric": float(metric),
                    "best": step <= 160,
                }
                epoch += 1
        yield {
            "event": "PhaseEnded",
            "step": step,
            "phase": phase.name,
            "why": "epochs done",
            "best_step": step,
            "best_metric": 0.88,
        }
    yield {"event": "Notice", "step": step, "kind": "overfitting", "text": "Validation loss rises again."}


def _picture(random):
    picture = Image.new("RGB", (160, 120), tuple(random.integers(90, 220, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y, size = random.integers(0, 90, 3).tolist()
        pen.ellipse((x, y, x + size + 12, y + size + 12), fill=tuple(random.integers(0, 255, 3).tolist()))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=70)
    return file.getvalue()


def _bins(probability, right):
    edges = np.linspace(0, 1, 11)
    for low, high in itertools.pairwise(edges):
        inside = (probability > low) & (probability <= high)
        count = int(inside.sum())
        confidence = float(probability[inside].mean()) if count else 0.0
        accuracy = float(right[inside].mean()) if count else 0.0
        yield Bin(float(low), float(high), confidence, accuracy, count)


def _predictions(labels, *, n, sharpness):
    """Truth drawn from honest probabilities, and probabilities that are too sure of themselves."""
    random = np.random.default_rng(0)
    logits = sharpness * random.normal(size=(n, len(labels)))
    honest = _softmax(logits)
    truth = np.array([random.choice(len(labels), p=row) for row in honest])
    return truth, honest, _softmax(1.6 * logits)


def _softmax(logits):
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def _per_class(labels, counts):
    for index, label in enumerate(labels):
        hits, predicted, true = counts[index, index], counts[:, index].sum(), counts[index].sum()
        precision, recall = hits / max(predicted, 1), hits / max(true, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        yield ClassScores(label, float(precision), float(recall), float(f1), int(true))


def _mistakes(labels, truth, probability, shown):
    random = np.random.default_rng(2)
    said = probability.argmax(1)
    wrong = sorted(np.flatnonzero(said != truth), key=lambda row: -probability[row].max())
    for row in wrong[:shown]:
        yield Mistake(
            id=f"{labels[truth[row]]}/IMG_{4000 + row}.jpg",
            true=labels[truth[row]],
            predicted=labels[said[row]],
            probability=float(probability[row].max()),
            probability_of_true=float(probability[row, truth[row]]),
            picture=_picture(random),
        )


@pytest.fixture
def make_content():
    """A run's content; `sharpness` says how good the model is."""

    def make(labels=INSECTS, *, n=58, sharpness=6.0, technique="two-phase", shown=12):
        truth, honest, probability = _predictions(labels, n=n, sharpness=sharpness)
        said = probability.argmax(1)
        right = said == truth
        counts = np.zeros((len(labels), len(labels)), int)
        np.add.at(counts, (truth, said), 1)
        majority = float(counts.sum(1).max() / n)
        accuracy = float(right.mean())
        trained = technique != "linear-probe"
        phases = (Phase("head", 5, {"head": 1e-3}), Phase("last block", 8, {"head": 3e-4, "blocks.6": 1e-4}))
        result = {
            "format": 1,
            "task": "image-classification",
            "model": "builtin:efficientnet-lite0",
            "technique": technique,
            "labels": list(labels),
            "data": {"train": 271, "val": 58, "test": n, "fingerprint": "9f2c61d07be4"},
            "metric": "accuracy",
            "val": _scores(58, 0.897),
            "test": _scores(n, accuracy),
            "baselines": {
                "linear_probe": {"val": _scores(58, 0.879), "test": _scores(n, accuracy - 0.017)},
                "majority": {"val": _scores(58, majority), "test": _scores(n, majority)},
            },
            "seconds": {"total": 192.4, "prepare": 4.1, "features": 21.9, "train": 161.2, "evaluate": 5.2},
            "epochs": 13 if trained else 0,
            "steps": 208 if trained else 0,
            "stopped": "epochs done",
            "peak_memory_bytes": 1_430_000_000,
            "versions": {"headstart": "0.1.0", "torch": "2.15.0", "timm": "1.0.31", "python": "3.11.9"},
        }
        mistakes = tuple(_mistakes(labels, truth, probability, shown))
        return ReportContent(
            title="insects",
            result=result,
            lower_is_better=frozenset({"log_loss"}),
            advice=(
                "Look at the mistakes below first: two labels seem to be swapped.",
                "Add images of the weakest labels, stag beetle before all.",
                "Try a larger model: headstart fit photos --model builtin:efficientnet-lite2",
            ),
            events=tuple(_events(phases, 16)) if trained else (),
            phases=phases if trained else (),
            confusion=Confusion(labels, counts.tolist()),
            per_class=tuple(_per_class(labels, counts)),
            mistakes=mistakes,
            mistake_count=int((~right).sum()),
            calibration=Calibration(
                temperature=1.6,
                before=tuple(_bins(probability.max(1), right)),
                after=tuple(_bins(honest.max(1), right)),
            ),
            findings=(
                Finding(
                    "warning",
                    "few",
                    "2 labels have fewer than 30 examples. Add some.",
                    table=(("label", "examples"), ("stag beetle", "19"), ("ladybird", "27")),
                ),
                Finding("note", "duplicates", "7 images are copies of others; each stays on one side."),
            ),
            plan=(
                ("technique", technique, "271 examples are too few to train every layer"),
                ("phases", "head (5), last block (8)", "a linear probe first (Kumar et al., 2022)"),
                ("batch_size", "32", "fits memory, and gives 16 steps an epoch"),
                ("augment", "light: horizontal_flip 0.5, crop 0.8", "no label looks as if a flip changed it"),
                ("precision", "bf16", "the processor computes it fast"),
            ),
        )

    return make
