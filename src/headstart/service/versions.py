"""What is served, and which versions there are: /model, /models, promotion and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headstart.errors import HeadstartError
from headstart.records.records import Records
from headstart.records.values import Version
from headstart.service.clock import DEADLINE, now
from headstart.service.errors import Json, refusal
from headstart.service.log import EventLog
from headstart.service.options import ServiceOptions
from headstart.service.slot import Refused, Slot

# Seconds before the deadline of a request at which it says that the change goes on without it.
MARGIN = 1.0
# Of the number of a version, at most.
DIGITS = 12
NO_SUCH = "There is no such version; /models lists them."


class Versions:
    """Answers for the versions.

    Args:
        slot: has the one that answers.
        records: know them all.
        options: name, engine and limits of the service.
        log: is told of records that fail.
    """

    def __init__(self, *, slot: Slot, records: Records, options: ServiceOptions, log: EventLog) -> None:
        self._slot = slot
        self._records = records
        self._options = options
        self._log = log
        self._changes: set[asyncio.Task[Version]] = set()

    async def model(self, request: Request) -> Response:
        """What is served."""
        with self._slot.pinned(request.scope) as loaded:
            facts, model = loaded.model.facts, loaded.model
            return Json(
                {
                    "name": self._options.name,
                    "version": loaded.version.number,
                    "task": model.task.name,
                    "family": model.family,
                    "labels": list(model.labels),
                    "several": model.task.multi_label,
                    "columns": [] if loaded.reader.takes_files else list(loaded.reader.columns),
                    "engine": self._options.engine or model.engine,
                    "licence": facts.get("licence"),
                    "test": loaded.test,
                    "card": loaded.card,
                    "consent": self._options.keep_inputs,
                    "aliases": await self._asked(self._records.aliases),
                    "limits": {
                        "body": self._options.body,
                        "json": self._options.json,
                        "inputs": self._options.queue,
                        "characters": self._options.characters,
                    },
                }
            )

    async def every(self, _: Request) -> Response:
        """All versions."""
        versions = await self._asked(self._records.versions)
        aliases = await self._asked(self._records.aliases)
        return Json(
            [
                {
                    "version": version.number,
                    "path": PurePath(version.path).name,
                    "aliases": [alias for alias, number in aliases.items() if number == version.number],
                    "added": version.added,
                    "note": version.note,
                }
                for version in versions
            ]
        )

    async def promote(self, request: Request) -> Response:
        """Let a version take over."""
        stated = request.path_params["version"]
        # Python reads no number of thousands of digits.
        if not (stated.isascii() and stated.isdecimal() and len(stated) <= DIGITS):
            raise refusal(404, NO_SUCH)
        return await self._changed(request, self._slot.promote(int(stated)))

    async def rollback(self, request: Request) -> Response:
        """Let the version before take over."""
        return await self._changed(request, self._slot.rollback())

    async def close(self) -> None:
        """Let go of changes that are not done."""
        for change in self._changes:
            change.cancel()

    async def _changed(self, request: Request, change: Coroutine[Any, Any, Version]) -> Response:
        """What came of a change, which goes on where the request cannot wait for it."""
        task = asyncio.ensure_future(change)
        self._changes.add(task)
        task.add_done_callback(self._forget)
        left = request.scope[DEADLINE] - now() - MARGIN
        done, _ = await asyncio.wait({task}, timeout=max(0.0, left))
        if not done:
            return Json({"version": None, "aliases": {}, "pending": True}, status_code=202)
        try:
            version = task.result()
        except LookupError as error:
            raise refusal(404, NO_SUCH) from error
        except Refused as error:
            raise refusal(409, str(error)) from error
        except HeadstartError as error:
            raise self._unkept(error) from error
        aliases = await self._asked(self._records.aliases)
        return Json({"version": version.number, "aliases": aliases, "pending": False})

    def _forget(self, task: asyncio.Task[Version]) -> None:
        self._changes.discard(task)
        # Asked for, so that nobody is told that it was not.
        _ = task.cancelled() or task.exception()

    async def _asked(self, read: Any) -> Any:
        try:
            return await asyncio.to_thread(read)
        except HeadstartError as error:
            raise self._unkept(error) from error

    def _unkept(self, error: HeadstartError) -> Exception:
        self._log.fault("records", error)
        return refusal(503, "The records cannot be used at the moment. Try again.", Retry_After="10")
