"""What is in the data, and what is wrong with it. Changes nothing; knows no task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from headstart.config.schema import DataConfig
from headstart.contracts import Modality, Scan
from headstart.data.check_inputs import cut, odd_sizes, passed_over, unreadable
from headstart.data.check_labels import (
    amounts,
    class_counts,
    few_examples,
    imbalance,
    rare_classes,
    similar_labels,
    stray_words,
    unknown_labels,
)
from headstart.data.dataset import Dataset, Finding
from headstart.data.duplicates import Duplicates
from headstart.data.labels import labels_of
from headstart.data.split import split
from headstart.errors import DataError, counted


def check(
    dataset: Dataset,
    scans: Mapping[str, Scan],
    config: DataConfig,
    modality: type[Modality],
    cuts: Mapping[str, str],
) -> tuple[Finding, ...]:
    """Everything that can be said before features are known, gravest first.

    Counts are of the readable examples: what is trained on.

    Args:
        dataset: as read.
        scans: by id.
        config: what is allowed.
        modality: knows which sizes are odd.
        cuts: why not all of an input can be shown to the network, by id.
    """
    good = usable(dataset, scans)
    of_labels = (class_counts, similar_labels, unknown_labels)
    of_classes = (rare_classes, imbalance, amounts, stray_words)
    findings = [
        *unreadable(dataset, scans, config),
        *few_examples(good),
        *(finding for look in of_labels if dataset.labelled for finding in look(good)),
        *(finding for look in of_classes if dataset.classed for finding in look(good)),
        *odd_sizes(good, scans, modality),
        *cut(good, cuts),
        *passed_over(dataset),
    ]
    return _sorted(findings)


def check_duplicates(dataset: Dataset, duplicates: Duplicates) -> tuple[Finding, ...]:
    """What duplicates mean: wasted examples, leaks between the data's own splits, disputed labels."""
    return _sorted([*_repeated(duplicates), *_leaks(dataset, duplicates), *_conflicts(dataset, duplicates)])


def check_division(
    dataset: Dataset, groups: Mapping[str, str], config: DataConfig, *, seed: int
) -> tuple[Finding, ...]:
    """Whether there is enough to train, to choose and to measure on.

    Args:
        dataset: readable examples.
        groups: key by id, of those that are sure to stay together.
        config: shares of the splits.
        seed: of the split.

    Raises:
        ConfigError: shares that leave nothing for train.
    """
    try:
        split(dataset, groups, config, seed=seed)
    except DataError as error:
        return (Finding("error", "too-few", str(error).removeprefix(f"{dataset.name}: ")),)
    return ()


def usable(dataset: Dataset, scans: Mapping[str, Scan]) -> Dataset:
    """The dataset without the examples that cannot be read."""
    good = tuple(example for example in dataset.examples if scans[example.id].error is None)
    ids = {example.id for example in good}
    splits = {name: tuple(id for id in members if id in ids) for name, members in dataset.splits.items()}
    return replace(dataset, examples=good, splits=splits)


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.level)))


def _repeated(duplicates: Duplicates) -> Iterator[Finding]:
    """Exact and near duplicates, which count as one when the data is divided."""
    if duplicates.exact:
        exact = _in_rows(duplicates.exact)
        ids = tuple(id for same in exact for id in same)
        repeat = counted(len(ids) - len(exact), "example repeats another", "examples repeat others")
        yield Finding(
            "warning",
            "exact-duplicates",
            f"{repeat} exactly. Copies stay on one side of the split; remove them.",
            ids,
            (("first", "copies"), *((first, ", ".join(copies)) for first, *copies in exact)),
        )
    if duplicates.near:
        pairs = _in_rows(duplicates.near)
        show = counted(len(pairs), "pair of examples shows", "pairs of examples show")
        yield Finding(
            "note",
            "near-duplicates",
            f"{show} nearly the same; look at them.",
            tuple(sorted({id for pair in pairs for id in pair}, key=_place)),
            (("one", "other"), *pairs),
        )


def _in_rows(sets: Iterable[Iterable[str]]) -> list[tuple[str, ...]]:
    """Sets of ids, they and their members in the order of the data: row 6 is before row 295."""
    return sorted(
        (tuple(sorted(same, key=_place)) for same in sets), key=lambda same: [_place(id) for id in same]
    )


def _place(id: str) -> tuple[list[tuple[int, str]], str]:
    """What puts a name in order: its parts, of which numbers go by size."""
    parts = re.split(r"(\d+)", id)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts], id


def _leaks(dataset: Dataset, duplicates: Duplicates) -> Iterator[Finding]:
    """Groups in several of the splits that the data itself has."""
    place = {id: name for name, ids in dataset.splits.items() for id in ids}
    members: dict[str, list[str]] = {}
    for example in dataset.examples:
        members.setdefault(duplicates.groups[example.id], []).append(example.id)
    leaking = [ids for ids in members.values() if len({place[id] for id in ids if id in place}) > 1]
    if leaking:
        ids = tuple(id for group in leaking for id in group)
        groups = counted(len(leaking), "group (or set of copies)", "groups (or sets of copies)")
        yield Finding(
            "warning",
            "leaks",
            f"{len(ids)} examples of {groups} are in several splits; "
            "test, then val, keeps them, and the others are left out.",
            ids,
            (("split", "example"), *((place.get(id, ""), id) for id in ids)),
        )


def _conflicts(dataset: Dataset, duplicates: Duplicates) -> Iterator[Finding]:
    """Equal inputs with different targets."""
    targets = {example.id: example.target for example in dataset.examples}
    if not dataset.labelled:
        return
    disputed = [same for same in duplicates.exact if any(targets[id] != targets[same[0]] for id in same)]
    if disputed:
        ids = tuple(id for same in _in_rows(disputed) for id in same)
        have = counted(len(disputed), "set of equal inputs has", "sets of equal inputs have")
        yield Finding(
            "warning",
            "label-conflicts",
            f"{have} different labels; correct them.",
            ids,
            (("example", "label"), *((id, "|".join(labels_of(targets[id]))) for id in ids)),
        )
