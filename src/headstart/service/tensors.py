"""Tensors as the Open Inference Protocol sends them over REST: JSON, with a binary tail by its extension.

Nothing is allocated before the numbers that say how much agree with the bytes that came. Knows no model.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from headstart.errors import counted
from headstart.service.asking import read_json, refuse_many
from headstart.service.errors import refusal

BYTES, UINT8, FP32 = "BYTES", "UINT8", "FP32"
# Tensors of one request, dimensions of one tensor, digits of a length.
MOST, DIMENSIONS, DIGITS = 64, 8, 12
# Elements of one tensor, were its sizes of 0 left out: NumPy counts them so, too.
ELEMENTS = 1 << 40
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Tensor:
    """A named array.

    Attributes:
        data: (shape) uint8 or float32 of "UINT8" and "FP32"; of "BYTES", a list of bytes, row by row; in
            outputs of "FP32" that JSON is to carry, NaN is null.
        in_json: of "BYTES", whether it came as strings of JSON, which cannot carry any bytes.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any
    in_json: bool = False


@dataclass(frozen=True)
class InferRequest:
    """What is asked.

    Attributes:
        id: of the client's; None where it gave none.
        tensors: by name.
        outputs: that are wanted, and whether each is to be binary; None is all.
        binary: whether outputs are binary of which it is not said.
    """

    id: str | None
    tensors: Mapping[str, Tensor]
    outputs: Mapping[str, bool] | None
    binary: bool


def read_request(body: bytes, header_length: str | None, most: int) -> InferRequest:
    """A request, checked as far as it can be without a model.

    Args:
        body: JSON, and binary data behind it.
        header_length: what Inference-Header-Content-Length says: bytes of JSON.
        most: inputs of a request, each of which is an element of a tensor of "BYTES".

    Raises:
        HTTPException: 400, it is not what the protocol asks for; 413, it has more inputs.
    """
    end = len(body) if header_length is None else _header_end(header_length, len(body))
    stated = read_json(body[:end])
    if not isinstance(stated, dict):
        raise refusal(400, "The request must be a JSON object.")
    id = stated.get("id")
    if id is not None and not isinstance(id, str):
        raise refusal(400, "`id` must be a string.")
    inputs = stated.get("inputs")
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= MOST:
        raise refusal(400, f"`inputs` must be a list of 1 to {MOST} tensors.")
    tail, tensors = memoryview(body)[end:], {}
    for one in inputs:
        tensor, tail = _tensor(one, tail, most)
        if tensor.name in tensors:
            raise refusal(400, f"The input {tensor.name!r} is given twice.")
        tensors[tensor.name] = tensor
    if len(tail):
        raise refusal(400, f"{len(tail)} bytes behind the JSON belong to no input.")
    binary = _flag(_parameters(stated), "binary_data_output", default=False)
    return InferRequest(id, tensors, _outputs(stated.get("outputs"), binary), binary)


def written(
    answer: Mapping[str, Any], tensors: Sequence[Tensor], binary: Sequence[bool]
) -> tuple[bytes, int | None]:
    """A response's body, and how many bytes of it are JSON; None where all are.

    Args:
        answer: name of the model, and so on.
        tensors: outputs.
        binary: which of them are to be binary.
    """
    outputs, tail = [], []
    for tensor, apart in zip(tensors, binary, strict=True):
        stated = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if apart:
            tail.append(_packed(tensor))
            outputs.append({**stated, "parameters": {"binary_data_size": len(tail[-1])}})
        else:
            outputs.append({**stated, "data": _listed(tensor)})
    head = json.dumps({**answer, "outputs": outputs}, allow_nan=False, separators=(",", ":")).encode()
    return b"".join([head, *tail]), len(head) if tail else None


def _header_end(stated: str, size: int) -> int:
    if not (stated.isascii() and stated.isdecimal() and len(stated) <= DIGITS and int(stated) <= size):
        raise refusal(400, "Inference-Header-Content-Length must be a number, at most that of all bytes.")
    return int(stated)


def _tensor(stated: Any, tail: memoryview, most: int) -> tuple[Tensor, memoryview]:
    """An input, and what is left of the binary data."""
    if not isinstance(stated, dict) or not isinstance(stated.get("name"), str):
        raise refusal(400, "Each input must be an object with a `name`.")
    name = stated["name"]
    where = f"The input {name[:100]!r}"
    datatype, shape = stated.get("datatype"), _shape(stated.get("shape"), where)
    if datatype not in (BYTES, UINT8):
        raise refusal(400, f"{where} has a datatype that no input of this model has; see its metadata.")
    parameters = _parameters(stated)
    if any(key.startswith("shared_memory") for key in parameters):
        raise refusal(400, f"{where} is in shared memory, which this service does not read.")
    size = parameters.get("binary_data_size")
    if (size is None) == ("data" not in stated):
        raise refusal(400, f"{where} must have `data`, or `binary_data_size` and bytes behind the JSON.")
    if size is None:
        data = _from_json(stated["data"], datatype, shape, most=most, where=where)
        return Tensor(name, datatype, shape, data, in_json=True), tail
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(tail):
        raise refusal(400, f"{where} says that it has more bytes than there are behind the JSON.")
    data = _from_bytes(tail[:size], datatype, shape, most=most, where=where)
    return Tensor(name, datatype, shape, data), tail[size:]


def _shape(stated: Any, where: str) -> tuple[int, ...]:
    whole = isinstance(stated, list) and all(type(size) is int and 0 <= size < 2**31 for size in stated)
    if not whole or not 1 <= len(stated) <= DIMENSIONS:
        raise refusal(400, f"{where} must have a `shape` of 1 to {DIMENSIONS} sizes, none of them negative.")
    if math.prod(size for size in stated if size) > ELEMENTS:
        raise refusal(400, f"{where} has a `shape` of more elements than any body holds.")
    return tuple(stated)


def _from_bytes(data: memoryview, datatype: str, shape: tuple[int, ...], *, most: int, where: str) -> Any:
    count = math.prod(shape)
    if datatype == UINT8:
        if count != len(data):
            raise refusal(400, f"{where} has {len(data)} bytes, and its shape says {count}.")
        return np.frombuffer(data, np.uint8).reshape(shape)
    # One more than there may be is enough to know, however many there are.
    found = list(islice(_split(data, count, where), most + 1))
    refuse_many(len(found), most)
    if len(found) != count:
        raise refusal(400, f"{where} has {len(found)} elements, and its shape says {count}.")
    return found


def _split(data: memoryview, count: int, where: str) -> Iterator[bytes]:
    """Elements, each with its length before it."""
    place = 0
    for _ in range(min(count, len(data) // _LENGTH.size)):
        if place + _LENGTH.size > len(data):
            return
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        if length > len(data) - place:
            raise refusal(400, f"{where} has an element that says it is longer than all that is left.")
        yield bytes(data[place : place + length])
        place += length
    if place != len(data):
        raise refusal(400, f"{where} has bytes behind its last element.")


def _from_json(data: Any, datatype: str, shape: tuple[int, ...], *, most: int, where: str) -> Any:
    if not isinstance(data, list):
        raise refusal(400, f"{where} must have a list as `data`.")
    count = math.prod(shape)
    if datatype == UINT8:
        numbers = np.fromiter(_numbers(islice(_flat(data), count + 1), where), np.uint8)
        if len(numbers) != count:
            raise refusal(400, f"{where} must have {count} whole numbers, as its shape says.")
        return numbers.reshape(shape)
    found = list(islice(_flat(data), min(count, most) + 1))
    refuse_many(len(found), most)
    if not all(isinstance(one, str) for one in found):
        raise refusal(400, f"{where} must have strings as elements of `data`, as it is {BYTES}.")
    if len(found) != count:
        raise refusal(400, f"{where} must have {counted(count, 'string')}, as its shape says.")
    try:
        return [one.encode() for one in found]
    except UnicodeEncodeError as error:
        raise refusal(400, f"{where} has half of a surrogate pair, which is no text.") from error


def _numbers(elements: Iterable[Any], where: str) -> Iterator[int]:
    """The elements, each of which must fit into a byte."""
    for one in elements:
        # Truth values are whole numbers to Python.
        if type(one) is not int or not 0 <= one <= 255:
            raise refusal(400, f"{where} must have whole numbers from 0 to 255.")
        yield one


def _flat(data: list[Any]) -> Iterator[Any]:
    """What lists in lists hold, row by row; without recursion, since a client chooses the depth."""
    waiting = [iter(data)]
    while waiting:
        for one in waiting[-1]:
            if isinstance(one, list):
                waiting.append(iter(one))
                break
            yield one
        else:
            waiting.pop()


def _outputs(stated: Any, binary: bool) -> dict[str, bool] | None:
    if stated is None:
        return None
    named = isinstance(stated, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in stated
    )
    if not named or len(stated) > MOST:
        raise refusal(400, f"`outputs` must be a list of at most {MOST} objects with a `name`.")
    if any("classification" in _parameters(one) for one in stated):
        raise refusal(400, "The classification extension is not spoken here; ask for `probabilities`.")
    return {one["name"]: _flag(_parameters(one), "binary_data", default=binary) for one in stated} or None


def _parameters(stated: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = stated.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise refusal(400, "`parameters` must be an object.")
    return parameters or {}


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise refusal(400, f"`{name}` must be true or false.")
    return value


def _packed(tensor: Tensor) -> bytes:
    if tensor.datatype == BYTES:
        return b"".join(_LENGTH.pack(len(one)) + one for one in tensor.data)
    return np.ascontiguousarray(tensor.data).tobytes()


def _listed(tensor: Tensor) -> list[Any]:
    if tensor.datatype == BYTES:
        return [one.decode("utf-8", "replace") for one in tensor.data]
    return [None if value != value else value for value in np.ravel(tensor.data).tolist()]
