"""Few validation examples: more are held out in turns, and the networks of all folds become one."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from headstart.config.load import load
from headstart.errors import Interrupted
from headstart.steps import folds, network
from headstart.steps.ending import Ending
from headstart.steps.job import Job
from headstart.steps.network import Trained
from headstart.training.loop import TrainResult
from headstart.training.soup import Soup
from headstart.training.stopping import TIME_LIMIT, Stop
from headstart.workflow import fit

REQUEST = {
    "model.image_size": 64,
    "technique.name": "full",
    "train.epochs": 2,
    "train.folds": 3,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def photos(stripes: Callable[[int, int], Path]) -> Path:
    return stripes(24, 48)


def fitted(photos: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], str]:
    """The result of a run, and what was shown."""
    shown = io.StringIO()
    given = {"data.path": str(photos), "out": str(out), **REQUEST, **settings}
    return fit(load(None, given), stream=shown).result, shown.getvalue()


class Seen:
    """What `train_network` was asked, and gave."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.jobs: list[Job] = []
        self.trained: list[Trained] = []
        real = folds.train_network

        def train_network(job: Job, *given: Any, **named: Any) -> Trained:
            self.jobs.append(job)
            self.before(named)
            self.trained.append(real(job, *given, **named))
            return self.trained[-1]

        monkeypatch.setattr(folds, "train_network", train_network)

    def before(self, named: dict[str, Any]) -> None:
        """Nothing happens."""

    def held(self) -> list[Sequence[str]]:
        return [[example.id for example in one.round.held] for one in self.trained]


def test_every_fold_is_judged_by_what_neither_its_network_nor_its_probe_has_learned_from(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(monkeypatch)
    result, shown = fitted(photos, tmp_path / "run")
    splits = json.loads((tmp_path / "run" / "data.json").read_text())["splits"]
    held = seen.held()
    assert held[0] == splits["val"]
    assert len({name for names in held for name in names}) == sum(map(len, held))
    for job, names in zip(seen.jobs, held, strict=True):
        learned = {example.id for example in job.prepared.part("train")}
        assert learned.isdisjoint(names) and learned.isdisjoint(splits["test"])
        assert learned | set(names) == {*splits["train"], *splits["val"]}
    probes = [job.probe.weight.tobytes() for job in seen.jobs if job.probe is not None]
    assert len(set(probes)) == 3
    assert [one["held"] for one in result["folds"]] == [len(names) for names in held]
    total = sum(map(len, held))
    assert result["val"]["n"] == result["baselines"]["linear_probe"]["val"]["n"] == total
    assert result["data"]["val"] == len(splits["val"])
    assert f"on {total} examples held out in turns" in result["why_returned"]
    assert "fold 3 of 3: " in shown
    assert not list((tmp_path / "run" / "checkpoints").glob("fold-*"))


def test_what_is_returned_is_the_mean_of_the_networks(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[Tensor] = []
    real = Soup.add

    def add(self: Soup, network: Any) -> None:
        added.append(network.head.weight.detach().clone())
        real(self, network)

    monkeypatch.setattr(Soup, "add", add)
    settings = {"train.keep_probe": False, "train.interpolate": False}
    result, _ = fitted(photos, tmp_path / "run", **settings)
    saved = load_file(tmp_path / "run" / "model" / "weights.safetensors")
    assert "the mean of 3 folds' networks" in result["why_returned"]
    assert not torch.allclose(added[0], added[1])
    torch.testing.assert_close(saved["head.weight"], torch.stack(added[:3]).mean(dim=0))


def test_where_their_mean_is_worth_less_than_the_first_network_that_is_returned(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, first = Seen(monkeypatch), []
    real = Soup.pour

    def pour(self: Soup, network: Any) -> None:
        if not first:
            first.append(network.head.weight.detach().clone())
        real(self, network)
        if len(first) == 1:
            # Networks that lie on two sides of a hill have a mean on top of it.
            network.head.weight.data.neg_()
            first.append(network.head.weight)

    monkeypatch.setattr(Soup, "pour", pour)
    settings = {"train.keep_probe": False, "train.interpolate": False}
    result, _ = fitted(photos, tmp_path / "run", **settings)
    assert len(seen.trained) == 3
    assert "the first of folds that differ too much for a mean" in result["why_returned"]
    saved = load_file(tmp_path / "run" / "model" / "weights.safetensors")
    assert torch.equal(saved["head.weight"], first[0])


def test_a_run_that_is_killed_in_a_later_fold_goes_on_to_the_same_bytes(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(photos, tmp_path / "whole", **{"train.keep_probe": False})
    seen = Seen(monkeypatch)

    def interrupt(named: dict[str, Any]) -> None:
        if len(seen.jobs) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(seen, "before", interrupt)
    with pytest.raises(Interrupted):
        fitted(photos, tmp_path / "killed", **{"train.keep_probe": False})
    monkeypatch.undo()
    run = tmp_path / "killed"
    fit(load(run / "config.toml", ()), resume=run, stream=io.StringIO())
    for name in ("model/weights.safetensors", "predictions/test.csv"):
        assert (run / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    results = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("whole", "killed")]
    assert results[0]["folds"] == results[1]["folds"]
    assert results[0]["val"] == results[1]["val"]
    # What a run takes is foreseen where it begins.
    assert results[1]["forecast"] is None
    expected = results[0]["forecast"]
    assert 0 < expected["shortest"] <= expected["seconds"] <= expected["longest"]
    assert expected["memory"] > 1e8


def test_a_time_limit_leaves_out_folds_that_would_not_fit(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stop, "times", lambda self, seconds: 1.7)
    result, shown = fitted(photos, tmp_path / "run", time_limit=600)
    assert len(result["folds"]) == 2
    assert result["forecast"]["longest"] <= 600
    assert "fold 2 of 2" in shown
    sentence = "2 of 3 folds were trained: the time limit left no room for more."
    assert sentence in " ".join(shown.split())
    assert sentence in (tmp_path / "run" / "report.html").read_text()


def test_what_the_first_network_took_for_itself_is_not_left_out_of_the_time_for_others_too(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []

    def times(self: Stop, seconds: float) -> float:
        left.append(self.left_in_all - self.left)
        return 0.0

    monkeypatch.setattr(Ending, "_needed", lambda self, validations: float(validations))
    monkeypatch.setattr(Stop, "times", times)
    fitted(photos, tmp_path / "run", time_limit=600)
    assert left == [pytest.approx(1.0, abs=0.1)]


@pytest.mark.parametrize(
    "settings", [{}, {"model.head.hidden": [8], "train.keep_probe": False}], ids=["probe", "no probe"]
)
def test_a_further_fold_without_a_step_is_not_asked(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    jobs, asked = 0, 0
    train, tried = network.train, Ending.tried

    def once(**named: Any) -> TrainResult:
        nonlocal jobs
        jobs += 1
        return train(**named) if jobs == 1 else TrainResult(None, (), 0, 0, 4, TIME_LIMIT)

    def ask(*given: Any) -> Any:
        nonlocal asked
        asked += 1
        return tried(*given)

    monkeypatch.setattr(network, "train", once)
    monkeypatch.setattr(Ending, "tried", ask)
    result, _ = fitted(photos, tmp_path / "run", **{"train.epochs": 1}, **settings)
    assert (jobs, asked, len(result["folds"])) == (2, 1, 1)


@pytest.mark.parametrize(
    ("settings", "count"), [({"train.folds": None}, 1), ({"technique.name": "auto", "train.folds": None}, 5)]
)
def test_the_usual_technique_asks_for_folds_where_there_are_few_validation_examples(
    photos: Path, tmp_path: Path, settings: dict[str, Any], count: int
) -> None:
    result, _ = fitted(photos, tmp_path / "run", **settings)
    assert len(result["folds"]) == count
