"""The process: signals and swaps under load, with clients on real sockets; nothing accepted is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from service_running import Child, Running, child, png

from headstart.errors import RequestError
from headstart.records.records import Records
from headstart.service.connection import bounded
from headstart.service.options import ServiceOptions
from headstart.service.server import bound, run_server

CLIENTS = 6


class Load:
    """Clients that ask again and again until nobody listens any more.

    Args:
        served: whom they ask.
    """

    def __init__(self, served: Child) -> None:
        self._served = served
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(seed,)) for seed in range(CLIENTS)]
        self.ids: list[str] = []
        self.versions: list[int] = []
        self.lost: list[str] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, more: int) -> None:
        """Until so many more are answered."""
        wanted = len(self.ids) + more
        while len(self.ids) < wanted and not self.lost:
            time.sleep(0.005)

    def _ask(self, seed: int) -> None:
        file, headers = png("warm", seed), {"Content-Type": "image/png"}
        with httpx.Client(base_url=self._served.url, timeout=60) as client:
            while not self._enough.is_set():
                try:
                    said = client.post("/predict", content=file, headers=headers)
                except httpx.ConnectError:
                    return
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    return
                if said.status_code != 200:
                    self.lost.append(said.text)
                    return
                self.ids.append(said.json()["predictions"][0]["id"])
                self.versions.append(said.json()["version"])


def test_swaps_and_a_signal_under_load_lose_no_request_and_no_record(
    tmp_path: Path, runs: list[Path]
) -> None:
    with child(tmp_path, runs) as served, Load(served) as load:
        for number in (2, 1, 2):
            assert httpx.post(f"{served.url}/models/{number}/promote", timeout=60).status_code == 200
            load.wait_for(20)
        assert httpx.post(f"{served.url}/models/rollback", timeout=60).json()["version"] == 1
        load.wait_for(20)
        with on_its_way(served, 20) as half_a_head, on_its_way(served, -10) as half_a_body:
            time.sleep(0.2)
            served.process.terminate()
            time.sleep(0.6)
            assert finished(half_a_head, 20) and finished(half_a_body, -10)
        assert served.process.wait(60) == 0
    assert load.lost == []
    assert set(load.versions) == {1, 2}
    with Records(served.records) as records:
        recorded = {one.id for one in records.predictions()}
    assert set(load.ids) < recorded and len(recorded) == len(load.ids) + 2


FILE = png("warm")
REQUEST = (
    "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
    f"Content-Length: {len(FILE)}\r\n\r\n"
).encode() + FILE


@contextmanager
def on_its_way(served: Child, sent: int) -> Iterator[socket.socket]:
    """A request of which a part is sent."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(REQUEST[:sent])
        yield connection


def finished(connection: socket.socket, sent: int) -> bool:
    """Whether it is answered when the rest is sent, and told that it is the last one."""
    connection.sendall(REQUEST[sent:])
    said = b""
    while more := connection.recv(65536):
        said += more
    return said.startswith(b"HTTP/1.1 200") and b"connection: close" in said


@contextmanager
def in_a_thread(running: Running) -> Iterator[tuple[uvicorn.Server, int]]:
    """uvicorn with our connections, whose insides can be reached."""
    options = ServiceOptions()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(running.client.app, http=bounded(options), lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


def test_a_request_that_comes_as_the_service_begins_to_stop_is_answered(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is.
    monkeypatch.setattr("headstart.service.connection.GRACE", 30.0)
    with in_a_thread(running) as (server, port), socket.create_connection(("127.0.0.1", port)) as idle:
        while not (connections := list(server.server_state.connections)):
            time.sleep(0.005)
        (connection,) = connections
        stopping = threading.Event()
        connection.loop.call_soon_threadsafe(lambda: (connection.shutdown(), stopping.set()))
        assert stopping.wait(60)
        assert finished(idle, 0)


def test_an_address_that_is_taken_is_a_wrong_request(served: Child, running: Running) -> None:
    taken = f"127.0.0.1:{served.port}: cannot be listened on .* Choose another --port"
    options = ServiceOptions(port=served.port)
    with pytest.raises(RequestError, match=taken):
        bound(options)
    # Between the two, another process may begin to listen.
    with bound(ServiceOptions(port=0)) as listener:
        options = ServiceOptions(port=listener.getsockname()[1])
        with bound(options) as other:
            other.listen()
            with pytest.raises(RequestError, match="cannot be listened on"):
                run_server(running.client.app, options, listener)  # type: ignore[arg-type]
