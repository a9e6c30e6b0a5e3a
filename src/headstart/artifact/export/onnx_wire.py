"""Whether a model of ONNX keeps tensors in other files: found in its bytes, without another package.

Such a tensor names a path, which ONNX Runtime would read beside the working directory, whatever lies there;
no digest covers it. Walks the messages that may hold tensors, as protobuf writes them (Protocol Buffers,
"Encoding") and onnx.proto numbers them; all else is stepped over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# By the last three bits of a tag, how many bytes a field has; groups are of times gone by.
_VARINT, _BYTES = 0, 2
_FIXED: Mapping[int, int] = {1: 8, 5: 4}
# By message, what its fields hold; those that hold no tensors are left out.
_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "file", 14: "place"},
}


def names_files(model: bytes) -> bool:
    """Whether a tensor of a model lies in another file, in whatever graph or function it is.

    Raises:
        ValueError: it is no message of protobuf.
    """
    left = [("model", memoryview(model))]
    while left:
        kind, message = left.pop()
        for number, value in _fields(message):
            inner = _FIELDS[kind].get(number, "")
            if inner == "file" or (inner == "place" and value != 0):
                return True
            if inner in _FIELDS:
                if not isinstance(value, memoryview):
                    raise ValueError(f"a field of the {kind} is no message")
                left.append((inner, value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        if tag >> 32:  # A reader that cuts it off would see another field.
            raise ValueError("no message of protobuf")
        wire = tag & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        length, place = _varint(message, place) if wire == _BYTES else (_FIXED.get(wire), place)
        if length is None or length > len(message) - place:
            raise ValueError("no message of protobuf")
        yield tag >> 3, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = 0
    for count, byte in enumerate(message[place : place + 10]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & (2**64 - 1), place + count + 1
    raise ValueError("no message of protobuf")
