"""What a table says of its rows beside inputs and targets: a site, a device, a year."""

from __future__ import annotations

from collections.abc import Collection

from headstart.data.forms.cells import is_empty, recurs
from headstart.data.table import Table

# Different cells, at most: a column of more tells rows apart, not kinds of rows.
MOST = 20

Traits = tuple[tuple[str, str], ...]


def traits_of(table: Table, used: Collection[str]) -> list[Traits]:
    """Names and cells of the columns in which few different cells recur, for each row.

    Args:
        table: any.
        used: columns that serve otherwise.
    """
    columns = {
        name: [None if is_empty(cell) else str(cell) for cell in table.column(name)]
        for name in table.columns
        if name not in used and recurs(table, name)
    }
    kinds = {name: cells for name, cells in columns.items() if 2 <= len({*cells} - {None}) <= MOST}
    return [
        tuple((name, cell) for name, cells in kinds.items() if (cell := cells[row]) is not None)
        for row in range(len(table.rows))
    ]
