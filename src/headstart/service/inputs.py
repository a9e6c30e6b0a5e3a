"""What clients send as inputs of a model: files, texts, pixels, in the forms of any protocol.

Nothing is ever fetched: a URL is refused, or a text like any other. Knows no protocol and decodes no image.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from headstart.errors import DataError
from headstart.modalities.image.decode import FORMATS

# What a table may call an image, and the one text of a model that has one.
IMAGE, TEXT = "image", "text"
# The keys of a file in base64.
BASE64 = ("base64", "b64")
# Bytes of a character, at most.
WIDEST = 4
_URL = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*://|data:|file:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Input:
    """One input.

    Attributes:
        value: bytes of a file; (H, W, 3) uint8 as the network sees it; a text, or a tuple of them.
    """

    value: Any

    @property
    def size(self) -> int:
        """Bytes of memory: of texts, the most that so many characters may take."""
        match self.value:
            case np.ndarray():
                return self.value.nbytes
            case bytes():
                return len(self.value)
        return WIDEST * self.characters

    @property
    def characters(self) -> int:
        """Of its texts together; 0 where it has none."""
        match self.value:
            case str():
                return len(self.value)
            case tuple():
                return sum(map(len, self.value))
        return 0

    def content(self) -> bytes:
        """Bytes that stand for it: the same for the same input."""
        match self.value:
            case bytes():
                return self.value
            case str():
                return self.value.encode("utf-8", "surrogatepass")
            case np.ndarray():
                return self.value.tobytes()
        return json.dumps(self.value).encode()

    def digest(self) -> str:
        """sha256 of `content`."""
        return hashlib.sha256(self.content()).hexdigest()

    def kept(self) -> tuple[str, bytes]:
        """Media type and bytes of a file that holds it; of pixels, which were cut already, a PNG."""
        match self.value:
            case bytes():
                return _media_type(self.value), self.value
            case str():
                return "text/plain; charset=utf-8", self.content()
            case np.ndarray():
                return "image/png", _png(self.value)
        return "application/json", self.content()


@dataclass(frozen=True)
class Reader:
    """How the inputs of one model are read.

    Attributes:
        family: "image" or "text".
        columns: of the texts of one input, one or several; of images one.
        size: height and width of the pixels that a network for images sees.
    """

    family: str
    columns: tuple[str, ...]
    size: tuple[int, int] | None

    @classmethod
    def of(cls, family: str, facts: Mapping[str, Any], size: tuple[int, int] | None) -> Reader:
        """From what a bundle says."""
        columns = tuple(facts.get("columns") or ()) if family != "image" else ()
        return cls(family, columns or ((IMAGE,) if family == "image" else (TEXT,)), size)

    @property
    def takes_files(self) -> bool:
        """Whether an input is a file, not texts."""
        return self.family == "image"

    def file(self, content: bytes, name: str) -> Input:
        """A file's bytes; of a text, UTF-8.

        Raises:
            DataError: it is no text where one is expected.
        """
        if self.takes_files:
            return Input(content)
        try:
            return self.text(content.decode("utf-8-sig"), name)
        except UnicodeDecodeError as error:
            raise DataError(f"{name}: is no text in UTF-8.", "This model reads texts; send one.") from error

    def text(self, text: str, name: str) -> Input:
        """One text, or of images the base64 form of a file.

        Raises:
            DataError: it is a URL, no base64, or one text where several belong together.
        """
        if self.takes_files:
            return Input(_decoded(text, name))
        if len(self.columns) > 1:
            raise self._wrong(name)
        return Input(text)

    def plain(self, value: Any, name: str) -> Input:
        """An input as JSON writes it: a text, a list of texts, an object by column, {"base64": ...}.

        Raises:
            DataError: it is none of these, or not what the model takes.
        """
        match value:
            case str():
                return self.text(value, name)
            case dict():
                return self.row(value, name)
            case list() if not self.takes_files:
                return self._texts(value, name)
        raise self._wrong(name)

    def row(self, cells: Mapping[str, Any], name: str) -> Input:
        """A row of a table, by column; other columns are left aside.

        Raises:
            DataError: a column is missing, or holds no text.
        """
        if not self.takes_files:
            names = self.columns if len(self.columns) > 1 or self.columns[0] in cells else (TEXT,)
            if missing := [column for column in names if column not in cells]:
                if any(key in cells for key in BASE64):
                    raise DataError(f"{name}: is a file in base64.", "This model reads texts; send the text.")
                columns = ", ".join(self.columns)
                raise DataError(
                    f"{name}: lacks {', '.join(missing)}.", f"This model reads the columns {columns}."
                )
            return self._texts([cells[column] for column in names], name)
        inner = cells.get(IMAGE)
        cells = inner if isinstance(inner, dict) else cells
        if "url" in cells:
            raise _is_url(name)
        found = next((cells[key] for key in (*BASE64, IMAGE) if key in cells), None)
        if not isinstance(found, str):
            raise self._wrong(name)
        return Input(_decoded(found, name))

    def _texts(self, values: Sequence[Any], name: str) -> Input:
        if len(values) != len(self.columns) or not all(isinstance(value, str) for value in values):
            raise self._wrong(name)
        return Input(values[0] if len(values) == 1 else tuple(values))

    def _wrong(self, name: str) -> DataError:
        if self.takes_files:
            return DataError(
                f"{name}: is no image.", 'Send a file, or {"base64": "..."} with the bytes of one.'
            )
        if len(self.columns) > 1:
            texts = f"{len(self.columns)} texts ({', '.join(self.columns)})"
            return DataError(f"{name}: must be {texts}.", "Send a list of them, or an object by name.")
        return DataError(f"{name}: must be one text.", "Send it as a string.")


def _decoded(text: str, name: str) -> bytes:
    """The bytes that base64 stands for."""
    if _URL.match(text):
        raise _is_url(name)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{name}: is not base64.", "Send the bytes of the file in base64.") from error


def _is_url(name: str) -> DataError:
    return DataError(f"{name}: is a URL; this service fetches nothing.", "Send the file itself.")


def _media_type(file: bytes) -> str:
    """Of an image that has been decoded before."""
    with Image.open(BytesIO(file), formats=tuple(FORMATS)) as image:
        return Image.MIME.get(image.format or "", "application/octet-stream")


def _png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
