"""Every request is timed, counted and logged, and ends in an answer whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headstart.service.clock import milliseconds_since, received
from headstart.service.errors import CLIENT_GONE, ClientGone, error_response, response_to
from headstart.service.log import EventLog
from headstart.service.metrics import Metrics

# In the scope of a request: the address as the table of routes has it, and the version that answers.
ROUTE, VERSION = "headstart.route", "headstart.version"
UNKNOWN = "unknown"
_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


class Observing:
    """The outermost layer.

    Args:
        app: what is inside.
        metrics: count it.
        route: address, as the table of routes has it, of a request that is refused before it is looked up.
        log: has a line of it, without payload, token or query string.
    """

    def __init__(
        self, app: ASGIApp, *, route: Callable[[Scope], str], metrics: Metrics, log: EventLog
    ) -> None:
        self._app = app
        self._route = route
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = received(scope)
        id, code = secrets.token_hex(8), 0

        async def noting(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                own = (b"x-request-id", id.encode())
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS, own]}
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientGone:
            code = code or CLIENT_GONE
        except Exception as error:
            response = response_to(error)
            if response is None:
                self._log.fault("fault", error, id=id, route=self._route_of(scope))
                response = error_response(
                    500, f"Something went wrong in the service; its log says where, under {id}."
                )
            if code:
                raise
            await response(scope, receive, noting)
        finally:
            self._note(scope, id, code or CLIENT_GONE, milliseconds_since(began))

    def _note(self, scope: Scope, id: str, code: int, milliseconds: float) -> None:
        route = self._route_of(scope)
        self._metrics.request(route, code, milliseconds / 1000)
        self._log.write(
            "request",
            method=scope["method"] if scope["method"].isalpha() else UNKNOWN,
            route=route,
            code=code,
            milliseconds=milliseconds,
            id=id,
            version=scope.get(VERSION),
        )

    def _route_of(self, scope: Scope) -> str:
        return str(scope[ROUTE]) if ROUTE in scope else self._route(scope)
