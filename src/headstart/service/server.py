"""The process that listens: from its first line in the log to its last answer after a signal."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from headstart.errors import RequestError
from headstart.service.app import Service
from headstart.service.connection import bounded
from headstart.service.log import LoggingHandler
from headstart.service.options import ServiceOptions

# The server, and the reader of forms, which tells of every one that is malformed; and what computes.
_LOGGERS = ("uvicorn", "python_multipart", "headstart")
# Connections that wait to be accepted.
BACKLOG = 1024


def run_server(app: Starlette, options: ServiceOptions, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; then finish every accepted request, and return.

    A second signal ends it at once.

    Args:
        app: as `build_app` made it.
        options: the same that it was made with.
        listener: as `bound` made it; it is closed at the end.

    Raises:
        RequestError: another process began to listen there meanwhile.
    """
    service: Service = app.state.service
    with _address_said(options):
        listener.listen(BACKLOG)
    address, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        http=bounded(options),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=max(1, round(options.keep_alive)),
        timeout_graceful_shutdown=max(1, round(options.drain)),
    )
    with _logging_to(LoggingHandler(service.log)):
        place = f"[{address}]" if ":" in address else address
        service.log.write("listening", url=f"http://{place}:{port}", port=port, version=service.version)
        try:
            _Server(config, service).run(sockets=[listener])
        finally:
            listener.close()
            service.end()
        service.log.write("stopped")


class _Server(uvicorn.Server):
    """uvicorn's, that does not end by the signal that stopped it: what it had to do, it did.

    Args:
        config: of it.
        service: is told that it stops.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._service.draining = True


def bound(options: ServiceOptions) -> socket.socket:
    """A socket that has the address of a service, and does not listen yet: whoever asks is turned away.

    Raises:
        RequestError: the address is taken, or none of this machine.
    """
    with _address_said(options):
        found = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    listener.setblocking(False)
    return listener


@contextlib.contextmanager
def _address_said(options: ServiceOptions) -> Iterator[None]:
    """Turn failures of the system into an error with a remedy."""
    try:
        yield
    except OSError as error:
        raise RequestError(
            f"{options.host}:{options.port}: cannot be listened on ({error.strerror}).",
            "Choose another --port or --host, or stop what listens there.",
        ) from error


@contextlib.contextmanager
def _logging_to(handler: logging.Handler) -> Iterator[None]:
    """Let the server's libraries write into the log of the service."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagates in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagates
