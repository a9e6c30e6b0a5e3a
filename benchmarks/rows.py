"""What is measured: a few fine-tunes, who takes part in each, and what is to come of it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.harness import Comparison

RIVALS = ("fastai", "trainer")
# Contestants that a machine may lack.
OPTIONAL = (*RIVALS, "texts_trainer")


@dataclass(frozen=True)
class Row:
    """A fine-tune.

    Attributes:
        name: of its file of results.
        title: as the table has it.
        trained, augmented, epochs, measured, lr: as in `benchmarks.job.Job`.
        contestants: modules of `benchmarks.contestants`, besides `RIVALS` of photos.
        kind: of examples, "photos" or "texts".
        most: examples in all; None takes all.
        rounds: at least.
        comparisons: of names in the outcomes of the contestants.
    """

    name: str
    title: str
    trained: str
    augmented: bool
    epochs: int | None
    measured: int | None
    lr: float | None
    contestants: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    kind: str = "photos"
    most: int | None = None
    rounds: int = 1


BESIDE = (Comparison("fastai", "headstart"), Comparison("Trainer", "headstart"))
ROWS = (
    Row(
        name="frozen",
        title="head alone, 20 epochs",
        trained="head",
        augmented=False,
        epochs=20,
        measured=2,
        lr=1e-3,
        contestants=("ours", "one_pass", "plain"),
        comparisons=(
            Comparison("headstart", "one pass", at_most=1.5),
            Comparison("headstart", "one pass and conversion", at_most=1.5),
            Comparison("headstart", "one pass in float32 and conversion", at_most=1.5),
            Comparison("plain loop", "headstart", at_least=20),
            *BESIDE,
        ),
    ),
    Row(
        name="last-block",
        title="last block and head, 10 epochs",
        trained="last block",
        augmented=False,
        epochs=10,
        measured=2,
        lr=1e-4,
        contestants=("ours", "plain"),
        comparisons=(Comparison("plain loop", "headstart", at_least=5), *BESIDE),
    ),
    Row(
        name="full",
        title="every layer, 3 epochs, crops and flips",
        trained="everything",
        augmented=True,
        epochs=3,
        measured=1,
        lr=1e-4,
        contestants=("ours", "plain"),
        comparisons=(
            Comparison("plain loop", "headstart", at_least=1.3),
            Comparison("plain loop, training", "headstart, training", at_least=1.3),
            *BESIDE,
        ),
    ),
    Row(
        name="texts-frozen",
        title="texts: head alone, 20 epochs",
        trained="head",
        augmented=False,
        epochs=20,
        measured=2,
        lr=1e-3,
        contestants=("texts_ours", "texts_trainer"),
        comparisons=(Comparison("Trainer", "headstart", at_least=20),),
        kind="texts",
    ),
    Row(
        name="texts-full",
        title="texts: every layer, 3 epochs",
        trained="everything",
        augmented=False,
        epochs=3,
        measured=3,
        lr=None,
        contestants=("texts_ours", "texts_trainer"),
        comparisons=(Comparison("Trainer", "headstart", at_least=2),),
        kind="texts",
    ),
    Row(
        name="texts-few",
        title="texts: 500 examples, own defaults, a seed a round",
        trained="everything",
        augmented=False,
        epochs=None,
        measured=None,
        lr=None,
        contestants=("texts_ours", "texts_trainer"),
        comparisons=(Comparison("Trainer", "headstart"),),
        kind="texts",
        most=500,
        rounds=5,
    ),
)
