"""One call of OpenVINO has every thread; calls that meet are computed beside each other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from openvino import Model, opset13

from headstart.artifact.export.openvino_compiled import Compiled
from headstart.features.engines.openvino import openvino_core

INPUT = np.arange(8, dtype=np.float32).reshape(2, 4)


def doubled(abreast: int, then: Callable[..., Any] | None = None) -> Compiled:
    """What gives each number twice its value.

    Args:
        abreast: calls that are computed beside each other.
        then: compiles it the second time.
    """
    x = opset13.parameter([-1, 4], np.float32, name="x")
    model = Model([opset13.multiply(x, opset13.constant(np.float32(2)))], [x])
    core = openvino_core()
    ways = iter([core.compile_model, then or core.compile_model])
    twice = SimpleNamespace(compile_model=lambda *given: next(ways)(*given))
    return Compiled(twice, model, {"INFERENCE_NUM_THREADS": 2}, abreast)


def streams(request: Any) -> int:
    """Of the compiled model that a request belongs to, which must compute what it should."""
    request.infer([INPUT], share_inputs=True)
    assert (request.get_output_tensor().data == 2 * INPUT).all()
    return int(request.get_compiled_model().get_property("NUM_STREAMS"))


def test_calls_that_meet_are_computed_beside_each_other() -> None:
    compiled = doubled(2)
    for _ in range(3):
        with compiled.request() as request:
            assert streams(request) == 1
    assert compiled._compiling is not None and compiled._compiling.ident is None
    # Nobody waits until that is compiled.
    with compiled.request() as one, compiled.request() as other:
        assert one is not other and streams(one) == 1 and streams(other) in (1, 2)
    compiled._compiling.join()
    with compiled.request() as one, compiled.request() as other, compiled.request() as third:
        assert [streams(one), streams(other), streams(third)] == [1, 2, 2]
        assert other is not third
    with compiled.request() as request:
        assert streams(request) == 1


def test_where_there_is_no_room_for_that_calls_wait_for_each_other(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    compiled = doubled(2, then=refuse)
    for _ in range(2):
        with compiled.request() as one, compiled.request() as other:
            assert [streams(one), streams(other)] == [1, 1]
        assert compiled._compiling is not None
        compiled._compiling.join()
    assert "Batches are not computed beside each other." in caplog.text


def test_where_calls_are_not_to_meet_nothing_more_is_compiled() -> None:
    compiled = doubled(1)
    with compiled.request() as one, compiled.request() as other:
        assert one is not other and [streams(one), streams(other)] == [1, 1]
    assert compiled._compiling is None
