"""A service from its first model to the next: watched, corrected, retrained, promoted, rolled back."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from faults import send_signal, strike_at
from PIL import Image, ImageFilter

import headstart as hs
from headstart.artifact.run import RunFolder, locked
from headstart.contracts import Example
from headstart.errors import RequestError
from headstart.evaluation.contradiction import Contradiction
from headstart.evaluation.succession import Check, Verdict
from headstart.records.records import Records
from headstart.records.values import Decision, Predicted
from headstart.records.versions import CHAMPION
from headstart.steps.reference import keep_reference, reference_of
from headstart.steps.service import ServiceFolder, add_model, opened

Answer = tuple[int, str, str]
Call = Callable[..., Answer]


@pytest.fixture(scope="module")
def served(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service whose champion is a run, with what it is watched by; only to be copied."""
    folder = ServiceFolder(tmp_path_factory.mktemp("services") / "shades")
    with Records(folder.records) as records:
        version, new = add_model(records, whole)
        assert new
        records.set_alias(CHAMPION, version.number, why="test")
        keep_reference(folder, version, opened(version, "torch"))
    return folder.path


@pytest.fixture
def service(served: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(served, tmp_path / "service"))


def noise(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Images like those of training, as files, with their labels."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        label, colour = (("warm", (150, 120, 120)), ("cold", (120, 120, 150)))[number % 2]
        pixels = random.normal(colour, 60, (48, 48, 3)).clip(0, 255).astype(np.uint8)
        found.append((label, png(Image.fromarray(pixels))))
    return found


def png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def asked(service: Path, run: Path, images: list[tuple[str, bytes]], *, corrected: bool) -> None:
    """What a server records of some requests."""
    model = hs.load(run)
    with Records(service / "records.sqlite") as records:
        rows = []
        for _, content in images:
            answered = model.answer([model.view(content, name="image")], [content])[0]
            said = answered.prediction
            rows.append(
                Predicted(
                    id=f"{len(rows)}-{hashlib.sha256(content).hexdigest()[:12]}",
                    version=1,
                    at=time.time() + len(rows) / 1e6,
                    input_hash=hashlib.sha256(content).hexdigest(),
                    label=said.label,
                    score=said.score,
                    scores=tuple(said.scores.values()),
                    features=answered.features,
                    milliseconds=1.0,
                    media_type="image/png",
                    input=content,
                )
            )
        records.add_predictions(rows)
        for row, (label, _) in zip(rows, images, strict=True):
            if corrected:
                assert records.add_feedback(row.id, [label])


def test_too_few_answers_wait_and_a_full_window_is_judged(call: Call, service: Path, whole: Path) -> None:
    asked(service, whole, noise(60, 1), corrected=False)
    code, _, said = call("watch", service)
    assert (code, "60 of 200 predictions since the last window" in said) == (0, True)
    code, printed, said = call("watch", service, "--window", "50", "--json")
    found = json.loads(printed)
    assert (code, found["alarm"], found["waiting"], len(found["windows"])) == (0, False, 10, 1)
    assert Path(found["page"]).read_text().startswith("<!")
    code, printed, _ = call("watch", service, "--window", "50", "--now", "--json")
    assert [window["n"] for window in json.loads(printed)["windows"]] == [10]


def test_blurred_images_ring_with_exit_code_three(call: Call, service: Path, whole: Path) -> None:
    blurred = []
    for label, content in noise(100, 2):
        image = Image.open(BytesIO(content)).filter(ImageFilter.GaussianBlur(5))
        blurred.append((label, png(image)))
    asked(service, whole, blurred, corrected=False)
    code, printed, said = call("watch", service, "--window", "100")
    assert code == 3, said
    assert "have changed" in said
    assert printed.strip() == str(service / "watch.html")


def test_nothing_is_retrained_without_need_or_without_anything_new(
    call: Call, service: Path, whole: Path
) -> None:
    code, _, said = call("retrain", service, "--if-needed")
    assert code == 0
    assert "Not needed: no alarm rang, and 0 corrections came since the last time" in said
    code, _, said = call("retrain", service)
    assert (code, "0 new labelled examples, none of them to learn from." in said) == (2, True)


def test_a_round_from_corrections_to_a_new_champion_and_back(call: Call, service: Path, whole: Path) -> None:
    asked(service, whole, noise(80, 3), corrected=True)
    code, printed, said = call("retrain", service, "--if-needed", "--margin", "1", "--json")
    found = json.loads(printed)
    assert found["needed"] == "Why now: 80 corrections came since."
    assert found["seconds"] > 0
    assert found["data"][0].startswith("80 new examples: ")
    checks = {check["name"]: check for check in found["verdict"]["checks"]}
    names = {"no worse", "test set", "recent data", "labels", "churn", "calibration", "latency"}
    assert set(checks) == names
    # Of what is new, those that judge and, by what the run said before it learned from them, those that
    # validate; of what is old, those that both runs validate with.
    assert found["data"][0] == "80 new examples: 56 to learn from, 13 to validate, 11 to judge."
    assert checks["no worse"]["why"].startswith(
        "On 6 test examples, 24 recent ones and 6 former ones together"
    )
    assert code == (0 if found["promoted"] else 3), said
    # What judged the challenger is not what it learned from.
    data = Path(found["run"]).parent / "data"
    splits = json.loads((Path(found["run"]) / "data.json").read_text())["splits"]
    assert len(splits["train"]) > 28
    assert not set(splits["train"]) & set(splits["test"])
    assert len((data / "test.jsonl").read_text().splitlines()) == len(splits["test"])
    with Records(service / "records.sqlite") as records:
        assert records.aliases()["champion" if found["promoted"] else "challenger"] == 2
        (decision,) = [one for one in records.decisions() if one.kind == "retrain"]
    assert decision.outcome == ("promoted" if found["promoted"] else "refused")
    if not found["promoted"]:
        assert call("versions", service, "--promote", "2")[0] == 0
    _, printed, _ = call("versions", service, "--json")
    assert [one["aliases"] for one in json.loads(printed)] == [[], ["champion"]]
    code, printed, _ = call("versions", service, "--rollback")
    assert code == 0
    assert "champion" in printed.splitlines()[1]
    # What came once is in the data now, and is not taken twice.
    code, _, said = call("retrain", service, "--if-needed")
    assert "Not needed" in said


def test_a_champion_chosen_while_a_challenger_trained_stays(
    call: Call, service: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(service, whole, noise(40, 3), corrected=True)
    other = Path(shutil.copytree(whole / "model", tmp_path / "other"))

    def compared(*_: object, margin: float) -> Verdict:
        with Records(service / "records.sqlite") as records:
            version, _ = add_model(records, other)
            records.set_alias(CHAMPION, version.number, why="chosen by hand")
        return Verdict((Check("test set", True, "No worse."),))

    monkeypatch.setattr("headstart.steps.retrain.verdict", compared)
    # What a process has left that was killed before it had begun is removed.
    (service / "retrained" / "challenger").mkdir(parents=True)
    code, printed, said = call("retrain", service)
    assert (code, Path(printed.strip()).parent.name) == (3, "challenger")
    assert "Version 1, which it was compared with, is not champion." in said
    assert "Why now: asked for, with 40 new examples." in said
    assert "Version 2 is refused; the champion stays. It took " in said
    with Records(service / "records.sqlite") as records:
        assert records.aliases() == {"champion": 3, "challenger": 2}
        assert records.decisions()[-1].outcome == "refused"


def test_a_challenger_that_was_left_half_way_goes_on(
    call: Call, service: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(service, whole, noise(40, 3), corrected=True)
    with monkeypatch.context() as patch:
        strike_at(patch, "headstart.training.loop.set_rates", 7, send_signal(signal.SIGTERM))
        assert call("retrain", service)[0] == 143
    left = service / "retrained" / "challenger"
    told = (left / "run" / "metrics.jsonl").read_text().splitlines()
    assert sorted(path.name for path in left.iterdir()) == ["data", "order.json", "run"]
    assert not (service / "retrained" / "inputs").exists()
    code, printed, said = call("retrain", service)
    assert code in (0, 3), said
    assert Path(printed.strip()) == left / "run"
    # Its last line said why it was stopped.
    assert (left / "run" / "metrics.jsonl").read_text().splitlines()[: len(told) - 1] == told[:-1] != []
    # With more that is new, what was left is of no use any more; what has become a version stays.
    (left / "verdict.json").unlink()
    asked(service, whole, noise(44, 4), corrected=True)
    code, printed, said = call("retrain", service)
    assert Path(printed.strip()) == service / "retrained" / "challenger-2" / "run"
    assert (left / "run" / "model").is_dir()


def at_least_half(*_: object, margin: float) -> Verdict:
    """Promoted where the margin is a half."""
    return Verdict((Check("no worse", margin >= 0.5, "The margin is what counts."),), margin)


def test_a_refused_challenger_is_judged_anew_and_not_trained_again(
    call: Call, service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.steps.retrain.verdict", at_least_half)
    monkeypatch.setattr("headstart.steps.retrain.contradiction_of", lambda *_: Contradiction(40, 38, 20))
    for number, (label, content) in enumerate(noise(40, 3)):
        (tmp_path / "fresh" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "fresh" / label / f"{number}.png").write_bytes(content)
    call = partial(call, "retrain", service, tmp_path / "fresh")
    code, first, said = call()
    assert (code, "Nothing is trained" in said) == (3, False)
    # Before training, and beside the verdict.
    assert said.startswith("warning: Of 40 new examples, ")
    assert "  warning new data      Of 40 new" in said
    with monkeypatch.context() as patch:
        patch.setattr("headstart.steps.retrain.fit_in", None)
        code, again, said = call()
        assert (code, again) == (3, first)
        assert "Nothing is trained: version 2 was trained from exactly this; it is judged " in said
        code, printed, _ = call("--margin", "0.5", "--json")
    found = json.loads(printed)
    assert "are its labels swapped or shuffled?" in found["verdict"]["warnings"][0]
    assert (code, found["run"], found["version"], found["trained"]) == (0, first.strip(), 2, False)
    assert json.loads((Path(first.strip()).parent / "verdict.json").read_text())["margin"] == 0.5
    with Records(service / "records.sqlite") as records:
        assert [one.number for one in records.versions()] == [1, 2]
        assert [one.outcome for one in records.decisions()] == ["refused", "refused", "promoted"]
        records.rollback(Decision(0.0, "rollback", 1, "champion again", "it annoys people", {}))
    # Who took it back does not want it again by the next call.
    code, _, said = call("--margin", "0.5")
    assert (code, "Version 2 was champion, and was taken back" in said) == (3, True)
    # Another time limit is another order.
    code, printed, said = call("--time-limit", "10m")
    assert (code, Path(printed.strip()).parent.name, "Nothing is trained" in said) == (
        3,
        "challenger-2",
        False,
    )


@pytest.mark.parametrize(("margin", "outcome"), [("0.1", "refused"), ("0.5", "promoted")])
def test_what_was_decided_when_a_call_is_killed_is_not_decided_twice(
    call: Call, service: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, margin: str, outcome: str
) -> None:
    monkeypatch.setattr("headstart.steps.retrain.verdict", at_least_half)
    asked(service, whole, noise(40, 3), corrected=True)
    with monkeypatch.context() as patch:
        strike_at(patch, "headstart.steps.retrain.write_verdict", 1, send_signal(signal.SIGTERM))
        assert call("retrain", service, "--margin", margin)[0] == 143
    with Records(service / "records.sqlite") as records:
        before = records.decisions(), records.aliases(), records.history(CHAMPION)
        assert [one.outcome for one in before[0]] == [outcome]
        code, printed, _ = call("retrain", service, "--margin", margin, "--json")
        assert (records.decisions(), records.aliases(), records.history(CHAMPION)) == before
    found = json.loads(printed)
    assert (code, found["version"], found["promoted"]) == (
        3 * (outcome == "refused"),
        2,
        outcome == "promoted",
    )
    assert ("stopped" in found["needed"] + "".join(found["data"]), found["trained"]) == (True, False)
    written = json.loads((service / "retrained" / "challenger" / "verdict.json").read_text())
    assert {"at": before[0][0].at, **found["verdict"]} == written


def test_only_one_process_retrains_at_once(call: Call, service: Path) -> None:
    (service / "retrained").mkdir()
    with locked(RunFolder(service / "retrained")):
        code, _, said = call("retrain", service)
    assert (code, "is writing here" in said) == (2, True)


def test_test_examples_that_cannot_be_read_are_left_out_of_the_reference(
    whole: Path, shades: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no picture")
    files = [damaged, *sorted(shades.rglob("*.png"))[:3]]
    found = reference_of(hs.load(whole), [Example(file.name, file, "warm") for file in files])
    assert len(found.scores) == 3
    with pytest.raises(RequestError, match="none of the test examples can be read"):
        reference_of(hs.load(whole), [Example("damaged", damaged, "warm")])


def test_a_service_that_answers_something_else_is_not_taken_over(
    call: Call, whole: Path, tmp_path: Path
) -> None:
    with Records(tmp_path / "records.sqlite") as records:
        version = records.add_version("/gone", "0" * 64, task="text-classification", labels=("warm",))
        records.set_alias(CHAMPION, version.number, why="test")
    code, _, said = call("serve", whole, "--service", tmp_path)
    assert (code, "this service answers something else: text-classification, by /gone" in said) == (2, True)


def test_a_model_that_was_moved_is_the_same_version_and_one_that_is_gone_is_named(
    call: Call, service: Path, whole: Path, tmp_path: Path
) -> None:
    first = Path(shutil.copytree(whole / "model", tmp_path / "first"))
    facts = first / "bundle.json"
    facts.write_text(facts.read_text() + "\n")
    assert call("versions", service, "--add", first)[0] == 0
    first.rename(tmp_path / "second")
    code, _, said = call("versions", service, "--promote", "2")
    assert (code, "version 2 of the service is not there any more" in said) == (2, True)
    code, printed, _ = call("versions", service, "--add", tmp_path / "second", "--json")
    assert [one["path"] for one in json.loads(printed)][1:] == [str(tmp_path / "second")]
    assert call("versions", service, "--promote", "2")[0] == 0


def test_a_model_that_was_changed_is_not_promoted(
    call: Call, service: Path, whole: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(whole / "model", tmp_path / "other"))
    assert call("versions", service, "--add", other)[0] == 0
    facts = other / "bundle.json"
    facts.write_text(facts.read_text() + "\n")
    code, _, said = call("versions", service, "--promote", "2")
    assert (code, "it was changed since" in said) == (2, True)
    _, printed, _ = call("versions", service, "--json")
    assert [one["aliases"] for one in json.loads(printed)] == [["champion"], []]


@pytest.mark.parametrize("command", ["watch", "retrain", "versions", "records"])
def test_what_is_no_service_is_said(command: str, call: Call, tmp_path: Path, shades: Path) -> None:
    code, _, said = call(command, tmp_path / "nowhere")
    assert (code, "does not exist" in said) == (2, True)
    code, _, said = call(command, shades)
    assert (code, "is no service" in said) == (2, True)
