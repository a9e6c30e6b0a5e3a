"""Bodies and parts of addresses that a service takes as they stand, made for the model that answers.

They hold nobody's data. Bodies that are no text, such as files, have none.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from headstart.service.inputs import BASE64, Reader
from headstart.service.loading import Loaded
from headstart.service.oip import ALIAS
from headstart.service.tensors import BYTES

# Pixels of both sides of the image, and its colour.
SIDE, COLOUR = 32, "steelblue"
# In the place of an id: only whoever was answered has one.
ID = "the id of an answer"


def bodies(loaded: Loaded) -> dict[str, Any]:
    """By the name of the schema; by media type where a body is one string."""
    reader, model = loaded.reader, loaded.model
    cells = _cells(reader)
    first = next(iter(cells.values()))
    label = next(iter(model.labels), "what is right")
    found = {
        "Inputs": {"inputs": [_input(reader, cells)]},
        "Invocation": {"dataframe_split": {"columns": list(cells), "data": [list(cells.values())]}},
        "InferRequest": {
            "inputs": [
                {"name": name, "datatype": BYTES, "shape": [1], "data": [cell]}
                for name, cell in cells.items()
            ]
        },
        "Feedback": {"id": ID, **({"labels": [label]} if model.task.multi_label else {"label": label})},
        "text/csv": _table(cells),
    }
    return found if reader.takes_files or len(cells) > 1 else {**found, "text/plain": first}


def parameters(loaded: Loaded) -> dict[str, Any]:
    """Of addresses, by name."""
    return {"name": ALIAS, "version": loaded.version.number, "file": "css"}


def _cells(reader: Reader) -> dict[str, str]:
    """An input by column, as tables have it."""
    if reader.takes_files:
        file = io.BytesIO()
        Image.new("RGB", (SIDE, SIDE), COLOUR).save(file, "PNG")
        return dict.fromkeys(reader.columns, base64.b64encode(file.getvalue()).decode())
    return {column: f"A {column} to try." for column in reader.columns}


def _input(reader: Reader, cells: Mapping[str, str]) -> Any:
    """The same as JSON has it."""
    if len(cells) > 1:
        return cells
    (cell,) = cells.values()
    return {BASE64[0]: cell} if reader.takes_files else cell


def _table(cells: Mapping[str, str]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([cells.keys(), cells.values()])
    return file.getvalue()
