"""Inputs decoded once: what they are, and compact rows on a shelf from which views are made later.

Knows no kind of input, and not how a shelf keeps its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headstart.contracts import Example, Intake, Modality, Scan, View
from headstart.data.batches import MakeView
from headstart.data.scanning import Notify, decode
from headstart.errors import CacheError, DiskFull
from headstart.store.shelf import Shelf

# Inputs whose rows are measured; enough for a mean of sizes that differ a few times.
_SAMPLE = 16


@dataclass(frozen=True)
class TakenIn:
    """What a pass over all inputs gave.

    Attributes:
        scans: by id; unreadable inputs say why.
        cuts: why not all of an input can be shown to the network, by id, of those that are cut.
        problem: why the shelf lacks some rows; None where it lacks none.
    """

    scans: Mapping[str, Scan]
    cuts: Mapping[str, str] = field(default_factory=dict)
    problem: DiskFull | CacheError | None = None


def take_in(
    examples: Sequence[Example], modality: Modality, shelf: Shelf | None, *, notify: Notify | None = None
) -> TakenIn:
    """Decode every input once; write the compact rows that the shelf lacks, under `Scan.content`.

    Args:
        examples: with distinct ids.
        modality: called from several threads.
        shelf: of this modality's `compact_state`; None writes nothing. One that cannot be written
            is no exception.
        notify: told of the progress, about a hundred times.
    """
    scans: dict[str, Scan] = {}
    cuts: dict[str, str] = {}

    def noted() -> Iterator[Intake]:
        for example, taken in decode(examples, _intake(modality, shelf), notify=notify):
            scans[example.id] = taken.scan
            if taken.cut:
                cuts[example.id] = taken.cut
            yield taken

    intakes = noted()
    problem = None
    if shelf is not None:
        try:
            with shelf.writing() as writer:
                for taken in intakes:
                    if taken.compact is not None:
                        writer.add(taken.scan.content, taken.compact)
        except (DiskFull, CacheError) as error:
            problem = error
    for _ in intakes:
        pass  # What is left of them is looked at, too.
    return TakenIn(scans, cuts, problem)


def estimate_bytes(examples: Sequence[Example], modality: Modality, shelf: Shelf) -> int:
    """About how many bytes `take_in` would write, from a few of the examples.

    A hint, which may be far off where examples differ much, or some are kept: the shelf asks for room
    whenever it writes.
    """
    sample = examples[:: max(1, len(examples) // _SAMPLE)]
    rows = [taken.compact or {} for _, taken in decode(sample, _intake(modality, shelf))]
    size = sum(array.nbytes for row in rows for array in row.values())
    return size * len(examples) // max(1, len(sample))


def stored_views(modality: Modality, shelf: Shelf, scans: Mapping[str, Scan]) -> MakeView:
    """Views from the rows on a shelf, and from the inputs themselves where it lacks them.

    Args:
        modality: takes the rows that are on the shelf (see `Modality.view`).
        shelf: may lack any of them.
        scans: by id, of the examples that will be shown.
    """
    contents = sorted({found.content for found in scans.values() if found.content})
    lacking = {contents[place] for place in shelf.missing(contents)}

    def view(example: Example, epoch: int | None) -> View:
        content = scans[example.id].content if example.id in scans else ""
        kept = content and content not in lacking
        return modality.view(example, epoch, shelf.row(content) if kept else None)

    return view


def _intake(modality: Modality, shelf: Shelf | None) -> Callable[[Example], Intake]:
    """The modality's, without the compact forms that the shelf has, or that nothing would keep."""

    def intake(example: Example) -> Intake:
        return modality.intake(example, lambda content: shelf is not None and bool(shelf.missing([content])))

    return intake
