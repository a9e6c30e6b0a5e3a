"""CSV and TSV text to a table; every fault of the text is named with its line.

Knows encodings, delimiters and quotes; knows not what columns mean.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from headstart.data.layout import some
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.modalities.text.encoding import encoding_of

# Characters of a cell: a quote that is never closed takes in the rest of the file.
LONGEST = 2**25
_DELIMITERS = (",", ";", "\t")


class _Record(NamedTuple):
    """One logical row, and the physical lines that it spans, counted from 1."""

    cells: list[str]
    start: int
    stop: int


def read_delimited(path: Path) -> Table:
    """A CSV or TSV file; comma, semicolon and tab are told apart by the header.

    Raises:
        DataError: the text is not UTF-8 (or marked UTF-16), or its rows do not fit the header.
    """
    lines = read_lines(path)
    heading = next((line for line in lines if line.strip()), None)
    if heading is None:
        raise DataError(f"{path}: the file is empty.", "Give it a header and rows, such as 'path,label'.")
    delimiter = delimiter_of(heading)
    with _long_cells():
        header, *records = _records(path, lines, delimiter)
    columns = _columns(path, header)
    if not records:
        raise DataError(f"{path}: there is a header, {some(columns)}, but no row.", "Add one row an example.")
    _refuse_swallowed_lines(path, lines, records, delimiter)
    _refuse_ragged(path, columns, records)
    return Table(
        name=path.name,
        columns=columns,
        rows=tuple(tuple(record.cells) for record in records),
        numbers=tuple(record.start for record in records),
    )


@contextmanager
def _long_cells() -> Iterator[None]:
    """Cells may be long within; what they may be elsewhere is left as it is."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def delimiter_of(heading: str) -> str:
    """The sign between the cells of a header: comma, semicolon or tab."""
    return max(_DELIMITERS, key=lambda sign: len(_cells(heading, sign)))


def read_lines(path: Path) -> list[str]:
    """The physical lines of a text file: UTF-8, or what its byte order mark says.

    Raises:
        DataError: another encoding, or NUL characters, with the line.
    """
    raw = path.read_bytes()
    encoding = encoding_of(raw)
    if encoding == "utf-8" and raw[:200].count(0) > len(raw[:200]) // 4:
        raise DataError(
            f"{path}: the text looks like UTF-16 without a byte order mark.", "Save the table as UTF-8."
        )
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = len(_lines(raw[: error.start].decode(encoding, errors="ignore")))
        raise DataError(
            f"{path}: line {line}: byte 0x{raw[error.start]:02x} is not {encoding.upper()}; "
            "the file may be Latin-1 or Windows-1252.",
            "Save the table as UTF-8 (a spreadsheet calls it 'CSV UTF-8').",
        ) from error
    lines = _lines(text)
    damaged = [f"line {number}: a NUL character." for number, line in enumerate(lines, 1) if "\0" in line]
    if damaged:
        raise DataError.listed(str(path), damaged, "Export the table again: the file is damaged.")
    return lines


def _lines(text: str) -> list[str]:
    # Not splitlines(): it also splits at characters that a cell may hold, such as U+2028.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _records(path: Path, lines: list[str], delimiter: str) -> Iterator[_Record]:
    """The header and the rows, without blank ones."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}: line {start}: {_explained(error)}.",
                "Close the quote; a quote inside a quoted cell is written twice.",
            ) from error
        if any(cell.strip() for cell in cells):
            yield _Record(cells, start, reader.line_num)
        start = reader.line_num + 1


def _explained(error: csv.Error) -> str:
    said = str(error)
    if "field larger" in said:
        return f"a cell has more than {csv.field_size_limit()} characters, so a quote is probably not closed"
    if "end of data" in said:
        return "a quote is opened and never closed"
    return f"a quote is closed in the middle of a cell: {said}"


def _columns(path: Path, header: _Record) -> tuple[str, ...]:
    """The names of the columns; nameless ones (a saved index) are numbered."""
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(header.cells, start=1)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{path}: line {header.start}: the header names {some(repeated)} more than once.",
            "Give every column its own name.",
        )
    return tuple(names)


def _refuse_ragged(path: Path, columns: tuple[str, ...], records: list[_Record]) -> None:
    expected = f"expected {len(columns)} columns ({', '.join(columns)})"
    ragged = [
        f"line {record.start}: {expected}, found {len(record.cells)}."
        for record in records
        if len(record.cells) != len(columns)
    ]
    if ragged:
        raise DataError.listed(
            str(path), ragged, "Quote cells that hold the delimiter, and give every row all its cells."
        )


def _refuse_swallowed_lines(path: Path, lines: list[str], records: list[_Record], delimiter: str) -> None:
    """A stray quote that a later one closes makes one row of several, which is valid CSV.

    It shows when physical lines outnumber logical ones, and each line alone is a whole row. In
    a file whose cells do hold line breaks some row looks otherwise, and nothing is refused.
    """
    spanning = [record for record in records if record.stop > record.start]

    def looks_swallowed(record: _Record) -> bool:
        own = lines[record.start - 1 : record.stop]
        return all(line.count(delimiter) == len(record.cells) - 1 for line in own)

    if spanning and all(looks_swallowed(record) for record in spanning):
        raise DataError.listed(
            str(path),
            [
                f"line {record.start}: a quote opened here closes on line {record.stop}, so "
                f"{record.stop - record.start + 1} lines, each a whole row by itself, are read as one."
                for record in spanning
            ],
            "Close the quote on its own line, or remove it.",
        )
