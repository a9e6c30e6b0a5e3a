"""What two models say of examples, as evidence for one of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from headstart.artifact.run import RunFolder
from headstart.contracts import Example, Prediction
from headstart.modalities.text.modality import TextModality
from headstart.steps import evidence
from headstart.steps.evidence import evidence_of
from headstart.steps.joined import Champion, New, digest_of
from headstart.steps.run_data import Labelled

NOTHING: Labelled = ((), {})


class Saying:
    """A model that gives the same scores to everything."""

    task = None

    def __init__(self, **scores: float) -> None:
        self.scores = scores

    def predict(self, values: Iterable[Any]) -> list[Prediction]:
        """One answer each."""
        best = max(self.scores, key=self.scores.__getitem__)
        return [Prediction(best, self.scores[best], self.scores) for _ in values]


def champion(several: bool, **parts: Labelled) -> Champion:
    given = {"train": NOTHING, "val": NOTHING, "test": NOTHING, **parts}
    return Champion("text-classification", ("a", "b", "c"), several, TextModality.scan, given)


def data_of_the_challenger(monkeypatch: pytest.MonkeyPatch, *train: Example) -> None:
    monkeypatch.setattr(evidence, "splits_of_run", lambda *_: {"train": (train, {}), "val": NOTHING})
    monkeypatch.setattr(evidence, "request_of_run", lambda *_: None)


@pytest.mark.parametrize(("several", "sure"), [(False, 0.9), (True, 0.9 * 0.8 * 0.6)])
def test_an_answer_is_as_sure_as_all_of_its_labels_together(
    several: bool, sure: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_of_the_challenger(monkeypatch)
    frozen = (Example("1", "one", "a"), Example("2", "two", "b"))
    model: Any = Saying(a=0.9, b=0.2, c=0.4)
    runs = (RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two"))
    found = evidence_of((model, model), runs, champion(several, test=(frozen, {})), New(()))
    assert found.frozen.champion.right.tolist() == [True, False]
    assert found.frozen.champion.sure == pytest.approx([sure, sure])
    assert (len(found.recent), len(found.former)) == (0, 0)


def test_what_was_held_out_counts_unless_the_champion_knows_its_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = (Example("table.csv:1", "first", "a"), Example("table.csv:2", "second", "b"))
    fresh = [
        Example(digest_of(value), value, "a", group) for value, group in (("x", None), ("y", "patient 1"))
    ]
    runs = []
    for name, ids in (("one", ["table.csv:1"]), ("two", ["r:1", "r:2", "r:3", "r:4"])):
        runs.append(RunFolder(tmp_path / name))
        file = runs[-1].held_out_predictions
        file.parent.mkdir(parents=True)
        file.write_text("".join(["id,predicted,score:a,score:b\n", *(f"{one},a,0.7,0.3\n" for one in ids)]))
    again = [Example(f"r:{place}", one.input, one.target) for place, one in enumerate([*old, *fresh], 1)]
    data_of_the_challenger(monkeypatch, *again)
    models: Any = (Saying(a=0.2, b=0.8), Saying(a=0.1, b=0.9))
    known = champion(False, train=(old, {}), test=((Example("t", "t", "b"),), {}))
    new = New(tuple(fresh), places={"patient 1": "train"})
    found = evidence_of(models, (runs[0], runs[1]), known, new)
    # Of the new ones, the patient's is left out; the challenger is not asked, for it has learned them.
    assert (found.recent.champion.right.tolist(), found.recent.challenger.right.tolist()) == ([False], [True])
    # Of the old ones, the first alone was held out by both.
    assert (found.former.labels, found.former.challenger.right.tolist()) == ([("a",)], [True])
