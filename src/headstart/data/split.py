"""Training, validation and test: by label, whole groups, the user's own splits first.

Knows no pixels; what must stay together is given to it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from headstart.config.schema import DataConfig
from headstart.contracts import Example
from headstart.data.dataset import Dataset, Splits
from headstart.data.labels import count_labels, labels_of
from headstart.data.layout import some
from headstart.errors import ConfigError, DataError, counted

Unit = tuple[Example, ...]  # the examples of one group

_THREE_A_CLASS = (
    "A class needs at least three examples to be in train, val and test; copies and members of one group "
    "count as one."
)
_THREE = "At least three are needed; copies and members of one group count as one."
_OWN_SPLITS = "What the data's own splits lack is drawn from train: put more there that the others have not."


def split(dataset: Dataset, groups: Mapping[str, str], config: DataConfig, *, seed: int) -> Splits:
    """Divide examples into train, val and test.

    Stratified by label, where there are labels, or by the rarest one where an example has several. A
    group is never divided. A class of three groups or more is in every split, one of two in train and val, a
    single one in train. Where the data has splits of its own, those are kept and only the lacking
    ones are carved out of train; examples of train whose group is also in val or test, and of val
    whose group is in test, are left out. The result is a function of (seed, ids), not of the
    order of the examples, and hardly changes where a few are added or a few groups joined: each group
    draws its own lot.

    Args:
        dataset: readable examples.
        groups: key by id; an id that is not there is a group of its own.
        config: ``val`` and ``test`` are the shares of the examples that are divided.
        seed: of the drawing.

    Raises:
        ConfigError: nothing would be left for train.
        DataError: too few examples, or labels that train has not.
    """
    if config.val + config.test >= 1:
        raise ConfigError(
            f"data.val and data.test: must be less than 1 together. Got {config.val:g} + {config.test:g}."
        )
    parts, dropped = _given(dataset, _units(dataset.examples, groups))
    carved = [name for name in ("test", "val") if not parts[name]]
    # Val is carved out of what test left, so its share of that is larger.
    shares = {"test": config.test, "val": config.val / (1 - config.test if "test" in carved else 1)}
    for name in carved:
        keep = 2 if carved == ["test", "val"] and name == "test" else 1
        strata = _strata(parts["train"]) if dataset.labelled else [parts["train"]]
        parts[name], parts["train"] = _carve(strata, shares[name], keep=keep, seed=seed)
    _refuse_unusable(dataset, parts)
    return Splits(
        **{
            name: tuple(sorted(example.id for unit in units for example in unit))
            for name, units in parts.items()
        },
        reason=_reason(parts, carved, config, seed=seed, dropped=dropped, labelled=dataset.labelled),
    )


def _units(examples: Iterable[Example], groups: Mapping[str, str]) -> list[Unit]:
    """Whole groups, each sorted by id, in the order of their first ids."""
    members: defaultdict[str, list[Example]] = defaultdict(list)
    for example in sorted(examples, key=lambda example: example.id):
        members[groups.get(example.id, example.id)].append(example)
    return [tuple(unit) for unit in members.values()]


def _given(dataset: Dataset, units: Sequence[Unit]) -> tuple[dict[str, list[Unit]], int]:
    """The units of each split that the data has, without leaks, and how many examples that cost.

    A group in several splits stays in the one that matters most: test, then val.
    """
    given: dict[str, list[Unit]] = {"test": [], "val": [], "train": []}
    if not dataset.splits:
        return given | {"train": list(units)}, 0
    place = {id: name for name, ids in dataset.splits.items() for id in ids}
    dropped = 0
    for unit in units:
        parts = {name: tuple(e for e in unit if place.get(e.id) == name) for name in given}
        name = next((name for name, part in parts.items() if part), None)
        if name is not None:
            given[name].append(parts[name])
            dropped += sum(len(part) for other, part in parts.items() if other != name)
    return given, dropped


def _carve(
    strata: Iterable[Sequence[Unit]], share: float, *, keep: int, seed: int
) -> tuple[list[Unit], list[Unit]]:
    """Units that make up a share of the examples of every stratum, and the rest.

    What a stratum gives too much or too little is made up by the next ones.

    Args:
        strata: whole groups, in a fixed order.
        share: of the examples, to take.
        keep: units of each stratum that are left at least; one with more gives at least one.
        seed: of the drawing.
    """
    taken: list[Unit] = []
    rest: list[Unit] = []
    owed = 0.0
    for stratum in strata:
        owed += share * sum(map(len, stratum))
        drawn = sorted(stratum, key=lambda unit: _lot(unit, seed))
        chosen: list[Unit] = []
        left: list[Unit] = []
        for unit in drawn:
            fits = len(unit) <= owed + 0.5 and len(stratum) - len(chosen) > keep
            (chosen if fits else left).append(unit)
            owed -= len(unit) if fits else 0
        if not chosen and len(left) > keep:
            chosen = [left.pop(min(range(len(left)), key=lambda index: len(left[index])))]
            owed -= len(chosen[0])
        taken += chosen
        rest += left
    return taken, sorted(rest, key=lambda unit: unit[0].id)


def _lot(unit: Unit, seed: int) -> bytes:
    """What a unit draws: its own, whatever the others are."""
    return hashlib.sha256(f"{seed} {unit[0].id}".encode(errors="surrogateescape")).digest()


def _strata(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units by the rarest label among their examples, the rarest strata first."""
    counts = count_labels(example for unit in units for example in unit)
    strata: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        labels = {label for example in unit for label in labels_of(example.target)}
        strata[min(labels, key=lambda label: (counts[label], label), default="")].append(unit)
    return [strata[label] for label in sorted(strata, key=lambda label: (counts[label], label))]


def _refuse_unusable(dataset: Dataset, parts: Mapping[str, Sequence[Unit]]) -> None:
    """Splits that are empty, or have labels that training never sees."""
    empty = [name for name, units in parts.items() if not units]
    if empty:
        raise DataError(
            f"{dataset.name}: too few examples: nothing is left for {' and '.join(empty)} of "
            f"{len(dataset.examples)} examples{_with_labels(dataset)}, in "
            f"{sum(map(len, parts.values()))} groups.",
            _OWN_SPLITS if dataset.splits else _THREE_A_CLASS if dataset.labelled else _THREE,
        )
    if not dataset.labelled:
        return
    counts = {name: count_labels(e for unit in units for e in unit) for name, units in parts.items()}
    problems = [
        f"train has no example of {some(unknown)}, but {name} has."
        for name in ("val", "test")
        if (unknown := [label for label in counts[name] if label not in counts["train"]])
    ]
    if problems:
        raise DataError.listed(dataset.name, problems, "Add such examples to train, or remove the others.")


def _with_labels(dataset: Dataset) -> str:
    return f" with {len(count_labels(dataset.examples))} labels" if dataset.labelled else ""


def _reason(
    parts: Mapping[str, Sequence[Unit]],
    carved: Sequence[str],
    config: DataConfig,
    *,
    seed: int,
    dropped: int,
    labelled: bool,
) -> str:
    """How the division came about, as one clause a step."""
    clauses = []
    kept = [name for name in ("val", "test") if name not in carved]
    if kept:
        clauses.append(f"{' and '.join(kept)} as the data has {'them' if len(kept) > 1 else 'it'}")
    if carved:
        shares = " and ".join(f"{100 * getattr(config, name):.0f} % for {name}" for name in reversed(carved))
        clauses.append(f"{shares} drawn {'by label ' if labelled else ''}with seed {seed}")
    if grouped := sum(len(unit) > 1 for units in parts.values() for unit in units):
        clauses.append(f"{counted(grouped, 'group or set', 'groups or sets')} of duplicates kept whole")
    if dropped:
        clauses.append(f"{dropped} examples left out because copies or members of their groups are held out")
    return "; ".join(clauses)
