"""The file of torch.export: read without running anything of it, or refused in one sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from headstart.artifact.export.pt2 import read_program
from headstart.errors import BundleError

GRAPH = "archive/models/model.json"
WEIGHTS = "archive/data/weights/model_weights_config.json"
CONSTANTS = "archive/data/constants/model_constants_config.json"
Edit = Callable[[Any], None]


class Small(nn.Module):
    """A bit of everything: a parameter that is used twice, a buffer, sizes, several outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.arange(4.0), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, 4) to two of it."""
        left, right = self.second(self.first(x) * self.scale).reshape(x.shape[0] * x.shape[1], 4).chunk(2, 1)
        return left.masked_fill(left > 0, float("-inf")), right


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return Small().eval()


@pytest.fixture(scope="module")
def file(network: nn.Module) -> bytes:
    """Its program."""
    varying = ({0: Dim.DYNAMIC, 1: Dim.DYNAMIC},)
    program = torch.export.export(network, (torch.rand(3, 5, 4),), dynamic_shapes=varying)
    made = io.BytesIO()
    torch.export.save(program, made)
    return made.getvalue()


def tampered(file: bytes, edits: Mapping[str, Edit], added: Mapping[str, bytes] = {}, **how: Any) -> bytes:
    """The same archive with JSON that was edited, and files that were added or replaced."""
    made = io.BytesIO()
    with ZipFile(io.BytesIO(file)) as before, ZipFile(made, "w", **how) as after:
        for name in before.namelist():
            content = before.read(name)
            if name in edits:
                stated = json.loads(content)
                edits[name](stated)
                content = json.dumps(stated).encode()
            if name not in added:
                after.writestr(name, content)
        for name, content in added.items():
            after.writestr(name, content)
    return made.getvalue()


def first_node(program: Any) -> Any:
    return program["graph_module"]["graph"]["nodes"][0]


def test_it_says_what_the_network_says_of_any_number_of_inputs(file: bytes, network: nn.Module) -> None:
    program = read_program(file)
    for shape in ((1, 1), (2, 7), (6, 3)):
        inputs = torch.rand(*shape, 4)
        with torch.no_grad():
            expected = network(inputs)
        assert all(map(torch.equal, program(inputs), expected))


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.trace),)


def with_expressions(program: Any, code: str) -> None:
    graph = program["graph_module"]["graph"]
    for meta in graph["tensor_values"].values():
        meta["sizes"] = [{"as_expr": {"expr_str": code, "hint": None}} for _ in meta["sizes"]]
    for name in graph["sym_int_values"]:
        graph["sym_int_values"][name] = {"as_expr": {"expr_str": code, "hint": None}}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """What code would make."""
    return tmp_path / "trace"


def test_what_torch_would_run_is_not_even_read(file: bytes, network: nn.Module, trace: Path) -> None:
    code = f"__import__('os').mkdir({str(trace)!r})"
    trap = pickle.dumps(Trap(trace))
    files = [tampered(file, {}, {f"archive/{name}": trap}) for name in (
        "data/sample_inputs/model.pt",
        "data/weights/model.pt",
        "data/constants/model.pt",
        "data/aotinductor/model/own.so",
        "extra/own.py",
    )]  # fmt: skip
    edits: list[Edit] = [
        lambda program: with_expressions(program, code),
        lambda program: program["guards_code"].append(code),
        lambda program: program["range_constraints"].update({code: {"min_val": 0, "max_val": 9}}),
        lambda program: program.update(verifiers=[code]),
        lambda program: first_node(program).update(name=f"x = {code}\n    y", metadata={"stack_trace": code}),
        lambda program: program["graph_module"].update(module_call_graph=[{"fqn": code}]),
    ]
    files += [tampered(file, {GRAPH: edit}) for edit in edits]
    inputs = torch.rand(2, 3, 4)
    with torch.no_grad():
        expected = network(inputs)
    for each in files:
        assert all(map(torch.equal, read_program(each)(inputs), expected))
    assert not trace.exists()


def aims_at(target: str, **arguments: Any) -> Edit:
    """The first operator is another one."""

    def edit(program: Any) -> None:
        inputs = [{"name": name, "arg": arg, "kind": 1} for name, arg in arguments.items()]
        first_node(program).update(target=target, inputs=inputs or first_node(program)["inputs"])

    return edit


def of_kind(kind: str, spec: Any) -> Edit:
    return lambda program: program["graph_module"]["signature"]["input_specs"].append({kind: spec})


def payloads(**changed: Any) -> Edit:
    return lambda stated: next(iter(stated["config"].values())).update(changed)


def meta(**changed: Any) -> Edit:
    return lambda stated: next(iter(stated["config"].values()))["tensor_meta"].update(changed)


def changes_itself(program: Any) -> None:
    program["graph_module"]["signature"]["output_specs"][0] = {"buffer_mutation": {}}


PATH = {"as_string": "trace"}
REFUSED: dict[str, tuple[str, Edit, str]] = {
    "pickled weights": (WEIGHTS, payloads(use_pickle=True), "could run code"),
    "a script object": (CONSTANTS, payloads(path_name="custom_obj_0"), "could run code"),
    "an opaque object": (CONSTANTS, payloads(path_name="opaque_obj_0"), "could run code"),
    "a path outside": (WEIGHTS, payloads(path_name="../../weight_0"), "could run code"),
    "more than its bytes": (WEIGHTS, meta(sizes=[{"as_int": 4}, {"as_int": 400}]), "out of bounds"),
    "before its bytes": (WEIGHTS, meta(storage_offset={"as_int": -4}), "cannot be read"),
    "a function of Python": (GRAPH, aims_at("torch.hub.load"), "'torch.hub.load' is not known"),
    "a getter": (GRAPH, aims_at("_operator.attrgetter"), "is not known"),
    "another module": (GRAPH, aims_at("os.system"), "'os.system' is not known"),
    "another namespace": (GRAPH, aims_at("torch.ops.own.run.default"), "is not known"),
    "an extension": (GRAPH, aims_at("#own:run"), "is not known"),
    "an attribute": (GRAPH, aims_at("torch.ops.aten.add.__class__"), "has no operator"),
    "an operator that is none": (GRAPH, aims_at("torch.ops.aten.quux.default"), "has no operator"),
    "a file that is read": (
        GRAPH,
        aims_at("torch.ops.aten.from_file.default", filename=PATH),
        "more than tensors",
    ),
    "a file that is written": (GRAPH, aims_at("torch.ops.aten.save.default", item=PATH), "(more than|no op)"),
    "unchecked indices": (GRAPH, aims_at("torch.ops.aten.sparse_coo_tensor.size"), "is not known"),
    "places that are trusted": (
        GRAPH,
        aims_at("torch.ops.aten.max_pool2d_with_indices_backward.default"),
        "is not known",
    ),
    "memory that nobody wrote": (GRAPH, aims_at("torch.ops.aten.empty.memory_format"), "is not known"),
    "an inner operator": (GRAPH, aims_at("torch.ops.aten._unsafe_index.Tensor"), "is not known"),
    "text that grows": (
        GRAPH,
        aims_at("_operator.mod", a={"as_string": "%9d"}, b={"as_int": 1}),
        "no number",
    ),
    "a kernel": (GRAPH, aims_at("torch.ops.higher_order.triton_kernel_wrapper_mutation"), "is not known"),
    "another device": (
        GRAPH,
        aims_at("torch.ops.aten.to.device", device={"as_device": {"type": "cuda", "index": 0}}),
        "computes on 'cuda'",
    ),
    "an operator as argument": (
        GRAPH,
        aims_at("torch.ops.aten.relu.default", self={"as_operator": "torch.hub.load"}),
        "'as_operator'",
    ),
    "an object as input": (
        GRAPH,
        of_kind("custom_obj", {"arg": {"name": "a", "class_fqn": "b"}}),
        "custom_obj",
    ),
    "itself changed": (GRAPH, changes_itself, "changes its own weights"),
    "another schema": (GRAPH, lambda program: program["schema_version"].update(major=9), "version 9"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_a_graph_may_not_name_is_refused(
    file: bytes, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    member, edit, said = REFUSED[fault]
    trap = {"archive/data/weights/weight_0": pickle.dumps(Trap(tmp_path / "trace"))}
    with pytest.raises(BundleError, match=said) as refused:
        read_program(tampered(file, {member: edit}, trap if "pickled" in fault else {}))
    assert "headstart export RUN --format torch" in refused.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_grows_or_is_cut_is_refused(file: bytes) -> None:
    with pytest.raises(BundleError, match="larger than its file"):
        read_program(tampered(file, {}, {"archive/extra": bytes(10**6)}, compression=ZIP_DEFLATED))
    for length in range(0, len(file), len(file) // 7):
        with pytest.raises(BundleError, match=r"model\.pt2: cannot be read"):
            read_program(file[:length])
    with pytest.raises(BundleError, match=r"model\.pt2: cannot be read"):
        read_program(tampered(file, {}, {GRAPH: b"[" * 10**6}))


def test_a_graph_that_does_not_fit_its_weights_is_refused_when_it_computes(file: bytes) -> None:
    program = read_program(
        tampered(file, {GRAPH: aims_at("torch.ops.aten.relu.default", self={"as_int": 3})})
    )
    with pytest.raises(BundleError, match=r"model\.pt2: cannot be computed"):
        program(torch.rand(2, 3, 4))
