"""headstart models: what there is, which suits the data, and the race of the first two."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import headstart as hs
from headstart import workflow
from headstart.artifact.run import existing_run
from headstart.contracts import Example
from headstart.errors import HeadstartError

Call = Callable[..., tuple[int, str, str]]
TWO = ("--model", "builtin:efficientnet-lite0", "--model", "builtin:mobilenetv2")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return "--set", f"cache.path={tmp_path_factory.mktemp('cache')}"


def test_models_are_listed_with_their_speed_here_and_what_others_need(
    call: Call, stored: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.steps.latency.TIMES", 1)
    code, printed, said = call("models", *stored, "--json")
    assert (code, said) == (0, "")
    offers = {offer["name"]: offer for offer in json.loads(printed)}
    there = offers["builtin:efficientnet-lite0"]
    assert there["lacking"] == "" and there["licence"] == "apache-2.0" and 0 < there["latency"] < 10
    away = offers["timm:resnet50.a1_in1k"]
    assert away["lacking"] and away["latency"] is None and away["prior"] > there["prior"]
    code, printed, _ = call("models", *stored, "--licence", "MIT")
    assert code == 0 and "roberta" in printed and "efficientnet" not in printed
    assert {offer.name for offer in hs.models()} == set(offers)


def test_models_are_ranked_on_training_examples_alone(
    call: Call, shades: Path, stored: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    from headstart.steps import rank

    drawn = rank.drawn

    def watched(examples: Sequence[Example], count: int, *, seed: int) -> Sequence[Example]:
        found = drawn(examples, count, seed=seed)
        seen.update(example.id for example in found)
        return found

    monkeypatch.setattr(rank, "drawn", watched)
    code, printed, said = call("models", shades, *TWO, *stored, "--sample", 24, "--json")
    assert code == 0, said
    found = json.loads(printed)
    assert {one["name"] for one in found} == set(TWO[1::2])
    assert [one["expected"] for one in found] == sorted((one["expected"] for one in found), reverse=True)
    for one in found:
        assert one["probe"]["low"] <= one["probe"]["value"] <= one["probe"]["high"]
        assert one["parameters"] > 1e6 and one["latency"] > 0 and 0 <= one["neighbours"] <= 1
    held_out = hs.split(shades, dict([stored[1].split("=")]))
    # Features join copies that are hardly alike, so that a few may change sides.
    assert 0 < len(seen) <= 24 and len(seen & {*held_out.val, *held_out.test}) <= 2


def test_what_does_not_suit_is_passed_over_by_name(call: Call, shades: Path, stored: tuple[str, str]) -> None:
    code, printed, said = call("models", shades, *TWO, *stored, "--licence", "bsd-3-clause", "--sample", 24)
    assert code == 0
    assert "builtin:efficientnet-lite0 is passed over: its licence is apache-2.0." in said
    assert "headstart fit" in printed and "--model builtin:mobilenetv2" in printed
    code, _, said = call("models", shades, *TWO, *stored, "--max-latency", 0.001)
    assert code == 2
    assert "one input takes" in said and "No model is left to rank." in said
    code, _, said = call("models", shades, "--model", "builtin:nothing", *stored)
    assert code == 2 and "No builtin model 'nothing'" in said
    code, _, said = call("models", shades, "--model", "nothing-like-it", *stored)
    assert code == 2 and "No source knows a model 'nothing-like-it'" in said


def test_the_first_two_are_raced_within_the_time_limit(
    call: Call, shades: Path, stored: tuple[str, str], tmp_path: Path
) -> None:
    size = ("--set", "model.image_size=32", "--set", "train.epochs=1")
    code, printed, said = call(
        "models",
        shades,
        *TWO,
        *stored,
        *size,
        "--sample",
        24,
        "--time-limit",
        "60s",
        "--out",
        tmp_path / "race",
    )
    assert code == 0, said
    runs = [hs.Run.open(path) for path in sorted((tmp_path / "race").iterdir())]
    assert {run.result["model"] for run in runs} == set(TWO[1::2])
    best = max(run.val.accuracy for run in runs)
    assert hs.Run.open(Path(printed.strip())).val.accuracy == best


def test_fit_can_be_asked_to_choose_the_model(
    call: Call, shades: Path, stored: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [offer for offer in hs.models({"cache.path": stored[1].partition("=")[2]}) if offer.name in TWO]
    monkeypatch.setattr(workflow, "offers", lambda family: two)
    chosen = ("--model", "auto", "--technique", "linear-probe", "--image-size", 32)
    code, _, said = call("fit", shades, *chosen, *stored, "--out", tmp_path / "run")
    assert code == 0, said
    run = existing_run(tmp_path / "run")
    assert f'name = "{hs.Run.open(run.path).result["model"]}"' in run.config.read_text()


def test_flags_that_need_data_say_so(call: Call) -> None:
    code, _, said = call("models", "--time-limit", "10m")
    assert code == 2 and "--time-limit: needs DATA" in said


def test_a_task_without_a_probe_is_not_ranked(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("en,de\n" + "".join(f"house {row},Haus {row}\n" for row in range(30)))
    with pytest.raises(HeadstartError, match="ranked by a linear probe, which translation has not"):
        hs.rank(table, {"task": "translation"})
