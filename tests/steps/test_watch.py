"""Looks at a service: every prediction is in one window, and every label counts once."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import DataError, RequestError
from headstart.monitoring.reference import Reference
from headstart.records.records import Records
from headstart.records.values import Predicted
from headstart.records.versions import CHAMPION
from headstart.steps import watch
from headstart.steps.service import ServiceFolder
from headstart.steps.to_label import take_labels
from headstart.steps.watch import Look, look

LABELS = ("ant", "bee", "wasp")


def answers(count: int, seed: int) -> np.ndarray:
    """Scores (N, 3) of a model that never changes."""
    raised = np.exp(2 * np.random.default_rng(seed).normal(size=(count, 3)))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """Nine in ten of 300 answers of its reference are right."""
    folder = ServiceFolder(tmp_path / "service")
    with Records(folder.records) as records:
        records.add_version("/runs/one", "1" * 64, task="image-classification", labels=LABELS)
        records.set_alias(CHAMPION, 1, why="test")
    Reference(LABELS, answers(300, 0), np.arange(300) >= 30).save(folder.reference(1))
    return folder.path


def asked(
    service: Path,
    count: int,
    *,
    at: float = 1e9,
    broken: Sequence[int] = (),
    kept: Sequence[tuple[str, bytes]] = (),
) -> list[str]:
    """Record the answers to a request, all at one time, some with media type and input; their ids."""
    with Records(service / "records.sqlite") as records:
        before = records.overview().predictions
        scores = answers(count, before + 1)
        scores[list(broken)] = np.nan
        rows = [
            Predicted(
                id=f"p{before + place}",
                version=1,
                at=at,
                input_hash=f"h{before + place}",
                label=LABELS[int(row.argmax())],
                score=float(row.max()),
                scores=tuple(row.tolist()),
                features=None,
                milliseconds=1.0,
                media_type=kept[place][0] if place < len(kept) else "",
                input=kept[place][1] if place < len(kept) else None,
            )
            for place, row in enumerate(scores)
        ]
        records.add_predictions(rows)
        return [row.id for row in rows]


def label(service: Path, ids: Sequence[str], *, right: float) -> None:
    """Say of a share of the answers that they were right, and of the others that they were not."""
    with Records(service / "records.sqlite") as records:
        said = {row.id: row.label for row in records.predictions()}
        for place, name in enumerate(ids):
            assert records.add_feedback(name, [said[name] if place < right * len(ids) else "none of them"])


def numbers(service: Path) -> list[tuple[int, int]]:
    with Records(service / "records.sqlite") as records:
        return [(window.first_number, window.last_number) for window in records.windows()]


def listed(service: Path) -> list[dict[str, str]]:
    with (service / "to_label.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def to_label(service: Path) -> list[str]:
    return [row["id"] for row in listed(service)]


def test_a_request_larger_than_a_window_loses_nothing_whatever_the_clock_says(service: Path) -> None:
    asked(service, 256)
    found = look(service)
    assert ([window.judged["n"] for window in found.windows], found.waiting) == ([200], 56)
    asked(service, 144, at=5e8)
    found = look(service)
    assert ([window.judged["n"] for window in found.windows], found.waiting) == ([200], 0)
    assert look(service).windows == ()
    assert numbers(service) == [(1, 200), (201, 400)]


def test_what_is_left_over_is_judged_now(service: Path) -> None:
    asked(service, 250)
    assert [window.judged["n"] for window in look(service, now=True).windows] == [200, 50]
    assert look(service, now=True).windows == ()


def test_a_small_reference_is_said_on_the_screen_as_on_the_page(service: Path) -> None:
    asked(service, 200)
    assert not any("reference has only" in line for line in look(service).lines(200))
    Reference(LABELS, answers(36, 0), np.arange(36) >= 4).save(ServiceFolder(service).reference(1))
    asked(service, 200)
    found = look(service)
    (said,) = [
        line for line in found.lines(200) if line.startswith("The reference has only 36 examples, and")
    ]
    assert said in found.windows[0].judged["notes"]


def test_looks_that_overlap_judge_every_prediction_once(
    service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(service, 450)
    judge, inner = watch.judge, list[Look]()

    def interrupted(*given: object, **options: object) -> object:
        if not inner:
            monkeypatch.setattr(watch, "judge", judge)
            inner.append(look(service))
        return judge(*given, **options)

    monkeypatch.setattr(watch, "judge", interrupted)
    outer = look(service)
    assert (len(inner[0].windows), len(outer.windows), outer.waiting) == (2, 0, 50)
    assert numbers(service) == [(1, 200), (201, 400)]


def test_scores_that_are_not_finite_are_left_out_counted_and_said(service: Path) -> None:
    asked(service, 203, broken=[0, 7, 199])
    found = look(service)
    (window,) = found.windows
    assert (window.judged["n"], window.judged["left_out"], found.waiting) == (200, 3, 0)
    assert "3 predictions left out: not all scores" in " ".join(found.lines(200))
    assert found.page is not None
    assert "3 predictions left out: not all scores" in found.page.read_text()


def test_nothing_but_broken_scores_is_said_and_stops_no_later_look(service: Path) -> None:
    asked(service, 210, broken=range(210))
    found = look(service, now=True)
    assert (found.windows, found.waiting, found.left_out) == ((), 0, 210)
    assert "210 predictions left out" in " ".join(found.lines(200))
    asked(service, 200)
    assert [window.judged["n"] for window in look(service).windows] == [200]


def test_labels_that_come_later_ring_once(service: Path) -> None:
    asked(service, 200)
    assert not look(service).alarm
    drawn = to_label(service)
    assert len(drawn) == 100
    label(service, drawn[:80], right=0.5)
    assert (look(service).labelled, to_label(service)) == ((), drawn[80:])
    label(service, drawn[80:], right=0.5)
    found = look(service)
    assert found.alarm
    assert found.windows == ()
    assert "Nearly all labels of 1 earlier window have come; 1 rang." in found.lines(200)[0]
    assert "answers drawn by lot, it is 40 points below" in found.lines(200)[1]
    assert found.page is not None
    assert "Accuracy has fallen" in found.page.read_text()
    with Records(service / "records.sqlite") as records:
        (window,) = records.windows()
        before = records.windows()
    assert window.alarm and window.settled and window.at == found.labelled[0].at
    label(service, drawn, right=0.0)
    again = look(service)
    assert (again.alarm, again.labelled) == (False, ())
    with Records(service / "records.sqlite") as records:
        assert records.windows() == before


def test_what_is_to_be_labelled_can_be_seen_where_it_was_kept(service: Path) -> None:
    text = 'one, "two"\nthree; \N{SNOWMAN}'
    pair = json.dumps(["he moves", "he w\N{LATIN SMALL LETTER A WITH DIAERESIS}lks"]).encode()
    kept = [
        ("text/plain; charset=utf-8", text.encode()),
        ("application/json", pair),
        ("image/png", b"pixels"),
    ]
    ids = asked(service, 4, kept=kept)
    look(service, now=True)
    rows = listed(service)
    assert [row["input"] for row in rows] == [
        text,
        '["he moves", "he w\N{LATIN SMALL LETTER A WITH DIAERESIS}lks"]',
        f"to_label/{ids[2]}.png",
        "h3",
    ]
    assert (service / rows[2]["input"]).read_bytes() == b"pixels"
    asked(service, 1)
    look(service, now=True)
    assert not (service / "to_label").exists()


def test_a_filled_table_gives_its_labels_back(service: Path, tmp_path: Path) -> None:
    ids = asked(service, 3, kept=[("text/plain", b"many,\nlines, with a \0")])
    look(service, now=True)
    rows = listed(service)
    filled = tmp_path / "filled.csv"

    def fill(*said: str) -> None:
        with filled.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows([{**row, "label": name} for row, name in zip(rows, said, strict=True)])

    fill("bee", "", " ant ")
    assert take_labels(service, filled) == 2
    with Records(service / "records.sqlite") as records:
        assert [(row.id, said.labels) for row, said in records.feedback()] == [
            (ids[0], ("bee",)),
            (ids[2], ("ant",)),
        ]


def test_a_table_with_an_unknown_id_or_label_is_refused_whole(service: Path, tmp_path: Path) -> None:
    ids = asked(service, 2)
    filled = tmp_path / "filled.csv"
    filled.write_text(f"id,label\n{ids[0]},ant\nnone,ant\n{ids[1]},bees\n")
    with pytest.raises(DataError) as refused:
        take_labels(service, filled)
    assert "line 3: no prediction 'none' is recorded." in str(refused.value)
    assert "line 4: unknown label 'bees'. Did you mean 'bee'?" in str(refused.value)
    filled.write_text(f"id,label\n{ids[0]},ant\n{ids[0]},bee\n")
    with pytest.raises(DataError, match=f"line 3: '{ids[0]}' has another label in line 2"):
        take_labels(service, filled)
    filled.write_text("id,answer\n1,ant\n")
    with pytest.raises(DataError, match="lacks the column label"):
        take_labels(service, filled)
    with Records(service / "records.sqlite") as records:
        assert records.feedback() == []


def test_labels_as_good_as_the_reference_do_not_ring(service: Path) -> None:
    label(service, asked(service, 200), right=0.9)
    first = look(service)
    assert [one["kind"] for one in first.windows[0].judged["findings"]].count("accuracy") == 1
    later = asked(service, 200)
    look(service)
    label(service, later, right=0.9)
    found = look(service)
    assert (found.alarm, len(found.labelled)) == (False, 1)
    assert found.labelled[0].judged["labelled_accuracy"]["n"] == 200


def test_corrections_of_mistakes_alone_never_ring(service: Path) -> None:
    ids = asked(service, 200)
    look(service)
    drawn = set(to_label(service))
    label(service, [name for name in ids if name not in drawn], right=0.0)
    assert not look(service).alarm


def test_two_looks_at_the_same_labels_ring_once(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = asked(service, 200)
    look(service)
    label(service, ids, right=0.5)
    judge_late, inner = watch.judge_late, list[Look]()

    def interrupted(*given: object) -> object:
        if not inner:
            monkeypatch.setattr(watch, "judge_late", judge_late)
            inner.append(look(service))
        return judge_late(*given)

    monkeypatch.setattr(watch, "judge_late", interrupted)
    assert [look(service).alarm, inner[0].alarm] == [False, True]


def test_a_share_of_alarms_that_takes_hours_is_refused_before_anything_is_judged(service: Path) -> None:
    with pytest.raises(RequestError, match=r"alpha is 1e-06. Choose a share of at least 0\.0001"):
        look(service, alpha=1e-6)


def test_a_task_that_is_not_watched_is_named(service: Path) -> None:
    with Records(service / "records.sqlite") as records:
        records.add_version("/runs/two", "2" * 64, task="token-classification", labels=("O",))
        records.set_alias(CHAMPION, 2, why="test")
    with pytest.raises(RequestError, match="version 2 is a model for token-classification, which is not wat"):
        look(service)
