"""New examples beside those of a run: each once, and what judges never learned from."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from headstart.contracts import Example, Scan
from headstart.modalities.text.modality import TextModality
from headstart.records.records import Records
from headstart.records.values import Predicted
from headstart.steps.joined import (
    Champion,
    New,
    digest_of,
    groups_of,
    new_examples,
    placed,
    write_joined,
)
from headstart.steps.run_data import Labelled


def text(value: str, *labels: str) -> Example:
    return Example(digest_of(value), value, labels[0] if len(labels) == 1 else labels)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    found = Records(tmp_path / "records.sqlite")
    found.add_version("model", "0" * 64, task="text-classification", labels=("ham", "spam"))
    return found


def knows(train: Sequence[Example]) -> Champion:
    """A champion that was trained on some texts."""
    none: Labelled = ((), {})
    return Champion(
        task="text-classification",
        labels=("ham", "spam"),
        several=False,
        scan=TextModality.scan,
        parts={"train": (tuple(train), {}), "val": none, "test": none},
    )


def predicted(records: Records, id: str, value: str, *, keep: bool = True) -> None:
    kept = value.encode() if keep else None
    row = Predicted(
        id, 1, time.time(), digest_of(value), "ham", 0.9, (0.9, 0.1), None, 1.0, "text/plain", kept
    )
    records.add_predictions([row])


def test_corrections_with_their_inputs_and_given_examples_come_together_once(
    records: Records, tmp_path: Path
) -> None:
    for number, keep in enumerate((True, True, False, True)):
        predicted(records, str(number), f"text {number}", keep=keep)
        records.add_feedback(str(number), ["spam"])
    given = [text("text 0", "spam"), text("text 9", "ham"), text("text 3", "ham")]
    champion = knows([text("text 1", "ham")])
    found = new_examples(records, given, champion, inputs=tmp_path / "inputs")
    assert sorted(one.input for one in found.examples) == ["text 0", "text 9"]
    assert (found.without_input, found.known, found.contradicted) == (1, 1, 1)
    assert found.left_out() == [
        "1 correction left out: the input was not kept.",
        "1 input left out: labelled in two ways.",
        "1 input left out: already in the data.",
    ]


def test_an_input_has_its_place_by_its_content_alone() -> None:
    names = [text(f"input {number}", "ham") for number in range(5000)]
    shares = {part: sum(placed(name) == part for name in names) / 5000 for part in ("train", "val", "test")}
    assert shares["test"] == pytest.approx(0.2, abs=0.02)
    assert shares["val"] == pytest.approx(0.15, abs=0.02)


def test_members_of_a_group_and_copies_have_one_place(records: Records, tmp_path: Path) -> None:
    given = [
        replace(text(f"{group} says {number}", "ham"), group=f"patient {group}")
        for group in range(40)
        for number in range(5)
    ]
    given += [text("the same words", "spam"), text("The same  words", "spam")]
    found = new_examples(records, given, knows([]), inputs=tmp_path)
    parts = {part: {one.group for one in found.part(part)} for part in ("train", "val", "test")}
    assert sum(len(found.part(part)) for part in parts) == 202
    assert sum(len(groups) for groups in parts.values()) == 41
    assert all(parts.values())


def test_a_group_of_the_champions_data_stays_where_it_is(records: Records, tmp_path: Path) -> None:
    old = replace(text("first visit", "ham"), group="patient 7")
    champion = knows([])
    champion = replace(champion, parts={**champion.parts, "val": ((old,), {old.id: "first of its group"})})
    given = [replace(text(f"visit {number}", "ham"), group="patient 7") for number in range(9)]
    found = new_examples(records, given, champion, inputs=tmp_path)
    assert {one.group for one in found.part("val")} == {"patient 7"}
    assert len(found.part("val")) == 9


def test_a_group_of_the_champions_data_has_one_name_that_the_user_gave_if_any() -> None:
    olds = [
        Example("a", "1", "ham", "patient 7"),
        Example("b", "2", "ham", "patient 7"),
        Example("c", "3", "ham", "alone"),
        Example("d", "4", "ham"),
        Example("e", "4 ", "ham"),
        Example("f", "5", "ham"),
    ]
    # As a run has them: for each the first of its group, and nothing for the first itself.
    keys = {"b": "a", "e": "d"}
    champion = knows([])
    champion = replace(champion, parts={**champion.parts, "train": (tuple(olds), keys)})
    new = New((Example("x", "6", "ham", "patient 7"), Example("y", "7", "ham")))
    assert groups_of(champion, new) == {
        **dict.fromkeys("abx", "patient 7"),
        **dict.fromkeys("de", "d"),
        "c": "alone",
        "f": "f",
        "y": "y",
    }


def test_a_near_copy_of_the_champions_data_is_where_that_is(records: Records, tmp_path: Path) -> None:
    texts = [" ".join(digest_of(f"{number} {word}")[:8] for word in range(12)) for number in range(30)]
    olds = [Example(f"texts.csv:{number}", value, "ham") for number, value in enumerate(texts)]
    champion = knows(olds[:15])
    champion = replace(champion, parts={**champion.parts, "test": (tuple(olds[15:]), {})})
    given = [text(f"{value} ", "ham") for value in texts]
    found = new_examples(records, given, champion, inputs=tmp_path)
    assert sorted(one.group or "" for one in found.part("train")) == sorted(one.id for one in olds[:15])
    assert sorted(one.group or "" for one in found.part("test")) == sorted(one.id for one in olds[15:])
    # What the champion knows nothing like is placed by itself.
    assert all(found.places.get(one.group or "") for one in found.examples)
    (stranger,) = new_examples(records, [text("a stranger", "ham")], champion, inputs=tmp_path).examples
    assert stranger.group is None


def test_corrections_of_another_task_are_not_taken(records: Records, tmp_path: Path) -> None:
    predicted(records, "0", "some text")
    records.add_feedback("0", ["spam"])
    assert len(new_examples(records, [], knows([]), inputs=tmp_path).examples) == 1
    other = replace(knows([]), task="image-classification")
    assert new_examples(records, [], other, inputs=tmp_path).examples == ()


@pytest.mark.parametrize("several", [False, True])
def test_that_no_label_applies_is_a_label_only_where_several_may(
    records: Records, tmp_path: Path, several: bool
) -> None:
    predicted(records, "0", "some text")
    records.add_feedback("0", [])
    found = new_examples(records, [], replace(knows([]), several=several), inputs=tmp_path)
    assert (len(found.examples), found.unlabelled) == ((1, 0) if several else (0, 1))


def test_inputs_that_cannot_be_read_are_left_out(records: Records, tmp_path: Path) -> None:
    def scanned(example: Example) -> Scan:
        return Scan(error="is damaged") if "bad" in example.input else Scan(content=example.id)

    given = [text("good", "ham"), text("bad", "ham")]
    found = new_examples(records, given, replace(knows([]), scan=scanned), inputs=tmp_path)
    assert [one.input for one in found.examples] == ["good"]
    assert found.left_out() == ["1 input left out: cannot be read."]


def test_the_same_bytes_as_a_file_and_as_a_text_are_one_content(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"abc")
    assert digest_of(file) == digest_of("abc")


def test_files_labels_and_groups_are_written_so_that_they_can_be_read(tmp_path: Path) -> None:
    image = tmp_path / "Photo.PNG"
    image.write_bytes(b"pixels")
    parts: dict[str, Labelled] = {
        "train": ((Example("a", image, ("ant", "bee|wasp"), "patient 1"),), {}),
        "val": ((Example("b", ("one", "two"), "ant"),), {"b": "patient 2"}),
        "test": ((Example("c", image, ()),), {}),
    }
    champion = replace(knows([]), several=True, parts=parts)
    new = New((Example("d", ("three", "four"), "bee", "patient 2"),), places={"patient 2": "val"})
    write_joined(tmp_path / "joined", champion, new)
    (first,) = map(json.loads, (tmp_path / "joined" / "train.jsonl").read_text().splitlines())
    second, fresh = map(json.loads, (tmp_path / "joined" / "val.jsonl").read_text().splitlines())
    (third,) = map(json.loads, (tmp_path / "joined" / "test.jsonl").read_text().splitlines())
    assert first == {"label": ["ant", "bee|wasp"], "input": "files/0000000.png", "group": "patient 1"}
    assert second == {"label": ["ant"], "input": "one", "input1": "two", "group": "patient 2"}
    assert fresh == {"label": ["bee"], "input": "three", "input1": "four", "group": "patient 2"}
    assert (third["label"], third["group"]) == ([], "c")
    # What judges stays as it was, whatever becomes of the user's file.
    image.write_bytes(b"others")
    assert (tmp_path / "joined" / third["input"]).read_bytes() == b"pixels"


def test_a_new_label_needs_enough_examples(records: Records, tmp_path: Path) -> None:
    given = [text(f"text {number}", "news") for number in range(9)]
    few = new_examples(records, [*given, text("other", "ham")], knows([]), inputs=tmp_path)
    assert [one.input for one in few.examples] == ["other"]
    assert few.left_out() == ["9 inputs left out: 'news' is new and rare."]
    enough = new_examples(records, [*given, text("text 9", "news")], knows([]), inputs=tmp_path)
    assert (len(enough.examples), enough.rare) == (10, {})
