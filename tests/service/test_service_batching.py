"""Batches form under load, nobody waits without need, and one bad input costs nobody else an answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
import torch

from headstart.contracts import View
from headstart.errors import DataError
from headstart.service.batching import Batcher, QueueFull
from headstart.service.clock import now

PATIENCE = 60.0


class Engine:
    """Doubles numbers; it can be held, and refuses some of them."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.viewed: list[int] = []
        self.begun = threading.Semaphore(0)
        self.free = threading.Event()
        self.decoding = threading.Event()
        self.free.set()
        self.decoding.set()

    def view(self, value: int, *, name: str) -> View:
        if value == 400:
            raise DataError(f"{name}: no number.")
        if value == 7:
            self.decoding.wait(PATIENCE)
        self.viewed.append(value)
        padding = {"x": 0.0} if value >= 1000 else None
        return View({"x": torch.zeros(value // 1000 if padding else 1)}, padding=padding)

    def answer(self, views: Sequence[View], values: Sequence[int]) -> list[Any]:
        self.begun.release()
        self.free.wait(PATIENCE)
        self.batches.append(list(values))
        if 13 in values:
            raise RuntimeError("13")
        if 14 in values:
            return []
        return [2 * value for value in values]


@asynccontextmanager
async def batching(engine: Engine, **given: Any) -> AsyncIterator[Batcher]:
    settings = {"views": 4, "abreast": 1, "max_batch": 4, "max_wait": 0.05, "queue": 20, **given}
    with ThreadPoolExecutor(settings["views"]) as decoders:
        batcher = Batcher(engine, decoders=decoders, **settings)  # type: ignore[arg-type]
        try:
            yield batcher
        finally:
            engine.free.set()
            engine.decoding.set()
            batcher.close()
            assert batcher.join(PATIENCE)


def trial(body: Callable[[Engine, Batcher], Any], **given: Any) -> Engine:
    """Run something with a new engine and its batcher."""

    async def run() -> Engine:
        engine = Engine()
        async with batching(engine, **given) as batcher:
            await asyncio.wait_for(body(engine, batcher), PATIENCE)
        return engine

    return asyncio.run(run())


def ask(batcher: Batcher, *values: int, seconds: float = PATIENCE) -> asyncio.Task[Any]:
    return asyncio.ensure_future(batcher.answer(values, now() + seconds))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def hold(engine: Engine, batcher: Batcher) -> asyncio.Task[Any]:
    """Keep the engine busy with the number 1."""
    engine.free.clear()
    task = ask(batcher, 1)
    await asyncio.to_thread(engine.begun.acquire)
    return task


def test_alone_a_request_goes_at_once() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        for value in (1, 2, 3):
            assert await ask(batcher, value) == [2 * value]

    # It would not be over in time if it waited for others.
    engine = trial(body, max_wait=1000)
    assert engine.batches == [[1], [2], [3]]


def test_what_waits_goes_together_and_every_request_gets_its_own() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        others = [ask(batcher, 2, 3), ask(batcher, 4), ask(batcher, 5, 6)]
        await until(lambda: len(batcher._ready) == 5)
        engine.free.set()
        assert await first == [2]
        assert [await other for other in others] == [[4, 6], [8], [10, 12]]

    engine = trial(body)
    assert sorted(map(len, engine.batches)) == [1, 1, 4]


def test_a_ready_input_waits_for_one_that_is_being_decoded_but_not_for_long() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        engine.decoding.clear()
        slow = ask(batcher, 7)
        assert await ask(batcher, 2) == [4]
        engine.decoding.set()
        assert await slow == [14]

    assert trial(body).batches == [[2], [7]]

    async def soon(engine: Engine, batcher: Batcher) -> None:
        engine.decoding.clear()
        slow, quick = ask(batcher, 7), ask(batcher, 2)
        await until(lambda: len(batcher._ready) == 1)
        engine.decoding.set()
        assert await slow + await quick == [14, 4]

    assert [sorted(batch) for batch in trial(soon, max_wait=1000).batches] == [[2, 7]]


def test_a_request_of_many_inputs_lets_others_be_decoded_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headstart.service.batching.SLICE", 0.0)

    async def body(engine: Engine, batcher: Batcher) -> None:
        engine.decoding.clear()
        many, other = ask(batcher, 7, 8, 9), ask(batcher, 2)
        await until(lambda: batcher.waiting == 4)
        engine.decoding.set()
        assert await many + await other == [14, 16, 18, 4]

    assert trial(body, views=1).viewed == [7, 2, 8, 9]


def test_a_full_queue_refuses_and_has_room_again_later() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        waiting = ask(batcher, *range(20, 40))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await ask(batcher, 2)
        engine.free.set()
        await first
        assert await waiting == [2 * value for value in range(20, 40)]
        assert await ask(batcher, 2) == [4]
        assert batcher.waiting == 0

    trial(body)


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        cancelled, late = ask(batcher, 2), ask(batcher, 3, seconds=0.01)
        await until(lambda: len(batcher._ready) == 2)
        cancelled.cancel()
        await asyncio.sleep(0.02)
        last = ask(batcher, 4)
        await until(lambda: len(batcher._ready) == 3)
        engine.free.set()
        assert await first == [2] and await last == [8]
        late.cancel()

    assert trial(body).batches == [[1], [4]]


@pytest.mark.parametrize("bad", [13, 14])
def test_a_batch_that_fails_costs_only_those_their_answers_who_made_it_fail(bad: int) -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        good, other, fails = ask(batcher, 2), ask(batcher, 3), ask(batcher, bad)
        await until(lambda: len(batcher._ready) == 3)
        engine.free.set()
        await first
        assert await good == [4] and await other == [6]
        with pytest.raises((RuntimeError, ValueError)):
            await fails
        assert await ask(batcher, 5) == [10]

    trial(body)


def test_an_input_that_cannot_be_read_fails_its_request_alone() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        bad, good = ask(batcher, 1, 400), ask(batcher, 2)
        with pytest.raises(DataError, match="input 2: no number"):
            await bad
        assert await good == [4]
        await until(lambda: batcher.waiting == 0)

    trial(body)


def test_texts_of_very_different_length_do_not_share_a_batch() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        every = ask(batcher, 9000, 200_000, 10_000, 190_000)
        await until(lambda: len(batcher._ready) == 4)
        engine.free.set()
        await first
        assert await every == [18000, 400_000, 20_000, 380_000]

    batches = sorted(sorted(batch) for batch in trial(body).batches)
    assert batches == [[1], [9000, 10_000], [190_000, 200_000]]


def test_one_large_request_does_not_hold_up_small_ones() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        large = ask(batcher, *range(1001, 1013))
        await until(lambda: len(batcher._ready) == 12)
        small, other = ask(batcher, 2), ask(batcher, 2500)
        await until(lambda: len(batcher._ready) == 14)
        engine.free.set()
        assert await first + await small + await other == [2, 4, 5000]
        assert await large == [2 * value for value in range(1001, 1013)]

    batches = trial(body, views=1).batches
    # Four of the large request, then each of the small ones in its turn, with its own length.
    assert batches[:4] == [[1], [*range(1001, 1005)], [2], [2500]]
    assert batches[4:] == [[*range(1005, 1009)], [*range(1009, 1013)]]


def test_requests_are_answered_whole_and_fill_up_a_batch() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        every = []
        for count, values in enumerate([(20, 21, 22), (30, 31, 32), (40, 41, 42)], start=1):
            every.append(ask(batcher, *values))
            await until(lambda count=count: len(batcher._ready) == 3 * count)  # type: ignore[misc]
        engine.free.set()
        await first
        for one in every:
            await one

    batches = trial(body, views=1).batches
    assert batches == [[1], [20, 21, 22, 30], [31, 32, 40, 41], [42]]


def test_batches_are_computed_beside_each_other_and_no_thread_is_left_without() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = [await hold(engine, batcher), await hold(engine, batcher)]
        assert batcher.busy_for > 0
        others = ask(batcher, *range(20, 26))
        await until(lambda: len(batcher._ready) == 6)
        engine.free.set()
        assert [await one for one in first] == [[2], [2]]
        assert await others == [2 * value for value in range(20, 26)]

    engine = trial(body, abreast=2, views=1)
    # Of the six, whoever is free first leaves half to the other.
    assert sorted(map(len, engine.batches)) == [1, 1, 1, 2, 3]


def test_what_was_taken_is_answered_after_the_end() -> None:
    async def body(engine: Engine, batcher: Batcher) -> None:
        first = await hold(engine, batcher)
        last = ask(batcher, 2)
        await until(lambda: len(batcher._ready) == 1)
        batcher.close()
        engine.free.set()
        assert await first + await last == [2, 4]

    trial(body)
