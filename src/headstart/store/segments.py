"""One file of rows: how it is laid out, written, checked and read.

It is a safetensors file whose name says when it was written, how many rows it holds, and the CRC-32
of all its bytes. ``keys`` are the rows' keys; ``data.NAME`` is a field of all rows, one behind the
other; ``shapes.NAME`` are their shapes where these differ. It is read by position, never mapped:
mapped pages count as memory of the process, and a bad disk would kill it. Knows no folder of many.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from headstart.durable import write_file_durably
from headstart.store.lease import Lease

Row = Mapping[str, np.ndarray]  # named fields; shapes may differ from row to row

SUFFIX = ".safetensors"
KEY = np.dtype("S16")
_NAME = re.compile(rf"\d{{20}}-[0-9a-f]{{8}}-(?P<rows>\d+)-(?P<crc>[0-9a-f]{{8}}){SUFFIX}")
_CHUNK = 1 << 22

# By the names that safetensors has for them.
_DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
DTYPES = frozenset(_DTYPES.values())

Form = tuple[np.dtype[Any], tuple[int, ...]]  # of one array: type and shape

# Room for so many bytes: they are written inside, or it raises a CacheError.
Room = Callable[[int], AbstractContextManager[None]]


def digest(key: str) -> bytes:
    """A key as it is kept."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=KEY.itemsize).digest()


def digests(keys: Iterable[str]) -> NDArray[np.bytes_]:
    """Keys as they are kept (n,)."""
    return np.frombuffer(b"".join(map(digest, keys)), KEY)


def write_segment(folder: Path, keys: Sequence[bytes], rows: Sequence[Row], room: Room) -> None:
    """Write rows as one file, there whole or not at all.

    Args:
        folder: of the shelf.
        keys: one a row, as `digests` makes them.
        rows: alike in names, types and numbers of axes.
        room: asked for before it is written.

    Raises:
        CacheError: there is no room.
        DiskFull: nothing is left of it.
        OSError: the folder cannot be written.
    """
    tensors = {"keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY.itemsize)}
    for name in rows[0]:
        arrays = [row[name] for row in rows]
        if len({array.shape for array in arrays}) == 1:
            tensors[f"data.{name}"] = np.stack(arrays)
        else:
            tensors[f"data.{name}"] = np.concatenate([array.ravel() for array in arrays])
            tensors[f"shapes.{name}"] = np.array([array.shape for array in arrays])
    content = save(tensors)
    mark = f"{time.time_ns():020d}-{secrets.token_hex(4)}-{len(rows)}-{zlib.crc32(content):08x}"
    with room(len(content)):
        write_file_durably(folder / f"{mark}{SUFFIX}", content)


def rows_of(name: str) -> int:
    """How many rows a file holds, by its name."""
    found = _NAME.fullmatch(name)
    return int(found["rows"]) if found else 0


@dataclass(frozen=True)
class _Block:
    """One tensor in a file, which begins at byte `start`."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int


class Segment:
    """A file of rows, open.

    Args:
        lease: of the shelf's folder.
        name: of the file.

    Attributes:
        name: as the argument.
        rows: how many.
        keys: (rows,), as `digests` makes them.
        fields: their names.

    Raises:
        ValueError: it is torn, or no segment.
        OSError: it is gone, or cannot be read.
    """

    def __init__(self, lease: Lease, name: str) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"{name} is no segment")
        self.name = name
        self.rows = int(found["rows"])
        self._crc = int(found["crc"], 16)
        self._lease = lease
        self._blocks = _read_header(self._file)
        if self._blocks["keys"].shape != (self.rows, KEY.itemsize):
            raise ValueError(f"{name} does not hold {self.rows} rows")
        self.keys: NDArray[np.bytes_] = self._tensor("keys").reshape(-1).view(KEY)
        self.fields = tuple(key.removeprefix("data.") for key in self._blocks if key.startswith("data."))
        self._ragged = {
            field: self._bounds(field) for field in self.fields if f"shapes.{field}" in self._blocks
        }

    @cached_property
    def sound(self) -> bool:
        """Whether every byte is as it was written; the whole file is read when this is first asked."""
        buffer = memoryview(bytearray(_CHUNK))
        crc = at = 0
        try:
            while count := os.preadv(self._file.fileno(), [buffer], at):
                crc, at = zlib.crc32(buffer[:count], crc), at + count
        except OSError:
            return False
        return crc == self._crc

    def row(self, place: int) -> dict[str, np.ndarray]:
        """The row at a place; its arrays are read-only."""
        places = np.array([place])
        row = {}
        for name in self.fields:
            ((dtype, shape),) = self.forms(name, places)
            (start,) = self.starts(name, places).tolist()
            row[name] = self._array(_Block(dtype, shape, start))
            row[name].flags.writeable = False
        return row

    def forms(self, field: str, places: NDArray[np.int64]) -> set[Form]:
        """The types and shapes of a field that there are at some places."""
        block = self._blocks[f"data.{field}"]
        if field not in self._ragged:
            return {(block.dtype, block.shape[1:])}
        shapes, _ = self._ragged[field]
        return {(block.dtype, tuple(shape)) for shape in shapes[places].tolist()}

    def starts(self, field: str, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The bytes of the file at which a field begins in the rows at some places."""
        if field in self._ragged:
            return self._ragged[field][1][places]
        block = self._blocks[f"data.{field}"]
        return block.start + places * (math.prod(block.shape[1:]) * block.dtype.itemsize)

    def read(self, start: int, into: NDArray[np.uint8]) -> None:
        """Fill an array (bytes,) with what the file holds from byte `start` on.

        Raises:
            OSError: it cannot be read.
        """
        file, rest = self._file, into.data
        while rest:
            count = os.preadv(file.fileno(), [rest], start)
            if count == 0:
                raise OSError(errno.EIO, "Cut short while it was read", str(file.name))
            rest, start = rest[count:], start + count

    @property
    def _file(self) -> FileIO:
        return self._lease.open(self.name)

    def _tensor(self, key: str) -> np.ndarray:
        return self._array(self._blocks[key])

    def _array(self, block: _Block) -> np.ndarray:
        array = np.empty(block.shape, block.dtype)
        self.read(block.start, array.reshape(-1).view(np.uint8))
        return array

    def _bounds(self, field: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The shape of each row (rows, axes), and the byte at which it begins (rows,)."""
        block, shapes = self._blocks[f"data.{field}"], self._tensor(f"shapes.{field}")
        sizes = shapes.prod(axis=1) * block.dtype.itemsize
        return shapes, block.start + sizes.cumsum() - sizes


def _read_header(file: FileIO) -> dict[str, _Block]:
    """Every tensor of a file.

    Raises:
        ValueError: its size is not what its header says, or it has none.
    """
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(os.pread(file.fileno(), 8, 0), "little")
    if length > size:
        raise ValueError("no header")
    blocks, end = {}, 8 + length
    try:
        for name, entry in json.loads(os.pread(file.fileno(), length, 8)).items():
            start, stop = (8 + length + offset for offset in entry["data_offsets"])
            blocks[name] = _Block(_DTYPES[entry["dtype"]], tuple(entry["shape"]), start)
            if math.prod(entry["shape"]) * blocks[name].dtype.itemsize != stop - start:
                raise ValueError(f"{name} has another size than its shape")
            end = max(end, stop)
        if end != size or "keys" not in blocks:
            raise ValueError("cut short")
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("no header") from error
    return blocks
