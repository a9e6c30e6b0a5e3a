"""What two models say of examples, as evidence for one of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from headstart.artifact.run import RunFolder
from headstart.contracts import Example, Prediction
from headstart.evaluation.contradiction import Contradiction
from headstart.modalities.text.modality import TextModality
from headstart.steps import evidence
from headstart.steps.evidence import contradiction_of, evidence_of
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


def held_out(folder: Path, *ids: str) -> RunFolder:
    """A run that has said "a" of some examples before it learned from them."""
    run = RunFolder(folder)
    run.held_out_predictions.parent.mkdir(parents=True)
    rows = ["id,predicted,score:a,score:b", *(f"{name},a,0.7,0.3" for name in ids)]
    run.held_out_predictions.write_text("".join(f"{row}\n" for row in rows))
    return run


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
    runs = held_out(tmp_path / "one", "table.csv:1"), held_out(tmp_path / "two", "r:1", "r:2", "r:3", "r:4")
    again = [Example(f"r:{place}", one.input, one.target) for place, one in enumerate([*old, *fresh], 1)]
    data_of_the_challenger(monkeypatch, *again)
    models: Any = (Saying(a=0.2, b=0.8), Saying(a=0.1, b=0.9))
    known = champion(False, train=(old, {}), test=((Example("t", "t", "b"),), {}))
    new = New(tuple(fresh), places={"patient 1": "train"})
    found = evidence_of(models, runs, known, new)
    # Of the new ones, the patient's is left out; the challenger is not asked, for it has learned them.
    assert (found.recent.champion.right.tolist(), found.recent.challenger.right.tolist()) == ([False], [True])
    # Of the old ones, the first alone was held out by both.
    assert (found.former.labels, found.former.challenger.right.tolist()) == ([("a",)], [True])


def test_files_of_the_champion_are_read_once_for_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "old.txt"
    file.write_text("old")
    known = champion(False, train=((Example("old", file, "a"),), {}), test=((Example("t", "t", "b"),), {}))
    digest = known.digest()
    file.unlink()
    runs = held_out(tmp_path / "one", "old"), held_out(tmp_path / "two", "r:1")
    data_of_the_challenger(monkeypatch, Example("r:1", "old", "a"))
    model: Any = Saying(a=0.7, b=0.3)
    found = evidence_of((model, model), runs, known, New(()))
    assert (found.former.labels, known.digest()) == ([("a",)], digest)


class Reading(Saying):
    """A model that says what a text begins with."""

    def predict(self, values: Iterable[Any]) -> list[Prediction]:
        """One answer each."""
        return [Prediction(value[0], 0.95, {"a": 0.05, "b": 0.05, value[0]: 0.95}) for value in values]


def test_swapped_labels_of_the_user_contradict_the_champion() -> None:
    texts = [f"{'ab'[place % 2]} {place}" for place in range(40)]
    swapped = [Example(value, value, "ba"[place % 2]) for place, value in enumerate(texts)]
    fresh = [Example(f"a {place}", f"a {place}", "news") for place in range(40)]
    model: Any = Reading()
    known, given = champion(False), frozenset(texts)
    found = contradiction_of(model, known, New((*swapped, *fresh), given=given | {one.id for one in fresh}))
    # A new label explains itself.
    assert found == Contradiction(count=40, contradicted=40, by_chance=20)
    # Corrections are errors by their nature.
    assert contradiction_of(model, known, New(tuple(swapped))) is None


def test_a_group_is_one_piece_of_evidence_in_old_and_new_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_of_the_challenger(monkeypatch)
    visits = [Example(str(place), f"visit {place}", "a", "patient 7") for place in range(3)]
    # A run's record of groups says nothing of the first of each.
    frozen = (*visits[:2], Example("other", "other", "b", "patient 8"))
    known, again = champion(False, test=(frozen, {"1": "0"})), visits[2]
    model: Any = Saying(a=0.7, b=0.3)
    runs = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    found = evidence_of((model, model), runs, known, New((again,), places={"patient 7": "test"}))
    assert found.together.groups == ["patient 7", "patient 7", "patient 8", "patient 7"]
