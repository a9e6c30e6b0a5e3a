"""Which model answers, and how another takes its place without a request lost.

The records say which version is the champion. A new one is opened and checked beside the old, then takes
over from one request to the next; the old one answers what was pinned to it. One that fails is refused,
and the old one stays champion.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from starlette.types import Scope

from headstart.errors import HeadstartError, RequestError
from headstart.records.records import Records
from headstart.records.values import Decision, Version
from headstart.records.versions import CHAMPION
from headstart.service.loading import Loaded
from headstart.service.log import EventLog
from headstart.service.metrics import Metrics
from headstart.service.observing import VERSION


class Refused(Exception):
    """A model was not let take over; the message says why."""


class Slot:
    """The place of the model that answers. Its methods belong to one event loop.

    Args:
        records: know versions and who is champion.
        load: opens and checks one, in a thread.
        metrics, log: are told of changes.

    Raises:
        HeadstartError: there is no champion, or it cannot be opened.
    """

    def __init__(
        self, records: Records, load: Callable[[Version], Loaded], *, metrics: Metrics, log: EventLog
    ) -> None:
        self._records = records
        self._load = load
        self._metrics = metrics
        self._log = log
        self._changing = asyncio.Lock()
        # The champion that was refused, so that it is not tried again and again.
        self._refused: int | None = None
        champion = records.by_alias(CHAMPION)
        if champion is None:
            raise RequestError("No version is the champion.", "Add one to the service first.")
        # Those that requests are still pinned to.
        self._retired: list[Loaded] = []
        self.current = load(champion)
        metrics.serves(champion.number)

    @contextmanager
    def pinned(self, scope: Scope) -> Iterator[Loaded]:
        """The model that answers a request, until it is answered."""
        loaded = self.current
        scope[VERSION] = loaded.version.number
        loaded.enter()
        try:
            yield loaded
        finally:
            loaded.leave()
            self._retired = [one for one in self._retired if one.users.count]

    @property
    def waiting(self) -> int:
        """Inputs that wait, of all models."""
        return sum(loaded.batcher.waiting for loaded in self._every())

    async def promote(self, number: int) -> Version:
        """Let a version take over and make it champion.

        Raises:
            LookupError: there is no such version.
            Refused: it cannot be opened, is not what it was, or another became champion meanwhile.
            HeadstartError: the records cannot be written.
        """
        async with self._changing:
            champion = await asyncio.to_thread(self._records.by_alias, CHAMPION)
            versions = await asyncio.to_thread(self._records.versions)
            version = next((one for one in versions if one.number == number), None)
            if version is None:
                raise LookupError(number)
            loaded = await self._opened(version, "promote")
            decision = self._done("promote", version, "promoted over HTTP")
            with _unused_unless_written(loaded):
                before = None if champion is None else champion.number
                if not await asyncio.to_thread(self._records.succeed, decision, instead_of=before):
                    raise Refused("Another version became the champion meanwhile. Look again.")
            self._take_over(loaded, decision.why)
            return version

    async def rollback(self) -> Version:
        """Let the version take over that was champion before.

        Raises:
            Refused: there is none, it cannot be opened, or another became champion meanwhile.
            HeadstartError: the records cannot be written.
        """
        async with self._changing:
            with _refused():
                version = await asyncio.to_thread(self._records.former_champion)
            loaded = await self._opened(version, "rollback")
            decision = self._done("rollback", version, "rolled back over HTTP")
            with _unused_unless_written(loaded), _refused():
                await asyncio.to_thread(self._records.rollback, decision)
            self._take_over(loaded, decision.why)
            return version

    async def follow(self, seconds: float) -> None:
        """Look again and again at who is champion, which other processes may change."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.look()
            except Refused:
                continue
            except Exception as error:
                self._log.fault("follow", error)

    async def look(self) -> None:
        """Let the champion take over, if it is another one.

        Raises:
            Refused: it cannot be opened; the one of now is champion again.
            HeadstartError: the records cannot be read.
        """
        async with self._changing:
            champion = await asyncio.to_thread(self._records.by_alias, CHAMPION)
            if champion is None or champion.number == self.current.version.number:
                self._refused = None
                return
            if champion.number == self._refused:
                # It could not be written that the one of now is champion again.
                await self._restore(champion)
                return
            try:
                loaded = await self._opened(champion, "swap")
            except Refused:
                await self._restore(champion)
                raise
            decision = self._done("swap", champion, "made champion in the records")
            self._take_over(loaded, decision.why)
            await self._decide(decision)

    async def close(self, seconds: float) -> None:
        """Answer what is waiting, then end."""
        every = self._every()
        for loaded in every:
            loaded.batcher.close()
        until = time.monotonic() + seconds
        for loaded in every:
            await asyncio.to_thread(loaded.batcher.join, max(0.1, until - time.monotonic()))

    def _every(self) -> list[Loaded]:
        """The model that answers, and those that still have to."""
        return [self.current, *self._retired]

    async def _opened(self, version: Version, kind: str) -> Loaded:
        """A version beside the one that answers.

        Raises:
            Refused: it cannot be; that is decided and recorded.
        """
        try:
            return await asyncio.to_thread(self._load, version)
        # A model may fail in the way of any library.
        except Exception as error:
            self._log.fault("refused", error, version=version.number)
            self._metrics.swap("refused")
            said = str(error) if isinstance(error, HeadstartError) else f"{type(error).__name__}."
            await self._decide(Decision(time.time(), kind, version.number, "refused", said, {}))
            raise Refused(
                f"Version {version.number} was refused, and the one before goes on: {said}"
            ) from error

    def _take_over(self, loaded: Loaded, why: str) -> None:
        before, self.current = self.current, loaded
        self._refused = None
        before.retire()
        if before.users.count:
            self._retired.append(before)
        number = loaded.version.number
        self._metrics.serves(number)
        self._metrics.swap("done")
        self._log.write("swap", version=number, before=before.version.number, why=why)

    async def _restore(self, refused: Version) -> None:
        """Make the one that answers champion again, unless somebody has chosen a third."""
        self._refused = refused.number
        why = f"version {refused.number} was refused"
        decision = Decision(time.time(), "restore", self.current.version.number, "done", why, {})
        await asyncio.to_thread(self._records.succeed, decision, instead_of=refused.number)

    def _done(self, kind: str, version: Version, why: str) -> Decision:
        """That a version takes over from the one that answers."""
        evidence = {"before": self.current.version.number}
        return Decision(time.time(), kind, version.number, "done", why, evidence)

    async def _decide(self, decision: Decision) -> None:
        """Record a decision; if that fails, it still holds."""
        with suppress(HeadstartError):
            await asyncio.to_thread(self._records.add_decision, decision)


@contextmanager
def _refused() -> Iterator[None]:
    """What the records do not let happen is refused."""
    try:
        yield
    except RequestError as error:
        # Its kinds are of records that cannot be used.
        if type(error) is not RequestError:
            raise
        raise Refused(str(error)) from error


@contextmanager
def _unused_unless_written(loaded: Loaded) -> Iterator[None]:
    """A model that is about to take over ends unused where the records cannot be written."""
    try:
        yield
    except BaseException:
        loaded.retire()
        raise
