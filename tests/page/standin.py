"""A stand-in for the service: it answers as the contract of its API says, and as a test wishes."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

from headstart.service.pages import POLICY, page_files

PAGE = page_files()
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@dataclass(frozen=True)
class Reply:
    """An answer of its own kind, in the place of the usual one."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Service:
    """What the stand-in says, and what it was told.

    Attributes:
        model: what /model says; versions: what /models says.
        answers: of /predict, in turn; the last one stays.
        instead: replies that come before the usual ones, by path.
        token: without which it answers 401.
        gate: a /predict waits until it is set.
        asked: bodies of /predict; told: those of /feedback.
    """

    model: Mapping[str, Any]
    answers: Sequence[Mapping[str, Any]]
    versions: Sequence[Mapping[str, Any]] = ()
    instead: dict[str, deque[Reply]] = field(default_factory=dict)
    token: str | None = None
    gate: Event = field(default_factory=Event)
    asked: list[bytes] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def reply(self, method: str, path: str, body: bytes) -> Reply:
        """What it says to a request."""
        if waiting := self.instead.get(path):
            return waiting.popleft()
        if (method, path) == ("GET", "/model"):
            return Reply(200, self.model)
        if (method, path) == ("GET", "/models"):
            return Reply(200, self.versions)
        if (method, path) == ("POST", "/predict"):
            self.gate.wait(30)
            answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(body)
            version = self.model["version"]
            said = {
                "predictions": [answer],
                "model": self.model["name"],
                "version": version,
                "milliseconds": 12.3,
            }
            return Reply(200, said)
        if (method, path) == ("POST", "/feedback"):
            return self._noted(json.loads(body))
        return Reply(404, {"error": f"There is no {path}."})

    def _noted(self, said: dict[str, Any]) -> Reply:
        labels = said["labels"] if "labels" in said else [said["label"]]
        strange = [label for label in labels if label not in self.model["labels"]]
        if strange and not said.get("new"):
            return Reply(400, {"error": f"The model does not know the label '{strange[0]}'."})
        self.told.append(said)
        return Reply(200, {"id": said["id"], "labels": labels})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A browser opens many connections at once, and waits long for one that was not accepted.
    request_queue_size = 128
    service: Service

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A page that has stopped a question has closed its connection.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        name = self.path.lstrip("/") or "index.html"
        if name in PAGE:
            headers = {"Content-Type": f"{TYPES[Path(name).suffix]}; charset=utf-8"}
            headers["Content-Security-Policy"] = POLICY
            return self._send(200, PAGE[name], headers)
        return self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, method: str, body: bytes) -> None:
        service = self.server.service
        if service.token and self.headers["Authorization"] != f"Bearer {service.token}":
            reply = Reply(401, {"error": "The token is missing or wrong."})
        else:
            reply = service.reply(method, self.path, body)
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self._send(reply.status, raw, {"Content-Type": "application/json", **reply.headers})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Standing:
    """A service at an address of its own; a context manager that ends it."""

    # Ports come again: by its name, no storage and no connection of one is taken for that of another.
    _names = count()

    def __init__(self, service: Service) -> None:
        self.service = service
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = service
        self.url = f"http://service-{next(self._names)}.localhost:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
