"""What is wrong with inputs: not readable, of odd sizes, passed over. Knows no labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from headstart.config.schema import DataConfig
from headstart.contracts import Modality, Scan
from headstart.data.dataset import Dataset, Finding
from headstart.errors import counted


def unreadable(dataset: Dataset, scans: Mapping[str, Scan], config: DataConfig) -> Iterator[Finding]:
    """Inputs that cannot be decoded: an error where they are too many."""
    broken = [(example, error) for example in dataset.examples if (error := scans[example.id].error)]
    if not broken:
        return
    ids = tuple(example.id for example, _ in broken)
    table = (("example", "reason"), *((example.origin or example.id, error) for example, error in broken))
    share = f"{len(broken)} of {counted(len(dataset.examples), 'example')} cannot be read"
    names = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    if len(broken) == len(dataset.examples):
        yield Finding("error", "unreadable", f"No example can be read: {names}. ({broken[0][1]})", ids, table)
    elif len(broken) > config.max_unreadable * len(dataset.examples):
        yield Finding(
            "error",
            "unreadable",
            f"{share}, more than data.max_unreadable = {config.max_unreadable:g} allows: {names}. "
            "Repair or remove them, or allow more.",
            ids,
            table,
        )
    else:
        are = "is" if len(broken) == 1 else "are"
        yield Finding("warning", "unreadable", f"{share} and {are} left out: {names}.", ids, table)


def odd_sizes(dataset: Dataset, scans: Mapping[str, Scan], modality: type[Modality]) -> Iterator[Finding]:
    """Inputs that do not look like the rest, or like anything, by their size."""
    if not dataset.examples:
        return
    sizes = np.array([scans[example.id].size for example in dataset.examples])
    odd = {
        example.id: (modality.size_words((int(size[0]), int(size[1]))), kind)
        for kind, which in modality.odd_sizes(sizes).items()
        for example, size, hit in zip(dataset.examples, sizes.tolist(), which, strict=True)
        if hit
    }
    if odd:
        first, (size, _) = next(iter(odd.items()))
        are = counted(len(odd), "input is", "inputs are")
        yield Finding(
            "warning",
            "odd-sizes",
            f"{are} of an odd size, such as {first} ({size}); look whether that belongs here.",
            tuple(sorted(odd)),
            (("example", "size", "why"), *((id, *odd[id]) for id in sorted(odd))),
        )


def cut(dataset: Dataset, cuts: Mapping[str, str]) -> Iterator[Finding]:
    """Inputs of which the network will not see everything.

    Args:
        cuts: why, by id.
    """
    rows = [(example.id, cuts[example.id]) for example in dataset.examples if cuts.get(example.id)]
    if rows:
        first, why = rows[0]
        inputs = f"{counted(len(dataset.examples), 'input')} {'is' if len(rows) == 1 else 'are'}"
        yield Finding(
            "warning",
            "cut",
            f"{len(rows)} of {inputs} cut, such as {first} ({why}).",
            tuple(id for id, _ in rows),
            (("example", "why"), *rows),
        )


def passed_over(dataset: Dataset) -> Iterator[Finding]:
    """Files and rows that were not read."""
    if dataset.skipped:
        yield Finding(
            "note",
            "skipped",
            f"Passed over: {dataset.skipped[0]}"
            + (f" And {len(dataset.skipped) - 1} more." if len(dataset.skipped) > 1 else ""),
            table=(("why",), *((reason,) for reason in dataset.skipped)),
        )
