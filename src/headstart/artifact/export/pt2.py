"""The file of torch.export, read as data: torch's own loader would run code that a file brings.

`torch.export.load` unpickles sample inputs and objects, hands the sizes in a file to an evaluator of Python,
and makes source code of the names in a graph and of its conditions. Here none of that is looked at: of the
archive, only JSON and the bytes of tensors are read, and `pt2_graph` says what a graph may name.

Refused are archives with compressed files, or that state more bytes than they have; tensors that are pickled,
or lie outside of their bytes; objects; and graphs that change their own weights. What torch's operators do
with a stranger's numbers is theirs: a file may still ask for more time or memory than there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile

import torch
from torch import Tensor

from headstart.artifact.damage import export_anew, told_of
from headstart.artifact.export.pt2_graph import DTYPES, Graph, read_graph

FILE = "model.pt2"
_GRAPH = "models/model.json"
_WEIGHTS = ("data/weights/", "model_weights_config.json")
_CONSTANTS = ("data/constants/", "model_constants_config.json")
_PAYLOAD = re.compile(r"(weight|tensor)_[0-9]+")
# Of torch's schema; what changes within it can be read.
_SCHEMA = 8
# By kind of an input that is the file's own, the field that has its name.
_OWN: Mapping[str, str] = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}


@dataclass(frozen=True)
class Program:
    """A graph with its weights.

    Attributes:
        own: weights by the graph's names of them.
        asked: names of the inputs that a caller gives, in order.
    """

    graph: Graph
    own: Mapping[str, Tensor]
    asked: Sequence[str]

    def __call__(self, *values: Tensor) -> list[Tensor]:
        """Inputs in order, each with a batch axis, to outputs in theirs.

        Raises:
            BundleError: an operator does not take what the graph gives it.
        """
        given = {**self.own, **dict(zip(self.asked, values, strict=True))}
        with told_of(FILE, "computed", export_anew("torch")), torch.no_grad():
            return self.graph(*(given[name] for name in self.graph.inputs))


def read_program(content: bytes) -> Program:
    """The program in a file that `torch.export.save` wrote.

    Raises:
        BundleError: it is damaged, or has what is refused.
    """
    with told_of(FILE, "read", export_anew("torch")), ZipFile(BytesIO(content)) as archive:
        return _program(archive, len(content))


def _program(archive: ZipFile, size: int) -> Program:
    members = archive.infolist()
    stated = sum(member.file_size for member in members)
    if stated > size or any(member.compress_type != ZIP_STORED for member in members):
        raise ValueError("the archive is larger than its file")
    names = [member.filename for member in members]
    (root,) = {name.removesuffix(_GRAPH) for name in names if name.endswith(f"/{_GRAPH}")}
    if len(set(names)) < len(names):
        raise ValueError("the archive has two files of one name")
    program = json.loads(archive.read(f"{root}{_GRAPH}"))
    version = program["schema_version"]["major"]
    if version != _SCHEMA:
        raise ValueError(f"it is of version {version} of torch's schema, but {_SCHEMA} can be read")
    tensors = {**_tensors(archive, root, *_WEIGHTS), **_tensors(archive, root, *_CONSTANTS)}
    signature = program["graph_module"]["signature"]
    if any("user_output" not in each for each in signature["output_specs"]):
        raise ValueError("the graph changes its own weights")
    own, asked = {}, []
    for each in signature["input_specs"]:
        ((kind, spec),) = each.items()
        if kind in _OWN:
            own[spec["arg"]["name"]] = tensors[spec[_OWN[kind]]]
        elif kind == "user_input":
            asked.append(spec["arg"]["as_tensor"]["name"])
        else:
            raise ValueError(f"the graph takes a '{kind}'")
    return Program(read_graph(program["graph_module"]["graph"]), own, asked)


def _tensors(archive: ZipFile, root: str, folder: str, config: str) -> dict[str, Tensor]:
    """Tensors by the names of the network's parameters; some may share their bytes."""
    payloads: dict[str, Tensor] = {}
    found = {}
    for name, stated in json.loads(archive.read(f"{root}{folder}{config}"))["config"].items():
        path, meta = stated["path_name"], stated["tensor_meta"]
        if stated["use_pickle"] or not _PAYLOAD.fullmatch(path):
            raise ValueError(f"'{name}' is pickled, so reading it could run code")
        if path not in payloads:
            content = bytearray(archive.read(f"{root}{folder}{path}"))
            dtype = DTYPES[meta["dtype"]]
            payloads[path] = (
                torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
            )
        sizes, strides = ([side["as_int"] for side in meta[each]] for each in ("sizes", "strides"))
        found[name] = payloads[path].as_strided(sizes, strides, meta["storage_offset"]["as_int"])
    return found
