"""The data of a run and what was labelled since, as one data set with its splits kept apart."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from headstart.config.schema import Config
from headstart.contracts import Example, Scan
from headstart.data.duplicates import find_duplicates
from headstart.data.scanning import scan
from headstart.errors import counted
from headstart.records.records import Records
from headstart.steps.run_data import Labelled
from headstart.tasks.labels import label_names

PARTS = ("train", "val", "test")
# Of a hundred inputs, those that judge, then those that validate; the others are learned from.
RECENT, VALIDATION = 20, 15
# Examples that a label needs which the champion does not know.
LEAST_OF_LABEL = 10
FILES, INPUT, LABEL, GROUP = "files", "input", "label", "group"


@dataclass(frozen=True)
class Champion:
    """What new examples are for.

    Attributes:
        task: its name.
        labels: that it knows.
        several: whether an example may have several labels, or none.
        scan: its modality's.
        parts: its data by split.
    """

    task: str
    labels: Sequence[str]
    several: bool
    scan: Callable[[Example], Scan]
    parts: Mapping[str, Labelled]

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """The group of each of its examples, by id: as the user calls it, or else by the id of its first.

        Its run has the first's id for each of the others, and nothing for the first.
        """
        each = [(example, keys) for examples, keys in self.parts.values() for example in examples]
        firsts = {example.id: keys.get(example.id, example.id) for example, keys in each}
        names: dict[str, str] = {}
        for example, _ in each:
            if example.group is not None:
                names.setdefault(firsts[example.id], example.group)
        return {name: names.get(first, first) for name, first in firsts.items()}

    @cached_property
    def contents(self) -> Mapping[str, str]:
        """The sha256 of each of its inputs, by id; every file is read once for it."""
        return {one.id: digest_of(one.input) for examples, _ in self.parts.values() for one in examples}

    def digest(self) -> str:
        """Of what it was trained, validated and judged by."""
        rows = [
            [part, self.contents[example.id], self.groups[example.id], *label_names(example)]
            for part, (examples, _) in self.parts.items()
            for example in examples
        ]
        return _digest(rows)


@dataclass(frozen=True)
class New:
    """Labelled inputs that came since a model was trained.

    Attributes:
        examples: each with its content's sha256 as id, and a group where it has company: of the user's, or
            of copies and near copies.
        without_input: corrections whose input was not kept.
        known: inputs that the data has already.
        contradicted: inputs that were labelled in two ways.
        unlabelled: inputs that were said to have none of the labels, where each has one.
        unreadable: inputs that cannot be read.
        rare: inputs with a label that the champion does not know and that too few have, by label. All but
            the examples are left out.
        places: the split that a group of the champion's data is in, by group.
        given: ids of those examples that the user gave, beside the corrections.
    """

    examples: tuple[Example, ...]
    without_input: int = 0
    known: int = 0
    contradicted: int = 0
    unlabelled: int = 0
    unreadable: int = 0
    rare: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    def part(self, name: str) -> tuple[Example, ...]:
        """Those that judge ("test"), validate ("val") or are learned from ("train")."""
        return tuple(
            example
            for example in self.examples
            if (self.places.get(example.group or "") or placed(example)) == name
        )

    def digest(self) -> str:
        """Of the examples with their labels, groups and parts, in whatever order they came."""
        rows = sorted(
            [example.id, part, example.group or "", *label_names(example)]
            for part in PARTS
            for example in self.part(part)
        )
        return _digest(rows)

    def left_out(self) -> list[str]:
        """A sentence on each reason for which some are."""
        reasons = (
            (self.without_input, "correction", "the input was not kept"),
            (self.contradicted, "input", "labelled in two ways"),
            (self.known, "input", "already in the data"),
            (self.unlabelled, "correction", "none of the labels applies"),
            (self.unreadable, "input", "cannot be read"),
            *((count, "input", f"'{name}' is new and rare") for name, count in self.rare.items()),
        )
        return [f"{counted(count, what)} left out: {why}." for count, what, why in reasons if count]


def placed(example: Example) -> str:
    """Where an example of a new group belongs: by the group, or its content, and so once and for all.

    What judges is never learned from, nor is what is in one group with it.
    """
    digest = hashlib.sha256(example.group.encode()).hexdigest() if example.group else example.id
    place = int(digest[:8], 16) % 100
    return "test" if place < RECENT else "val" if place < RECENT + VALIDATION else "train"


def suffix_of(media_type: str) -> str:
    """Of a file that holds a kept input."""
    return mimetypes.guess_extension(media_type, strict=False) or ".jpg"


def content_of(value: Any) -> bytes:
    """Bytes that stand for an input: of a file, its own; the same that a service takes the sha256 of."""
    if isinstance(value, Path):
        return value.read_bytes()
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


def digest_of(value: Any) -> str:
    """sha256 of `content_of`."""
    return hashlib.sha256(content_of(value)).hexdigest()


def new_examples(records: Records, given: Sequence[Example], champion: Champion, *, inputs: Path) -> New:
    """What was corrected and kept, and what the user gives, without what the data has already.

    Args:
        records: of the service.
        given: labelled examples of the user.
        champion: what it can read and say, and learned from.
        inputs: a folder into which the inputs of images are written.
    """
    there = set(champion.contents.values())
    found: dict[str, Example] = {}
    targets: dict[str, set[tuple[str, ...]]] = {}
    without = unlabelled = 0
    same_task = {version.number for version in records.versions() if version.task == champion.task}
    for row, said in records.feedback():
        if row.version not in same_task:
            continue
        kept = records.input_of(row.id)
        if kept is None:
            without += 1
        elif said.labels or champion.several:
            _collect(found, targets, _value(*kept, inputs), said.labels, None)
        else:
            unlabelled += 1
    named = frozenset(
        _collect(found, targets, example.input, label_names(example), example.group) for example in given
    )
    contradicted = {name for name, each in targets.items() if len(each) > 1}
    fresh = [one for name, one in found.items() if name not in there and name not in contradicted]
    readable = grouped(fresh, champion)
    rare = _rare(readable, champion.labels)
    examples = tuple(example for example in readable if not rare.keys() & set(label_names(example)))
    return New(
        examples,
        without_input=without,
        known=len(found.keys() & there),
        contradicted=len(contradicted - there),
        unlabelled=unlabelled,
        unreadable=len(fresh) - len(readable),
        rare=rare,
        places={
            champion.groups[example.id]: part
            for part, (each, _) in champion.parts.items()
            for example in each
        },
        given=named.intersection(example.id for example in examples),
    )


def groups_of(champion: Champion, new: New) -> Mapping[str, str]:
    """The group of each example of both, by id: one that is alone has its own id for it."""
    return {**champion.groups, **{example.id: example.group or example.id for example in new.examples}}


def grouped(examples: Iterable[Example], champion: Champion) -> list[Example]:
    """The readable ones, each with the group of those that it must stay with: members, copies, near copies,
    also among what the champion knows.

    Args:
        examples: with distinct ids.
        champion: reads them, and has groups already.
    """
    new, known = list(examples), champion.groups
    old = [example for each, _ in champion.parts.values() for example in each]
    scans = scan([*new, *old], champion.scan)
    readable = [example for example in [*new, *old] if not scans[example.id].error]
    keys = find_duplicates(sorted(readable, key=lambda example: example.id), scans).groups
    sizes = Counter(keys.values())
    # Named after the user's group where there is one, or as the champion's data calls it: the same next time.
    names = {keys[example.id]: example.group for example in readable if example.group}
    names |= {keys[example.id]: known[example.id] for example in readable if example.id in known}
    return [
        replace(example, group=names.get(key, key if sizes[key] > 1 else None))
        for example in readable
        if example.id not in known
        for key in (keys[example.id],)
    ]


def _digest(rows: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _rare(examples: Iterable[Example], labels: Sequence[str]) -> dict[str, int]:
    """Labels that the champion does not know, with too few examples to learn them."""
    strangers = {name: many for name, many in counts(examples).items() if name not in labels}
    return {name: many for name, many in sorted(strangers.items()) if many < LEAST_OF_LABEL}


def write_joined(folder: Path, champion: Champion, new: New) -> None:
    """A table for each split, JSON lines; files are linked, or copied where they cannot be or are to judge.

    Args:
        folder: to be made.
        champion: its data.
        new: what comes to each part of it.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    (folder / FILES).mkdir(parents=True)
    groups, count = groups_of(champion, new), 0
    for name in PARTS:
        lines = []
        for example in (*champion.parts[name][0], *new.part(name)):
            labels = list(label_names(example))
            row: dict[str, Any] = {LABEL: labels if champion.several else labels[0]}
            # A linked file changes with its other name, and what judges must not.
            row |= _cells(example, folder / FILES / f"{count:07d}", linked=name != "test")
            lines.append(json.dumps({**row, GROUP: groups[example.id]}, ensure_ascii=False))
            count += 1
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def joined_config(config: Config, folder: Path, champion: Champion) -> Config:
    """The champion's request for the joined data.

    Args:
        config: of the champion's run.
        folder: as `write_joined` wrote it.
        champion: its data.
    """
    example = champion.parts["train"][0][0]
    columns = ",".join(_text_columns(example)) if not isinstance(example.input, Path) else INPUT
    data = replace(
        config.data,
        path=str(folder),
        input=columns,
        label=LABEL,
        group=GROUP,
        multi_label=champion.several,
    )
    return replace(config, data=data)


def counts(examples: Iterable[Example]) -> dict[str, int]:
    """How many of each label."""
    return dict(Counter(label for example in examples for label in label_names(example)))


def _collect(
    found: dict[str, Example],
    targets: dict[str, set[tuple[str, ...]]],
    value: Any,
    labels: tuple[str, ...],
    group: str | None,
) -> str:
    """Add a labelled input; its id."""
    name = digest_of(value)
    targets.setdefault(name, set()).add(tuple(sorted(labels)))
    found[name] = Example(name, value, labels[0] if len(labels) == 1 else labels, group)
    return name


def _value(media_type: str, content: bytes, folder: Path) -> Any:
    """An input as the model takes it, from what the service kept; of an image, a file that is written."""
    if media_type.startswith("text/plain"):
        return content.decode("utf-8", "surrogatepass")
    if media_type == "application/json":
        return tuple(json.loads(content))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha256(content).hexdigest()[:20]}{suffix_of(media_type)}"
    file.write_bytes(content)
    return file


def _cells(example: Example, path: Path, *, linked: bool) -> dict[str, Any]:
    """The input of an example by column; a file lies at a path, with its own suffix, then."""
    value = example.input
    if isinstance(value, Path):
        target = path.with_suffix(value.suffix.lower())
        if linked:
            with suppress(OSError):
                os.link(value.resolve(), target)
        if not target.exists():
            shutil.copyfile(value, target)
        return {INPUT: f"{FILES}/{target.name}"}
    texts = (value,) if isinstance(value, str) else value
    return dict(zip(_text_columns(example), texts, strict=True))


def _text_columns(example: Example) -> tuple[str, ...]:
    count = 1 if isinstance(example.input, str) else len(example.input)
    return tuple(f"{INPUT}{place or ''}" for place in range(count))
