"""A graph of torch.export, computed operator by operator from its JSON. Nothing of it becomes code.

What computes is looked up in tables: torch's ``aten`` operators from tensors and numbers to tensors, Python's
arithmetic on numbers, and two wrappers around a graph within the graph. Whatever else a graph names is
refused: other namespaces, operators that read files or take what is no tensor and no number, objects,
and names of Python. Other fields, as the conditions on shapes that torch would run, are not looked at.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

# As torch numbers them in its schema.
DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_MEMORY: Mapping[int, torch.memory_format] = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_STRIDED = 7

_OPERATOR = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)")
# Of operators whose name begins with _, or that take a word, no others are known.
_INNER = re.compile(
    r"__(and|or|xor|lshift|rshift)__|_assert_(scalar|tensor_metadata)|_upsample_\w+_aa|_softmax|_log_softmax"
    r"|_to_copy|_unsafe_view|_native_batch_norm_legit_no_training|[a-z]\w*"
)
_WITH_WORDS = re.compile(
    r"_assert_scalar|conv[123]d|div_?|einsum|fft_\w+|gelu_?|index_reduce|linalg_(matrix_)?norm|meshgrid|pad"
    r"|scatter_reduce|searchsorted"
)
# Their kernels trust what such tensors say of themselves, or places that they are given; or they give memory
# that nobody has written. Nothing that goes forward needs them.
_TRUSTING = re.compile(
    r"\w*(sparse|quantize|mkldnn|cudnn|miopen|fbgemm|nested|unpool)\w*|\w*_backward\w*|(new_)?empty\w*"
    r"|set_|resize\w*|as_strided_"
)
_TYPES = re.compile(
    r"(Optional\[|List\[)*(Tensor|int|bool|float|number|complex|Device|Generator)\]*", re.ASCII
)

_NUMBERS = frozenset({"as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float", "as_sym_bool"})
_ARITHMETIC = (
    *("eq", "ne", "le", "ge", "lt", "gt", "and_", "or_", "neg", "pos"),
    *("add", "sub", "mul", "floordiv", "truediv", "mod", "pow"),
)
_OF_NUMBERS: Mapping[str, Callable[..., Any]] = {
    **{f"_operator.{name}": getattr(operator, name) for name in _ARITHMETIC},
    "math.trunc": math.trunc,
    "torch.sym_not": operator.not_,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_sqrt": math.sqrt,
}
# By wrapper, at which place it says whether it changes the precision; None says nothing of it.
_WRAPPERS: Mapping[str, int | None] = {
    "torch.ops.higher_order.wrap_with_set_grad_enabled": None,
    "torch.ops.higher_order.wrap_with_autocast": 2,
}
_KEYWORD = 2


class _Name(str):
    """Of a value that an earlier step gave."""

    __slots__ = ()


@dataclass(frozen=True)
class _Step:
    """One operator.

    Attributes:
        given: what it takes by place, and by name; a `_Name` stands for a value.
        results: how what it gives is called.
        done: names that no later step reads.
    """

    compute: Callable[..., Any]
    given: Sequence[Any]
    keywords: Mapping[str, Any]
    results: Any
    done: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Steps from inputs to outputs, in order."""

    inputs: Sequence[str]
    steps: Sequence[_Step]
    outputs: Sequence[Any]

    def __call__(self, *values: Any) -> list[Any]:
        """Values of the inputs, in order, to those of the outputs in theirs."""
        held = dict(zip(self.inputs, values, strict=True))
        for step in self.steps:
            keywords = {name: _filled(part, held) for name, part in step.keywords.items()}
            found = step.compute(*_filled(step.given, held), **keywords)
            held.update(_called(step.results, found))
            for name in step.done:
                del held[name]
        outputs: list[Any] = _filled(self.outputs, held)
        return outputs


def read_graph(stated: Mapping[str, Any]) -> Graph:
    """A graph as torch's schema has it, version 8.

    Raises:
        ValueError: it names what is not known.
        KeyError, TypeError, AttributeError: it is no such graph.
    """
    outputs = [_template(each) for each in stated["outputs"]]
    read = set(_names_in(outputs))
    steps: list[_Step] = []
    for node in reversed(stated["nodes"]):
        compute, given, keywords = _call(node)
        results = _results(node)
        own = {*_names_in(given), *_names_in(list(keywords.values())), *_names_in(results)}
        steps.append(_Step(compute, given, keywords, results, tuple(own - read)))
        read |= own
    return Graph([_template(each) for each in stated["inputs"]], steps[::-1], outputs)


def _call(node: Mapping[str, Any]) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """What computes a node, and what it is given by place and by name."""
    target, inputs = node["target"], node["inputs"]
    if target in _WRAPPERS:
        return _within(target, [each["arg"] for each in inputs])
    if target in _OF_NUMBERS:
        if any(not _NUMBERS.issuperset(each["arg"]) for each in inputs):
            raise ValueError(f"{target} is given what is no number")
        compute = _OF_NUMBERS[target]
    else:
        compute = _operator(target)
    given = [_template(each["arg"]) for each in inputs if each.get("kind") != _KEYWORD]
    named = {each["name"]: _template(each["arg"]) for each in inputs if each.get("kind") == _KEYWORD}
    return compute, given, named


def _operator(target: str) -> Callable[..., Any]:
    """An operator of torch that takes tensors and numbers and gives them."""
    match = _OPERATOR.fullmatch(target)
    if match is None or not _INNER.fullmatch(match[1]) or _TRUSTING.fullmatch(match[1]):
        raise ValueError(f"the operator '{target}' is not known")
    found = getattr(getattr(torch.ops.aten, match[1], None), match[2], None)
    if not isinstance(found, torch._ops.OpOverload):
        raise ValueError(f"torch {torch.__version__} has no operator '{target}'")
    types = {str(each.type) for each in (*found._schema.arguments, *found._schema.returns)}
    if _WITH_WORDS.fullmatch(match[1]):
        types -= {"str", "Optional[str]"}
    if not all(map(_TYPES.fullmatch, types)):
        raise ValueError(f"the operator '{target}' takes more than tensors and numbers")
    return found


def _within(
    target: str, arguments: Sequence[Mapping[str, Any]]
) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """A graph within the graph: settings that change no number come before it, what it is given after."""
    place = next(place for place, each in enumerate(arguments) if "as_graph" in each)
    switch = _WRAPPERS[target]
    if switch is not None and arguments[switch] != {"as_bool": False}:
        raise ValueError(f"{target} changes the precision")
    inner = read_graph(arguments[place]["as_graph"]["graph"])
    return inner, [_template(each) for each in arguments[place + 1 :]], {}


def _results(node: Mapping[str, Any]) -> Any:
    """Names of what a node gives: one, or a list; None for nothing."""
    outputs = [_template(each) for each in node["outputs"]]
    if node["target"] in _WRAPPERS:
        return outputs
    return outputs[0] if len(outputs) == 1 else outputs or None


def _template(argument: Mapping[str, Any]) -> Any:
    """An argument as plain data, with a `_Name` where a value is to be put."""
    ((kind, value),) = argument.items()
    if kind in _READ:
        return _READ[kind](value)
    if kind in _LISTS:
        return [_READ[_LISTS[kind]](each) for each in value]
    raise ValueError(f"an argument is of a kind that is not known: '{kind}'")


def _device(stated: Mapping[str, Any]) -> torch.device:
    if stated["type"] != "cpu":
        raise ValueError(f"it computes on '{stated['type']}'")
    return torch.device("cpu")


def _layout(stated: int) -> torch.layout:
    if stated != _STRIDED:
        raise ValueError("it has tensors that are not dense")
    return torch.strided


_READ: Mapping[str, Callable[[Any], Any]] = {
    "as_none": lambda _: None,
    "as_int": int,
    # Also what JSON has no number for: "Infinity".
    "as_float": float,
    "as_bool": bool,
    "as_string": str,
    "as_name": _Name,
    "as_tensor": lambda value: _Name(value["name"]),
    "as_sym_int": _template,
    "as_sym_float": _template,
    "as_sym_bool": _template,
    "as_optional_tensor": _template,
    "as_scalar_type": DTYPES.__getitem__,
    "as_memory_format": _MEMORY.__getitem__,
    "as_layout": _layout,
    "as_device": _device,
}
_LISTS: Mapping[str, str] = {
    "as_ints": "as_int",
    "as_floats": "as_float",
    "as_bools": "as_bool",
    "as_tensors": "as_tensor",
    "as_sym_ints": "as_sym_int",
    "as_sym_floats": "as_sym_float",
    "as_sym_bools": "as_sym_bool",
    "as_optional_tensors": "as_optional_tensor",
}


def _names_in(template: Any) -> Iterator[str]:
    if isinstance(template, _Name):
        yield template
    elif isinstance(template, list):
        for part in template:
            yield from _names_in(part)


def _filled(template: Any, held: Mapping[str, Any]) -> Any:
    """A template with values in the place of names."""
    if isinstance(template, _Name):
        return held[template]
    return [_filled(part, held) for part in template] if isinstance(template, list) else template


def _called(results: Any, found: Any) -> Iterator[tuple[str, Any]]:
    """What an operator gave, by name."""
    if isinstance(results, _Name):
        yield results, found
    elif isinstance(results, list):
        for result, value in zip(results, found, strict=True):
            yield from _called(result, value)
