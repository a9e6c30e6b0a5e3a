"""MLflow's scoring protocol: POST /invocations and GET /ping.

https://mlflow.org/docs/latest/genai/serving or the page on deploying a model locally: a table as
dataframe_split, dataframe_records or CSV, or values as instances or inputs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeGuard

from starlette.requests import Request
from starlette.responses import Response

from headstart.service.asking import Asking, media_type, plain, read_object, refuse_many
from headstart.service.errors import Json, refusal
from headstart.service.inputs import Input, Reader
from headstart.service.limits import body_of
from headstart.service.slot import Slot

SPLIT, RECORDS, INSTANCES, INPUTS = FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class MLflow:
    """Answers as MLflow's own server does.

    Args:
        slot: has the model.
        asking: asks it.
    """

    def __init__(self, *, slot: Slot, asking: Asking) -> None:
        self._slot = slot
        self._asking = asking

    async def ping(self, _: Request) -> Response:
        """That it is there."""
        return Json({"alive": True})

    async def invocations(self, request: Request) -> Response:
        """What the model says of the rows of a table."""
        with self._slot.pinned(request.scope) as loaded:
            body = body_of(request)
            match media_type(request):
                case "application/json":
                    read = _from_json
                case "text/csv":
                    read = _from_csv
                case _:
                    raise refusal(415, "The Content-Type must be application/json or text/csv.")
            inputs = await self._asking.read(partial(read, body, loaded.reader, self._asking.most), len(body))
            said = await self._asking.ask(request, loaded, inputs)
        return Json({"predictions": [plain(one) for one in said]})


def _from_json(body: bytes, reader: Reader, most: int) -> list[Input]:
    stated = read_object(body)
    given = [form for form in FORMS if form in stated]
    if len(given) != 1:
        raise refusal(400, f"The body must have exactly one of {', '.join(FORMS)}.")
    form = given[0]
    value = stated[form]
    if form == SPLIT:
        return _rows(_split(value, most), reader)
    if form == INPUTS and isinstance(value, dict):
        return _rows(_by_column(value, most), reader)
    if not isinstance(value, list):
        raise refusal(400, f"`{form}` must be a list.")
    refuse_many(len(value), most)
    if form == RECORDS:
        return _rows(value, reader)
    return [reader.plain(one, f"input {place + 1}") for place, one in enumerate(value)]


def _split(table: Any, most: int) -> list[dict[str, Any]]:
    """The rows of {"columns": [...], "data": [[...], ...]}."""
    stated: dict[str, Any] = table if isinstance(table, dict) else {}
    columns, rows = stated.get("columns"), stated.get("data")
    if not _are_names(columns) or not isinstance(rows, list):
        raise refusal(400, f"`{SPLIT}` must have `columns`, a list of names, and `data`, a list of rows.")
    refuse_many(len(rows), most)
    for place, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            raise refusal(400, f"row {place + 1}: must have {len(columns)} cells, one for each column.")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _by_column(table: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """The rows of {"column": [...], ...}."""
    columns = list(table.values())
    if not columns or not all(isinstance(cells, list) and len(cells) == len(columns[0]) for cells in columns):
        raise refusal(400, f"`{INPUTS}` must be a list, or an object of lists of one length.")
    refuse_many(len(columns[0]), most)
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]


def _from_csv(body: bytes, reader: Reader, most: int) -> list[Input]:
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        # The line of names, and one row more than there may be.
        rows = list(islice(filter(None, lines), most + 2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise refusal(
            400, "The body is no CSV in UTF-8 with cells of at most 131072 characters. Send JSON."
        ) from error
    if not rows:
        raise refusal(400, "The table has no line of column names.")
    return _rows(_split({"columns": rows[0], "data": rows[1:]}, most), reader)


def _rows(rows: Sequence[Any], reader: Reader) -> list[Input]:
    if not all(isinstance(row, dict) for row in rows):
        raise refusal(400, f"`{RECORDS}` must be a list of objects, one for each row.")
    return [reader.row(row, f"row {place + 1}") for place, row in enumerate(rows)]


def _are_names(columns: Any) -> TypeGuard[list[str]]:
    return (
        isinstance(columns, list)
        and 0 < len(columns) == len({str(name) for name in columns})
        and all(isinstance(name, str) for name in columns)
    )
