"""How the process uses its memory."""

from __future__ import annotations

import gc
import weakref

from headstart.training.machine import give_back_freed_memory


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.self = self


def test_what_only_cycles_hold_is_handed_back() -> None:
    gc.disable()
    try:
        held = weakref.ref(Knot())
        assert held() is not None
        give_back_freed_memory()
        assert held() is None
    finally:
        gc.enable()
