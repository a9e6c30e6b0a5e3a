"""The application: every address, and what lies between it and the model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Match, Route
from starlette.types import Scope

from headstart.records.records import Records
from headstart.service.access import Access
from headstart.service.asking import Asking
from headstart.service.errors import HANDLERS
from headstart.service.feedback import Correcting
from headstart.service.limits import Limits
from headstart.service.loading import Loader, OpenVersion
from headstart.service.log import EventLog
from headstart.service.metrics import Metrics
from headstart.service.mlflow import MLflow
from headstart.service.observing import ROUTE, UNKNOWN, Observing
from headstart.service.oip import OpenInference
from headstart.service.openapi import document
from headstart.service.options import ServiceOptions
from headstart.service.pages import Pages
from headstart.service.plain import Plain
from headstart.service.recording import Recorder
from headstart.service.slot import Slot
from headstart.service.versions import Versions

# A batch, or an input that is decoded, that takes so many deadlines will never end.
STUCK = 4


class Service:
    """What lives behind the addresses, from start to end.

    Attributes:
        slot: has the model that answers.
        recorder: of its answers.
        metrics, log: of all.
        decoders: threads that decode inputs.
        draining: whether it takes no more requests.

    Raises:
        HeadstartError: there is no champion, or it cannot be opened.
    """

    def __init__(
        self, records: Records, open_version: OpenVersion, options: ServiceOptions, log: EventLog
    ) -> None:
        self.records = records
        self.options = options
        self.log = log
        self.metrics = Metrics()
        self.draining = False
        self.decoders = ThreadPoolExecutor(options.decoders, thread_name_prefix="decoder")
        loader = Loader(open_version, options=options, decoders=self.decoders, counted=self.metrics.batch)
        self.slot = Slot(records, loader.load, metrics=self.metrics, log=log)
        self.metrics.watch_queue(lambda: self.slot.waiting)
        self.recorder = Recorder(
            records,
            share=options.sample,
            keep_inputs=options.keep_inputs,
            dropped=self.metrics.dropped,
            log=log,
        )

    @property
    def version(self) -> int:
        """Number of the version that answers."""
        return self.slot.current.version.number

    def is_ready(self) -> bool:
        """Whether it takes requests."""
        return not self.draining and self.is_alive()

    def is_alive(self) -> bool:
        """Whether the engine and the decoders go on."""
        return self.slot.current.batcher.busy_for < STUCK * self.options.deadline

    async def close(self) -> None:
        """Answer and record what is there."""
        self.draining = True
        await self.slot.close(self.options.drain)
        await asyncio.to_thread(self.end)

    def end(self) -> None:
        """Record what is there; again, nothing."""
        self.recorder.close(self.options.drain)
        self.decoders.shutdown(wait=False, cancel_futures=True)


class _Route(Route):
    """A route that tells its address as the table has it, for metrics and logs."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As usual, and the address."""
        match, child = super().matches(scope)
        return match, {**child, ROUTE: self.path} if match is not Match.NONE else child


def build_app(
    records: Records,
    open_version: OpenVersion,
    options: ServiceOptions,
    log: EventLog | None = None,
) -> Starlette:
    """The application of a service; its champion is open and checked.

    Args:
        records: of the service; they stay open.
        open_version: to a model.
        options: of the service, with a name.
        log: that it writes; None is one on the standard error.

    Raises:
        RequestError: there is no champion.
        HeadstartError: it cannot be opened, or does not give the answers that it gave.
    """
    service = Service(records, open_version, options, log or EventLog())
    versions = Versions(slot=service.slot, records=records, options=options, log=service.log)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        following = asyncio.ensure_future(service.slot.follow(options.poll))
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await versions.close()
        await service.close()

    routes = _routes(service, versions)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(
                Observing, route=partial(_looked_up, routes), metrics=service.metrics, log=service.log
            ),
            Middleware(Access, options=options),
            Middleware(Limits, options=options),
        ],
        exception_handlers=dict(HANDLERS),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


def _looked_up(routes: Sequence[Route], scope: Scope) -> str:
    """The address of a request as the table has it."""
    matched = (child for match, child in (route.matches(scope) for route in routes) if match != Match.NONE)
    return str(next(matched, {ROUTE: UNKNOWN})[ROUTE])


def _routes(service: Service, versions: Versions) -> Sequence[Route]:
    options, slot = service.options, service.slot
    asking = Asking(
        recorder=service.recorder, metrics=service.metrics, options=options, decoders=service.decoders
    )
    plain = Plain(slot=slot, asking=asking, name=options.name)
    mlflow = MLflow(slot=slot, asking=asking)
    oip = OpenInference(slot=slot, asking=asking, name=options.name, ready=service.is_ready)
    correcting = Correcting(slot=slot, records=service.records, recorder=service.recorder, log=service.log)
    pages = Pages(
        slot=slot,
        metrics=service.metrics,
        ready=service.is_ready,
        alive=service.is_alive,
        document=document(options),
    )
    model = "/v2/models/{name}"
    # Those that are asked most come first.
    post: dict[str, Callable[..., Any]] = {
        f"{model}/infer": oip.infer,
        "/predict": plain.predict,
        "/feedback": correcting.feedback,
        "/models/rollback": versions.rollback,
        "/models/{version}/promote": versions.promote,
        "/invocations": mlflow.invocations,
        f"{model}/versions/{{version}}/infer": oip.infer,
    }
    get: dict[str, Callable[..., Any]] = {
        "/": pages.page,
        "/page.{file}": pages.page,
        "/model": versions.model,
        "/models": versions.every,
        "/healthz": pages.health,
        "/readyz": pages.readiness,
        "/ping": mlflow.ping,
        "/metrics": pages.metrics,
        "/openapi.json": pages.openapi,
        "/docs": pages.docs,
        "/v2": oip.server,
        "/v2/health/live": oip.live,
        "/v2/health/ready": oip.ready,
        model: oip.model,
        f"{model}/ready": oip.model_ready,
        f"{model}/versions/{{version}}": oip.model,
        f"{model}/versions/{{version}}/ready": oip.model_ready,
    }
    return [
        *(_Route(path, endpoint, methods=["POST"]) for path, endpoint in post.items()),
        *(_Route(path, endpoint, methods=["GET"]) for path, endpoint in get.items()),
    ]
