"""What cells of tables hold, whatever they serve as: texts, lists, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any, TypeVar

from headstart.data.forms.form import Row
from headstart.data.table import Table
from headstart.errors import DataError

Read = TypeVar("Read")

_LOOKED_AT = 200  # cells a column, spread over the table


class Fault(Exception):
    """What is wrong with a cell; the message is a sentence without its place."""


def read_each(rows: Sequence[Row], read: Callable[[Row], Read], *, what: str, remedy: str) -> list[Read]:
    """What each row gives.

    Args:
        rows: in order.
        read: raises a `Fault` where the row's cells are none.
        what: they are, for the message.
        remedy: for all of them.

    Raises:
        DataError: all faults, with their rows.
    """
    found: list[Read] = []
    faults: list[str] = []
    for row in rows:
        try:
            found.append(read(row))
        except Fault as fault:
            faults.append(f"{row.origin}: {fault}")
    if faults:
        raise DataError.listed(what, faults, remedy)
    return found


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, or a text of blanks."""
    return (
        cell is None
        or (isinstance(cell, float) and cell != cell)
        or (isinstance(cell, str) and not cell.strip())
    )


def written_out(cell: Any) -> Any:
    """A cell as a text, numbers written out; None where it is empty, and itself where it is no text."""
    if is_empty(cell):
        return None
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return str(cell)
    return cell


def looked_at(table: Table, name: str) -> list[Any]:
    """Cells of a column that are not empty, a few hundred from all over the table."""
    step = max(1, len(table.rows) // _LOOKED_AT)
    return [cell for cell in table.column(name)[::step] if not is_empty(cell)]


def mostly(table: Table, names: Sequence[str], kind: Callable[[Any], bool]) -> list[str]:
    """The columns of whose cells more than half are of a kind."""
    return [
        name for name in names if (cells := looked_at(table, name)) and sum(map(kind, cells)) * 2 > len(cells)
    ]


def is_wording(cell: Any) -> bool:
    """Whether a cell is a text with letters in it."""
    return isinstance(cell, str) and any(map(str.isalpha, cell))


def text_columns(table: Table, names: Sequence[str]) -> dict[str, float]:
    """Columns whose cells are texts, and how long these are on average."""
    return {
        name: fmean(len(cell) for cell in looked_at(table, name) if is_wording(cell))
        for name in mostly(table, names, is_wording)
    }


def is_prose(table: Table, name: str) -> bool:
    """Whether most cells of a column have several words."""
    return bool(mostly(table, [name], lambda cell: isinstance(cell, str) and len(cell.split()) > 1))


def recurs(table: Table, name: str) -> bool:
    """Whether a column has few different cells for its number of rows, as labels do."""
    return len(set(map(str, table.column(name)))) <= len(table.rows) / 2


def named_wholly(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The name that is a known word in any letter case, earlier words first."""
    found = {name.casefold(): name for name in reversed(names)}
    return next((found[word] for word in known if word in found), None)
